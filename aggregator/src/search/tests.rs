//! Tests of scores: which names fit, and in which order.

use super::{Algorithm, Search};

fn search(term: &str, algorithm: Algorithm, threshold: f64, case_sensitive: bool) -> Search {
    Search::new([term].into_iter(), algorithm, threshold, case_sensitive)
}

fn subsequence(term: &str, name: &str) -> Option<f64> {
    search(term, Algorithm::Subsequence, 0.0, true).score(name)
}

#[test]
fn a_subsequence_is_worth_its_runs_less_its_gaps() {
    assert_eq!(subsequence("http", "http_requests_total"), Some(1.0));
    assert_eq!(subsequence("xyz", "http_requests_total"), None);
    assert_eq!(subsequence("ptth", "http"), None);
    // One run of 2 behind 1 of 4 characters, with 1 behind: 4 - 1/4 - 1/8, of 4.
    let score = subsequence("bc", "abcd").expect("fits");
    assert!((score - (4.0 - 0.375) / 4.0 * 0.999).abs() < 1e-12, "{score}");
    // Two runs of 1 with a gap of 1 between: 2 - 1/4 - 1/4, of 4.
    let score = subsequence("bd", "abcd").expect("fits");
    assert!((score - (2.0 - 0.5) / 4.0 * 0.999).abs() < 1e-12, "{score}");
    // The better of two starts counts.
    assert!(subsequence("ab", "a_ab") > subsequence("ab", "a_b_"));
    assert!(subsequence("über", "x_über") > subsequence("über", "ü_b_e_r"));
}

#[test]
fn thresholds_terms_and_case_decide_who_fits() {
    let strict = search("bd", Algorithm::Subsequence, 0.9, true);
    assert_eq!(strict.score("abcd"), None);
    let folded = search("HTTP", Algorithm::Subsequence, 0.0, false);
    assert_eq!(folded.score("Http_total"), Some(1.0));
    assert_eq!(search("HTTP", Algorithm::Subsequence, 0.0, true).score("http"), None);
    let any = Search::new(["zzz", "", "up"].into_iter(), Algorithm::Subsequence, 0.0, true);
    assert_eq!(any.score("up"), Some(1.0));
    let none = Search::new([""].into_iter(), Algorithm::Subsequence, 0.0, true);
    assert_eq!(none.score("anything"), Some(1.0));
}

#[test]
fn similar_names_fit_where_substrings_do_not() {
    let exact = search("cpu", Algorithm::JaroWinkler, 0.0, true);
    assert_eq!(exact.score("cpu_seconds"), Some(1.0));
    let inside = exact.score("node_cpu_seconds").expect("contains it");
    assert!((inside - (1.0 - 0.9 * 5.0 / 13.0)).abs() < 1e-12, "{inside}");
    assert_eq!(exact.score("cup"), None);
    let fuzzy = search("martha", Algorithm::JaroWinkler, 0.9, true);
    // The example of the literature: 0.961.
    let score = fuzzy.score("marhta").expect("similar");
    assert!((score - 0.961).abs() < 0.001, "{score}");
    assert_eq!(fuzzy.score("zebra"), None);
}
