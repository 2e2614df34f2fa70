//! What both grammars take, they understand alike.

use crate::{grammars::agree, scripts};

#[test]
fn script_queries_mean_the_same() {
    let queries = scripts::queries();
    let both =
        queries.iter().filter(|query| agree(query).unwrap_or_else(|error| panic!("{error}")));
    let both = both.count();
    assert!(both * 5 > queries.len() * 4, "only {both} of {} were compared", queries.len());
}
