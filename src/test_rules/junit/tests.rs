//! Results as the machines read them.

use rules::unit_test::{Report, TestReport};

use super::xml;

#[test]
fn suites_and_cases_are_written() {
    let test = |name: &str, failures: &[&str]| TestReport {
        name: name.to_owned(),
        failures: failures.iter().map(|&failure| failure.to_owned()).collect(),
    };
    let failed = Report {
        tests: vec![test("good", &[]), test("<bad> & \"worse\"", &["exp: 1\n got: \u{1b}2"])],
        failures: vec!["exp: 1\n got: \u{1b}2".to_owned()],
        notes: Vec::new(),
    };
    let broken = Report { failures: vec!["no such file".to_owned()], ..Report::default() };
    let expected = [
        "<testsuites><testsuite name=\"a.yml\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\">",
        "<testcase name=\"good\"></testcase>",
        "<testcase name=\"&lt;bad&gt; &amp; &quot;worse&quot;\">",
        "<failure>exp: 1&#10; got: \u{fffd}2</failure></testcase></testsuite>",
        "<testsuite name=\"b.yml\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">",
        "<testcase name=\"unknown\"><error>no such file</error></testcase></testsuite></testsuites>\n",
    ];
    let found = xml(&[("a.yml".to_owned(), failed), ("b.yml".to_owned(), broken)]);
    assert_eq!(found, expected.concat());
    assert_eq!(xml(&[]), "<testsuites></testsuites>\n");
}
