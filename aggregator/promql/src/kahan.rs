//! Sums that carry their rounding error along.
//!
//! Source of the algorithm: W. Kahan, "Further remarks on reducing truncation errors" (1965), with
//! A. Neumaier's improvement for terms greater than the sum (1974).

/// A running sum with its compensation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) value: f64,
    pub(crate) compensation: f64,
}

impl Sum {
    pub(crate) fn of(value: f64) -> Self {
        Self { value, compensation: 0.0 }
    }

    pub(crate) fn add(&mut self, term: f64) {
        let total = self.value + term;
        if total.is_infinite() {
            self.compensation = 0.0;
        } else if self.value.abs() >= term.abs() {
            self.compensation += (self.value - total) + term;
        } else {
            self.compensation += (term - total) + self.value;
        }
        self.value = total;
    }

    pub(crate) fn total(self) -> f64 {
        self.value + self.compensation
    }

    #[must_use]
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { value: self.value * factor, compensation: self.compensation * factor }
    }

    #[must_use]
    pub(crate) fn divided(self, divisor: f64) -> Self {
        Self { value: self.value / divisor, compensation: self.compensation / divisor }
    }
}

/// A running mean: the sum over the count, or, once the sum would overflow, the mean itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mean {
    sum: Sum,
    count: f64,
    incremental: bool,
}

impl Mean {
    pub(crate) fn of(first: f64) -> Self {
        Self { sum: Sum::of(first), count: 1.0, incremental: false }
    }

    pub(crate) fn add(&mut self, term: f64) {
        self.count += 1.0;
        if !self.incremental {
            let mut sum = self.sum;
            sum.add(term);
            if !sum.value.is_infinite() {
                self.sum = sum;
                return;
            }
            self.incremental = true;
            self.sum = self.sum.divided(self.count - 1.0);
        }
        self.sum = self.sum.scaled((self.count - 1.0) / self.count);
        self.sum.add(term / self.count);
    }

    pub(crate) fn total(self) -> f64 {
        if self.incremental {
            return self.sum.total();
        }
        self.sum.value / self.count + self.sum.compensation / self.count
    }
}

#[cfg(test)]
mod tests;
