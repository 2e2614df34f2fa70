//! Values with fields, methods and items of their own.

use template::{Known, NoFunctions, Object, Options, Templates, Value};

/// A list of numbers with a name.
#[derive(Debug)]
struct Numbers(Vec<i64>);

impl Object for Numbers {
    fn type_name(&self) -> &'static str {
        "Numbers"
    }

    fn text(&self) -> String {
        format!("{} numbers", self.0.len())
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Count" => Some(Value::Int(2)),
            "Self" => Some(Value::object(Self(self.0.clone()))),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        match (name, args) {
            ("Add", [Value::Int(a), Value::Int(b)]) => Some(Ok(Value::Int(a + b))),
            ("Add", _) => Some(Err("wants two integers".to_owned())),
            _ => None,
        }
    }

    fn items(&self) -> Option<Vec<Value>> {
        Some(self.0.iter().copied().map(Value::Int).collect())
    }
}

/// A thing that is no list.
#[derive(Debug)]
struct Plain;

impl Object for Plain {
    fn type_name(&self) -> &'static str {
        "Plain"
    }

    fn text(&self) -> String {
        "plain".to_owned()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }
}

fn render(text: &str) -> Result<String, String> {
    let options = Options::default();
    let known = Known { functions: &NoFunctions, variables: &[], options: &options };
    let mut set = Templates::new();
    set.add("t", text, &known).map_err(|error| error.to_string())?;
    let data = Value::map([
        ("some", Value::object(Numbers(vec![5, 7]))),
        ("none", Value::object(Numbers(Vec::new()))),
        ("plain", Value::object(Plain)),
        ("html", Value::Html("<b>".into())),
    ]);
    set.render("t", &data, &[], &NoFunctions, &options).map_err(|error| error.to_string())
}

#[test]
fn objects_are_used_like_values_of_go() {
    let table = [
        ("{{ .some }}", "2 numbers"),
        ("{{ .some.Count }} {{ .some.Self.Self.Count }}", "2 2"),
        ("{{ .some.Add 1 2 }} {{ 3 | .some.Add 4 }} {{ (.some.Self).Add 1 1 }}", "3 7 2"),
        ("{{ range $i, $n := .some }}{{ $i }}={{ $n }} {{ end }}", "0=5 1=7 "),
        ("{{ len .some }} {{ index .some 1 }} {{ slice .some 1 }}", "2 7 [7]"),
        ("{{ if .some }}a{{ end }}{{ if .none }}b{{ else }}c{{ end }}", "ac"),
        ("{{ if .plain }}{{ .plain }}{{ end }}", "plain"),
        ("{{ range .none }}{{ else }}empty{{ end }}", "empty"),
        ("{{ printf `%s|%12v|%q` .some .some .some }}", "2 numbers|   2 numbers|\"2 numbers\""),
        ("{{ .html }} {{ html .html }} {{ eq .html `<b>` }}", "<b> &lt;b&gt; true"),
    ];
    for (text, wanted) in table {
        assert_eq!(render(text).as_deref(), Ok(wanted), "{text}");
    }
}

#[test]
fn what_objects_cannot_do_is_said() {
    let table = [
        ("{{ .some.Nope }}", "1:4: can't evaluate field Nope in type Numbers"),
        ("{{ .some.Add 1 }}", "1:4: error calling Add: wants two integers"),
        ("{{ .some.Count 1 }}", "1:4: Count has arguments but cannot be invoked as function"),
        ("{{ len .plain }}", "1:4: error calling len: len of type Plain"),
        ("{{ range .plain }}{{ end }}", "1:10: range can't iterate over a Plain"),
        ("{{ eq .some .some }}", "1:4: error calling eq: non-comparable types Numbers, Numbers"),
    ];
    for (text, wanted) in table {
        assert_eq!(render(text), Err(format!("template: t:{wanted}")), "{text}");
    }
}
