//! What the log has been told already.

/// How often something has been told to the log in its current epoch: the epoch, and in the lowest
/// bit whether it was twice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Logged(u32);

impl Logged {
    /// Whether it has to be told once more, which is then taken for done.
    pub(crate) fn is_due(&mut self, epoch: u32) -> bool {
        if self.0 >> 1 != epoch & (u32::MAX >> 1) {
            self.0 = epoch << 1;
            return true;
        }
        let is_twice = self.0 & 1 != 0;
        self.0 |= 1;
        !is_twice
    }
}

#[cfg(test)]
mod tests {
    use super::Logged;

    #[test]
    fn everything_is_told_twice_in_an_epoch() {
        let mut logged = Logged::default();
        let told: Vec<bool> = [1, 1, 1, 1, 2, 3, 3, 3].map(|epoch| logged.is_due(epoch)).to_vec();
        assert_eq!(told, [true, true, false, false, true, true, true, false]);
    }
}
