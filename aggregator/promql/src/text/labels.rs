//! Label sets as error messages show them.

use std::fmt;

use model::labels::{Labels, Quoted, is_plain_label_name};

/// Labels with the name among them: `{__name__="…", label="…"}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Braced<'a>(pub(crate) &'a Labels);

impl fmt::Display for Braced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (number, (name, value)) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            if is_plain_label_name(name) {
                f.write_str(name)?;
            } else {
                Quoted(name).fmt(f)?;
            }
            write!(f, "={}", Quoted(value))?;
        }
        f.write_str("}")
    }
}
