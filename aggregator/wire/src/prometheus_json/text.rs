//! Strings, numbers, timestamps and label sets.

use model::{labels::Labels, time::Timestamp};

use crate::number::{push_api_float, push_e_float, push_integer};

/// What a byte needs inside a JSON string: 0 nothing, `u` a `\u00xx`, else `\` and this letter.
/// RFC 8259, section 7.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[b'\n' as usize] = b'n';
    escapes[b'\r' as usize] = b'r';
    escapes[b'\t' as usize] = b't';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

/// A JSON string.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain_from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(*byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(bytes.get(plain_from..at).unwrap_or_default());
        plain_from = at + 1;
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"00");
            out.extend_from_slice(&digits);
        }
    }
    out.extend_from_slice(bytes.get(plain_from..).unwrap_or_default());
    out.push(b'"');
}

/// A sample value: a number in a string, since JSON has neither NaN nor infinities.
pub fn write_float(out: &mut Vec<u8>, value: f64) {
    out.push(b'"');
    push_api_float(out, value);
    out.push(b'"');
}

/// The value of an alert, which always has an exponent: `"1e+00"`.
pub fn write_float_with_exponent(out: &mut Vec<u8>, value: f64) {
    out.push(b'"');
    push_e_float(out, value);
    out.push(b'"');
}

/// Seconds as a JSON number, with three decimals unless they are all zero.
pub fn write_time(out: &mut Vec<u8>, time: Timestamp) {
    let millis = time.millis();
    if millis < 0 {
        out.push(b'-');
    }
    let millis = millis.unsigned_abs();
    push_integer(out, millis / 1000);
    let fraction = millis % 1000;
    if fraction != 0 {
        let digit = |of: u64| b'0' + (of % 10) as u8;
        out.extend_from_slice(&[
            b'.',
            digit(fraction / 100),
            digit(fraction / 10),
            digit(fraction),
        ]);
    }
}

/// `{"name":"value", …}` in order of name.
pub fn write_labels(out: &mut Vec<u8>, labels: &Labels) {
    out.push(b'{');
    let mut comma = Comma::default();
    for (name, value) in labels {
        comma.put(out);
        write_string(out, name);
        out.push(b':');
        write_string(out, value);
    }
    out.push(b'}');
}

/// A JSON array, of whatever `write` makes of each item.
pub fn write_list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    let mut comma = Comma::default();
    for item in items {
        comma.put(out);
        write(out, item);
    }
    out.push(b']');
}

/// An array of strings.
pub fn write_strings<S: AsRef<str>>(out: &mut Vec<u8>, strings: impl IntoIterator<Item = S>) {
    write_list(out, strings, |out, text| write_string(out, text.as_ref()));
}

/// Puts commas between the members of an array or object: before each but the first.
#[derive(Debug, Default)]
pub struct Comma {
    started: bool,
}

impl Comma {
    pub fn put(&mut self, out: &mut Vec<u8>) {
        if self.started {
            out.push(b',');
        }
        self.started = true;
    }
}
