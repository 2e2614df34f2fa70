//! Outcomes that Go itself gives.

use template::{Known, NoFunctions, Options, Templates, Value};

use super::go_cases::CASES;

/// What the cases are run over.
fn data() -> Value {
    let numbers = [1, 2, 3].map(Value::Int).to_vec();
    let strings = ["a", "b"].map(Value::string).to_vec();
    let inner = Value::map([("b", Value::string("deep"))]);
    Value::map([
        ("name", Value::string("World")),
        ("n", Value::Int(3)),
        ("f", Value::Float(2.5)),
        ("t", Value::Bool(true)),
        ("list", Value::list(numbers)),
        ("strs", Value::list(strings)),
        ("labels", Value::string_map([("job", "api"), ("instance", "h:80")])),
        ("nested", Value::map([("a", inner)])),
        ("empty", Value::list(Vec::new())),
        ("nilv", Value::Nil),
        ("nan", Value::Float(f64::NAN)),
        ("inf", Value::Float(f64::INFINITY)),
        ("html", Value::string("<a href='x'>&")),
    ])
}

fn render(text: &str) -> Result<String, template::Error> {
    let options = Options::default();
    let known = Known { functions: &NoFunctions, variables: &[], options: &options };
    let mut set = Templates::new();
    set.add("t", text, &known)?;
    set.render("t", &data(), &[], &NoFunctions, &options)
}

#[test]
fn templates_print_what_go_prints() {
    let mut wrong = Vec::new();
    for (text, wanted) in CASES {
        let found = render(text);
        if found.as_deref().ok() != *wanted {
            wrong.push(format!("{text:?}\n  go   {wanted:?}\n  ours {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}
