//! The encoding that time series databases are measured by: delta of delta for times and XOR for
//! values, bit by bit (Pelkonen et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database",
//! VLDB 2015). Written for comparison only; widths of time deltas are those for milliseconds.

/// Bit widths of a delta of delta behind 1, 2, 3 and 4 set bits of prefix.
const TIME_WIDTHS: [u32; 4] = [14, 17, 20, 64];

#[derive(Default)]
struct Writer {
    word: u64,
    free: u32,
}

impl Writer {
    fn put(&mut self, value: u64, width: u32, out: &mut Vec<u8>) {
        if width == 0 {
            return;
        }
        let value = if width == 64 { value } else { value & ((1 << width) - 1) };
        if width <= self.free {
            self.free -= width;
            self.word |= value.checked_shl(self.free).unwrap_or(0);
        } else {
            let over = width - self.free;
            self.word |= value.checked_shr(over).unwrap_or(0);
            out.extend_from_slice(&self.word.to_be_bytes());
            self.free = 64 - over;
            self.word = value << self.free;
        }
    }

    fn finish(self, out: &mut Vec<u8>) {
        let used = (64 - self.free).div_ceil(8) as usize;
        out.extend_from_slice(&self.word.to_be_bytes()[..used]);
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, width: u32) -> u64 {
        if width == 0 {
            return 0;
        }
        let (byte, shift) = (self.at / 8, self.at % 8);
        self.at += width as usize;
        let rest = &self.bytes[byte..];
        if let (Some(window), true) = (rest.first_chunk(), shift + width as usize <= 64) {
            return u64::from_be_bytes(*window) << shift >> (64 - width);
        }
        let mut window = [0; 16];
        let len = rest.len().min(9);
        window[..len].copy_from_slice(&rest[..len]);
        (u128::from_be_bytes(window) << shift >> (128 - width)) as u64
    }
}

pub(crate) fn encode(times: &[i64], values: &[f64], out: &mut Vec<u8>) {
    let mut writer = Writer { word: 0, free: 64 };
    let (mut time, mut delta) = (0i64, 0i64);
    let (mut bits, mut leading, mut width) = (0u64, 65, 0);
    for (number, (next_time, value)) in times.iter().zip(values).enumerate() {
        let next = value.to_bits();
        if number == 0 {
            writer.put(*next_time as u64, 64, out);
            writer.put(next, 64, out);
            (time, bits) = (*next_time, next);
            continue;
        }
        let next_delta = next_time - time;
        put_change(next_delta - delta, &mut writer, out);
        (time, delta) = (*next_time, next_delta);
        let change = next ^ bits;
        bits = next;
        if change == 0 {
            writer.put(0, 1, out);
            continue;
        }
        let (zeros, trailing) = (change.leading_zeros().min(31), change.trailing_zeros());
        if leading <= zeros && 64 - leading - width <= trailing {
            writer.put(0b10, 2, out);
        } else {
            (leading, width) = (zeros, 64 - zeros - trailing);
            writer.put(0b11, 2, out);
            writer.put(u64::from(leading), 5, out);
            // 64 is written as 0.
            writer.put(u64::from(width), 6, out);
        }
        writer.put(change >> (64 - leading - width), width, out);
    }
    writer.finish(out);
}

fn put_change(change: i64, writer: &mut Writer, out: &mut Vec<u8>) {
    if change == 0 {
        return writer.put(0, 1, out);
    }
    for (number, width) in (1..).zip(TIME_WIDTHS) {
        if width == 64 {
            writer.put(0b1111, 4, out);
            writer.put(change as u64, 64, out);
        } else if (-(1 << (width - 1))..1 << (width - 1)).contains(&change) {
            writer.put((1 << (number + 1)) - 2, number + 1, out);
            return writer.put(change as u64, width, out);
        }
    }
}

/// Appends what a chunk of `count` samples holds. It trusts the bytes.
pub(crate) fn decode(bytes: &[u8], count: usize, times: &mut Vec<i64>, values: &mut Vec<f64>) {
    let mut reader = Reader { bytes, at: 0 };
    let (mut time, mut delta) = (reader.take(64) as i64, 0);
    let mut bits = reader.take(64);
    let (mut leading, mut width) = (0, 0);
    times.push(time);
    values.push(f64::from_bits(bits));
    for _ in 1..count {
        delta += take_change(&mut reader);
        time += delta;
        times.push(time);
        if reader.take(1) == 1 {
            if reader.take(1) == 1 {
                leading = reader.take(5) as u32;
                width = reader.take(6) as u32;
                if width == 0 {
                    width = 64;
                }
            }
            bits ^= reader.take(width) << (64 - leading - width);
        }
        values.push(f64::from_bits(bits));
    }
}

fn take_change(reader: &mut Reader<'_>) -> i64 {
    let mut prefix = 0;
    while prefix < TIME_WIDTHS.len() && reader.take(1) == 1 {
        prefix += 1;
    }
    let Some(&width) = prefix.checked_sub(1).and_then(|number| TIME_WIDTHS.get(number)) else {
        return 0;
    };
    // Shifted up and down again to extend the sign.
    (reader.take(width) << (64 - width)) as i64 >> (64 - width)
}
