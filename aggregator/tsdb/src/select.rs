//! From matchers to sets of series, over any index of labels.
//!
//! What a regular expression says about its matches is used before it runs: a finite set of
//! literals is looked up, a common prefix narrows the values, `.*` and `.+` need no value at all.

use model::{
    matcher::{MatchOp, Matcher},
    query::QueryError,
};
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use roaring::RoaringBitmap;

use crate::bounds::Bounds;

pub(crate) mod memo;

/// Largest set of literals that is looked up one by one.
const LITERALS_MAX: usize = 256;

/// Which series have which labels. An absent label counts as empty and is in no set.
pub(crate) trait LabelIndex {
    fn all(&self) -> Result<RoaringBitmap, QueryError>;

    /// Those that have the label, whatever its value.
    fn with_name(&self, name: &str) -> Result<RoaringBitmap, QueryError>;

    fn with_value(&self, name: &str, value: &str) -> Result<RoaringBitmap, QueryError>;

    /// Those with a value that passes. When only some series are of interest, the answer need not
    /// be right for others.
    fn with_values(
        &self,
        name: &str,
        pattern: &Pattern<'_>,
        among: Option<&RoaringBitmap>,
    ) -> Result<RoaringBitmap, QueryError>;
}

/// A regular expression that has to be tried on values.
pub(crate) struct Pattern<'a> {
    /// As it is written: what is found for it may be remembered by this.
    pub(crate) text: &'a str,
    /// What values that match begin with.
    pub(crate) prefix: &'a str,
    pub(crate) pass: &'a dyn Fn(&str) -> bool,
    pub(crate) bounds: &'a Bounds<'a>,
}

impl Pattern<'_> {
    pub(crate) fn matches(&self, value: &str) -> bool {
        value.starts_with(self.prefix) && (self.pass)(value)
    }
}

/// What is known of the texts that a regular expression matches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// Every text, the empty one too.
    Anything,
    /// Every text but the empty one.
    Something,
    /// Exactly these.
    Literals(Vec<String>),
    /// Nothing that does not begin with this.
    Prefix(String),
}

/// A matcher made ready to be asked of several indexes.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    matcher: Matcher,
    shape: Shape,
    matches_empty: bool,
}

impl Condition {
    pub(crate) fn new(matcher: &Matcher) -> Self {
        let shape = match matcher.op() {
            MatchOp::Equal | MatchOp::NotEqual => Shape::Literals(vec![matcher.value().to_owned()]),
            MatchOp::Regex | MatchOp::NotRegex => shape(matcher.value()),
        };
        Self { matcher: matcher.clone(), shape, matches_empty: matcher.matches_empty() }
    }

    fn is_negated(&self) -> bool {
        matches!(self.matcher.op(), MatchOp::NotEqual | MatchOp::NotRegex)
    }

    /// How much work it is, for the order.
    fn cost(&self) -> usize {
        match &self.shape {
            Shape::Literals(literals) if literals.len() == 1 => 0,
            Shape::Literals(_) => 1,
            Shape::Anything | Shape::Something => 2,
            Shape::Prefix(_) => 3,
        }
    }

    /// The series whose label has a value that the text between the slashes matches, negation
    /// aside. The empty value is not looked for.
    fn described(
        &self,
        index: &dyn LabelIndex,
        among: Option<&RoaringBitmap>,
        bounds: &Bounds<'_>,
    ) -> Result<RoaringBitmap, QueryError> {
        let name = self.matcher.name();
        match &self.shape {
            Shape::Anything | Shape::Something => index.with_name(name),
            Shape::Literals(literals) => {
                let mut found = RoaringBitmap::new();
                for literal in literals.iter().filter(|literal| !literal.is_empty()) {
                    found |= index.with_value(name, literal)?;
                }
                Ok(found)
            }
            Shape::Prefix(prefix) => {
                let negated = self.is_negated();
                let pass = |value: &str| self.matcher.matches(value) != negated;
                let text = self.matcher.value();
                index.with_values(name, &Pattern { text, prefix, pass: &pass, bounds }, among)
            }
        }
    }
}

/// The series that meet all conditions.
pub(crate) fn resolve(
    conditions: &[Condition],
    index: &dyn LabelIndex,
    bounds: &Bounds<'_>,
) -> Result<RoaringBitmap, QueryError> {
    let mut ordered: Vec<&Condition> = conditions.iter().collect();
    ordered.sort_by_key(|condition| (condition.matches_empty, condition.cost()));
    let mut found: Option<RoaringBitmap> = None;
    for condition in ordered {
        if found.as_ref().is_some_and(RoaringBitmap::is_empty) {
            break;
        }
        bounds.check()?;
        // What a condition says of the empty value it says of series without the label.
        let (sets, keeps) = sets(condition, index, found.as_ref(), bounds)?;
        let mut result = match found {
            Some(found) => found,
            // The first condition that names what it wants needs no list of all series.
            None if keeps && sets.len() == 1 => {
                found = sets.into_iter().next();
                continue;
            }
            None => index.all()?,
        };
        match (keeps, sets.as_slice()) {
            (true, [set]) => result &= set,
            (true, [absent, present]) => {
                let without = &result - absent;
                result = without | (&result & present);
            }
            (_, sets) => sets.iter().for_each(|set| result -= set),
        }
        found = Some(result);
    }
    found.map_or_else(|| index.all(), Ok)
}

/// The sets that a condition is about, and whether they are to be kept or taken away. Two sets to
/// be kept are the series that have the label at all, and those that have it with a good value.
fn sets(
    condition: &Condition,
    index: &dyn LabelIndex,
    among: Option<&RoaringBitmap>,
    bounds: &Bounds<'_>,
) -> Result<(Vec<RoaringBitmap>, bool), QueryError> {
    let name = condition.matcher.name();
    let described = || condition.described(index, among, bounds);
    Ok(match (condition.is_negated(), condition.matches_empty) {
        (false, false) => (vec![described()?], true),
        (true, true) => (vec![described()?], false),
        (false, true) if condition.shape == Shape::Anything => (Vec::new(), false),
        (false, true) => (vec![index.with_name(name)?, described()?], true),
        (true, false) => {
            let with_name = index.with_name(name)?;
            (vec![with_name - described()?], true)
        }
    })
}

fn shape(pattern: &str) -> Shape {
    let any = Shape::Prefix(String::new());
    match pattern {
        ".*" => return Shape::Anything,
        ".+" => return Shape::Something,
        _ => {}
    }
    let Ok(hir) =
        regex_syntax::ParserBuilder::new().dot_matches_new_line(true).build().parse(pattern)
    else {
        return any;
    };
    // Literals say nothing about assertions like `\b`.
    if !hir.properties().look_set().is_empty() {
        return any;
    }
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_total(LITERALS_MAX);
    let sequence = extractor.extract(&hir);
    let Some(literals) = sequence.literals() else { return any };
    let mut texts = Vec::with_capacity(literals.len());
    for literal in literals {
        // A prefix that ends within a character is no text; such patterns are rare.
        let Ok(text) = std::str::from_utf8(literal.as_bytes()) else { return any };
        texts.push(text.to_owned());
    }
    if sequence.is_exact() {
        texts.sort_unstable();
        texts.dedup();
        return Shape::Literals(texts);
    }
    Shape::Prefix(common_prefix(&texts))
}

fn common_prefix(texts: &[String]) -> String {
    let Some((first, others)) = texts.split_first() else { return String::new() };
    let shared = |text: &String| {
        let pairs = first.char_indices().zip(text.chars());
        let differs = pairs.clone().find(|((_, a), b)| a != b).map(|((at, _), _)| at);
        differs.unwrap_or(first.len().min(text.len()))
    };
    let length = others.iter().map(shared).min().unwrap_or(first.len());
    first.get(..length).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
