//! Errors say where, and what to do.

use template::{ErrorKind, Known, MissingKey, NoFunctions, Options, Templates, Value};

fn failure(text: &str, missing_key: MissingKey) -> template::Error {
    let options = Options { missing_key, ..Options::default() };
    let known = Known { functions: &NoFunctions, variables: &["$labels"], options: &options };
    let labels = Value::string_map([("job", "api")]);
    let mut set = Templates::new();
    set.add("page", text, &known)
        .and_then(|()| {
            set.render("page", &labels, &[("$labels", labels.clone())], &NoFunctions, &options)
        })
        .expect_err(text)
}

#[test]
fn errors_name_template_line_column_and_cause() {
    let table = [
        ("a\n {{ .job", "template: page:2:2: unclosed action: write }} at its end"),
        ("{{if true}}", "template: page:1:1: {{if}} is never closed: {{end}} is missing"),
        ("é {{$lables.job}}", "template: page:1:5: undefined variable \"$lables\""),
        ("{{humanise 3}}", "template: page:1:3: function \"humanise\" not defined"),
        ("x\n\n{{.job.name}}", "template: page:3:3: can't evaluate field name in type string"),
        (
            "{{if gt 2.5 1}}{{end}}",
            "template: page:1:6: error calling gt: incompatible types for comparison: float64 and \
             int; write 1.0 to compare with a float",
        ),
        ("{{end}}", "template: page:1:1: unexpected {{end}}: nothing is open here"),
        (
            "{{.job \"x\"}}",
            "template: page:1:3: job has arguments but cannot be invoked as function",
        ),
        ("{{template \"x\"}}", "template: page:1:1: template \"x\" not defined"),
        ("{{$labels.nope}}", "template: page:1:3: map has no entry for key \"nope\""),
    ];
    for (text, wanted) in table {
        assert_eq!(failure(text, MissingKey::Error).to_string(), wanted);
    }
}

#[test]
fn errors_of_text_and_of_data_are_told_apart() {
    assert_eq!(failure("{{", MissingKey::NoValue).kind, ErrorKind::Syntax);
    assert_eq!(failure("{{.job.x}}", MissingKey::NoValue).kind, ErrorKind::Execution);
}

#[test]
fn missing_keys_follow_the_option() {
    let print = |missing_key| {
        let options = Options { missing_key, ..Options::default() };
        let known = Known { functions: &NoFunctions, variables: &[], options: &options };
        let mut set = Templates::new();
        set.add("t", "{{.labels.none}}|{{.any.none}}", &known).unwrap();
        let data = Value::map([
            ("labels", Value::string_map([("job", "api")])),
            ("any", Value::map([("job", Value::Int(1))])),
        ]);
        set.render("t", &data, &[], &NoFunctions, &options)
    };
    assert_eq!(print(MissingKey::NoValue).as_deref(), Ok("<no value>|<no value>"));
    assert_eq!(print(MissingKey::Zero).as_deref(), Ok("|<no value>"));
    assert!(print(MissingKey::Error).is_err());
}

#[test]
fn a_failed_text_changes_nothing() {
    let options = Options::default();
    let known = Known { functions: &NoFunctions, variables: &[], options: &options };
    let mut set = Templates::new();
    set.add("a", "{{define `x`}}1{{end}}", &known).unwrap();
    set.add("b", "{{define `x`}}2{{end}}{{", &known).unwrap_err();
    set.add("c", "{{template `x`}}", &known).unwrap();
    assert_eq!(set.render("c", &Value::Nil, &[], &NoFunctions, &options).as_deref(), Ok("1"));
    assert_eq!(set.names().collect::<Vec<_>>(), ["a", "c", "x"]);
}
