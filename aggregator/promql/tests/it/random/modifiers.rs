//! What may follow a selector or a subquery, and durations.

use super::query::Queries;

const PLAIN: [&str; 12] =
    ["30s", "1m", "90s", "2m", "5m", "10m", "61s", "1m30s", "300", "2.5e2", "0x3c", "15s"];

impl Queries<'_> {
    /// A positive duration, in brackets.
    pub(super) fn duration(&mut self) -> String {
        if self.dialect.modern && self.one_in(8) {
            return self.computed(2);
        }
        if self.mistaken() {
            // The first is a duration since version 3.
            let wrong = ["9223372036", "0s", "-1m", "1w1w", "1e99", "Inf", "", "x"];
            return self.pick(&wrong[usize::from(!self.dialect.modern)..]).into();
        }
        // Numbers instead of durations came with version 3.
        let end = if self.dialect.modern { PLAIN.len() } else { 8 };
        let at = self.random.index(end);
        PLAIN[at].into()
    }

    /// What is in the brackets of a subquery. Without version 3 no step is at the beginning of a
    /// range, because that left the beginning out: all steps and offsets are multiples of 15 s.
    pub(super) fn stretch(&mut self) -> String {
        if !self.dialect.modern {
            // Nor is there a range without any step.
            let stretches = [
                "67s:", "67s:15s", "67s:1m", "127s:30s", "127s:90s", "127s:2m", "5m7s:",
                "5m7s:15s", "5m7s:2m", "607s:30s", "607s:1m", "607s:90s",
            ];
            return self.pick(&stretches).to_owned();
        }
        let step = if self.one_in(4) { String::new() } else { self.duration() };
        format!("{}:{step}", self.duration())
    }

    fn computed(&mut self, depth: u32) -> String {
        if depth == 0 || self.one_in(3) {
            return self.pick(&["step()", "range()", "1m", "30", "90s", "2m"]).into();
        }
        let (left, right) = (self.computed(depth - 1), self.computed(depth - 1));
        match self.random.index(7) {
            0 => format!("min_of({left}, {right})"),
            1 => format!("max_of({left}, {right})"),
            2 => format!("({left} + {right})"),
            3 => format!("{left} * 2"),
            4 => format!("{left} - {right}"),
            5 => format!("-({left})"),
            _ => {
                let op = self.pick(&["+", "-", "*", "/", "%", "^"]);
                format!("{left} {op} {right}")
            }
        }
    }

    /// `offset` and `@`, mostly neither.
    pub(super) fn modifiers(&mut self) -> String {
        let mut text = String::new();
        let first = self.one_in(2);
        for offset in [first, !first] {
            if offset && self.one_in(6) {
                let duration = match self.random.index(5) {
                    0 if self.dialect.modern => format!("({})", self.computed(1)),
                    1 if self.dialect.modern => "step()".to_owned(),
                    2 => format!("-{}", self.pick(&PLAIN[..6])),
                    _ => self.pick(&PLAIN[..6]).to_owned(),
                };
                text += &format!(" offset {duration}");
            } else if !offset && self.one_in(7) {
                let at = match self.random.index(4) {
                    0 => "start()".to_owned(),
                    1 => "end()".to_owned(),
                    _ => {
                        let time = self.dialect.origin / 1000 + self.random.below(1200) as i64;
                        // Off the steps of subqueries.
                        if self.dialect.modern { format!("{time}") } else { format!("{time}.25") }
                    }
                };
                text += &format!(" @ {at}");
            }
            if self.mistaken() {
                text += self.pick(&[" @ Inf", " offset", " @ 1e40", " offset 1y9999w", " @ -1"]);
            }
        }
        text
    }

    /// `anchored` or `smoothed`, mostly neither.
    pub(super) fn extension(&mut self) -> &'static str {
        if self.dialect.modern && self.one_in(12) {
            self.pick(&[" anchored", " smoothed"])
        } else {
            ""
        }
    }
}
