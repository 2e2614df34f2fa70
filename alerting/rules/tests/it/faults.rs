//! All faults of a file are told, with their places.

use rules::{RuleFile, unit_test::TestFile};

const WRONG: &str = r#"groups:
  - name: one
    interval: 5
    rules:
      - alert: High
        expr: |
          sum(x
        labels:
          ok: "{{ $labels.x }}"
          bad: "{{ $lables.x }}"
      - record: "a{}"
        for: 1m
        expr: up
  - name: one
    limit: -1
    rules:
      - expr: up
"#;

#[test]
fn every_fault_has_its_place() {
    let faults = RuleFile::parse("r.yml", WRONG).expect_err("is wrong");
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "r.yml:3:15: group \"one\": interval: not a valid duration string: \"5\"; write a \
             number with a unit, such as 30s or 1h30m",
            "r.yml:7:11: group \"one\", rule 1, \"High\": could not parse expression: 2:1: parse \
             error: unclosed left parenthesis",
            "r.yml:10:16: group \"one\", rule 1, \"High\": label \"bad\": template: \
             __alert_High:1:4: undefined variable \"$lables\"",
            "r.yml:11:17: group \"one\", rule 2, \"a{}\": invalid field 'for' in recording rule",
            "r.yml:11:17: group \"one\", rule 2, \"a{}\": braces present in the recording rule \
             name; should it be in expr?: a{}",
            "r.yml:14:5: groupname: \"one\" is repeated in the same file",
            "r.yml:15:12: group \"one\": limit: -1 is negative; 0 is no limit",
            "r.yml:17:9: group \"one\", rule 1, \"\": one of 'record' or 'alert' must be set",
        ]
    );
}

#[test]
fn unknown_fields_are_named_with_those_there_are() {
    let faults =
        RuleFile::parse("r.yml", "groups:\n- name: a\n  evry: 1m\n").expect_err("is wrong");
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!(fault.place, Some((3, 3)));
    assert!(fault.message.starts_with("unknown field `evry`, expected one of name, interval"));
    let fault = TestFile::parse("t.yml", "tests:\n- intervall: 1m\n").expect_err("is wrong");
    assert_eq!(fault.place, Some((2, 3)));
}

#[test]
fn faults_of_the_yaml_are_told_to_its_author() {
    for text in ["groups: []\n---\ngroups: []\n", "groups:\n- name: a\n  name: b\n"] {
        let faults = RuleFile::parse("r.yml", text).expect_err("is wrong");
        let [fault] = faults.as_slice() else { panic!("{faults:?}") };
        assert_eq!(fault.place.map(|(line, _)| line), Some(3));
        let technical = ["from_str", "Options", " at line"];
        assert!(!technical.iter().any(|word| fault.message.contains(word)), "{fault}");
    }
}

#[test]
fn large_files_are_refused_unread() {
    let text = " ".repeat(rules::FILE_BYTES_MAX + 1);
    let faults = RuleFile::parse("r.yml", &text).expect_err("is too large");
    assert!(faults.iter().all(|fault| fault.message.contains("allowed are")));
}
