//! Hostile templates come to an end, with an error, and without a panic.

use proptest::prelude::*;
use template::{ErrorKind, Functions, Known, Limits, Options, Templates, Value};

/// Has a function that nests its arguments.
struct Nesting;

impl Functions for Nesting {
    fn has(&self, name: &str) -> bool {
        name == "args"
    }

    fn call(&self, _: &str, args: &[Value], _: usize) -> Result<Value, String> {
        Ok(Value::list(args.to_vec()))
    }
}

fn options() -> Options {
    let limits = Limits { text_bytes: 10_000, output_bytes: 10_000, steps: 20_000, depth: 100 };
    Options { limits, template_by_name: true, ..Options::default() }
}

fn render(text: &str) -> Result<String, template::Error> {
    let options = options();
    let known = Known { functions: &Nesting, variables: &["$v"], options: &options };
    let mut set = Templates::new();
    set.add("t", text, &known)?;
    let data = Value::map([("list", Value::list(vec![Value::Int(1), Value::Nil]))]);
    set.render("t", &data, &[("$v", Value::Float(1.5))], &Nesting, &options)
}

#[test]
fn each_limit_is_reached_and_said() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(200), close.repeat(200));
    let table = [
        ("x".repeat(20_000), "text has 20000 bytes"),
        ("{{range 1000000000}}{{end}}".to_owned(), "more than 20000 steps"),
        ("{{range 1000000000}}aaaaaaaaaaaaaaa{{end}}".to_owned(), "longer than 10000 bytes"),
        ("{{define `a`}}{{template `a` .}}{{end}}{{template `a` .}}".to_owned(), "deeper than 100"),
        ("{{define `a`}}{{tmpl `a` .}}{{end}}{{template `a` .}}".to_owned(), "deeper than 100"),
        (deep("{{if .}}", "{{end}}"), "nested deeper than 100"),
        (format!("{{{{{}1{}}}}}", "(".repeat(200), ")".repeat(200)), "nested deeper than 100"),
        ("{{printf `%999999d` 1}}".to_owned(), "result of printf is too large"),
        (
            "{{$x := `ab`}}{{range 100}}{{$x = print $x $x}}{{end}}".to_owned(),
            "result of print is too large",
        ),
        ("{{$x := 1}}{{range 200}}{{$x = args $x}}{{end}}".to_owned(), "args is too large"),
        ("{{$x := 1}}{{range 99}}{{$x = args $x $x}}{{end}}".to_owned(), "args is too large"),
        (
            "{{$x := printf `%9999d` 1}}{{range 9999}}{{if eq $x (html $x)}}{{end}}{{end}}"
                .to_owned(),
            "more than 20000 steps",
        ),
    ];
    for (text, wanted) in table {
        let error = render(&text).expect_err(&text);
        assert_eq!(error.kind, ErrorKind::Limit, "{error}");
        assert!(error.message.contains(wanted) || error.to_string().contains(wanted), "{error}");
    }
}

#[test]
fn bombs_are_refused_by_the_limit() {
    let list = "{{$l := args 1 2.5 `\u{1}<\u{e9}` . nil}}{{$l = args $l $l $l $l $l $l}}";
    let text = "{{$s := printf `%4000s` `<`}}";
    let table = [
        "{{printf `%.70000f` 1.5}}",
        "{{printf `%.70000e` 1.5}}",
        "{{printf `%.70000x` 1.5}}",
        "{{printf `%999999.999999f` 1.5}}",
        "{{printf `%.999999d` 1}}",
        "{{printf `%*d` 999999 1}}",
        "{{printf `%0999999d` $l}}",
        "{{printf `%-999999v` $l}}",
        "{{printf `%999999[1]d%999999[1]d` $l}}",
        "{{printf `%+q%+q%+q%+q` $s $s $s $s}}",
        "{{printf `%x%x%x` $s $s $s}}",
        "{{printf `` $s $s $s}}",
        "{{print $s $s $s}}",
        "{{println $s $s $s}}",
        "{{html $s $s $s}}",
        "{{js $s $s $s}}",
        "{{urlquery $s $s $s}}",
        "{{args $s $s $s}}",
        "{{define `a`}}{{$s := printf `%900d` 1}}{{$s}}{{tmpl `a` .}}{{end}}{{$x := tmpl `a` .}}",
    ];
    for bomb in table {
        let error = render(&format!("{text}{list}{bomb}")).expect_err(bomb);
        assert_eq!(error.kind, ErrorKind::Limit, "{bomb}: {error}");
        assert!(error.to_string().contains("10000") || error.message.contains("too large"));
    }
}

#[test]
fn messages_are_short() {
    let error = render("{{$s := printf `%9000d` 1}}{{template `a` 1}}{{index . $s $s}}");
    assert!(error.expect_err("there is no a").message.len() < 100);
    let name = "x".repeat(9000);
    let error = render(&format!("{{{{{name} 1}}}}")).expect_err("is no function");
    assert!(error.message.len() < 4200, "{}", error.message.len());
}

/// Test threads have small stacks, and these builds large frames.
#[test]
fn what_is_just_within_the_depth_is_run() {
    let nested = format!("{{{{ {}1{} }}}}", "print (".repeat(99), ")".repeat(99));
    assert_eq!(render(&nested).as_deref(), Ok("1"));
    let nested = format!("{}x{}", "{{if 1}}{{with 2}}".repeat(49), "{{end}}{{end}}".repeat(49));
    assert_eq!(render(&nested).as_deref(), Ok("x"));
    let calls = "{{define `a`}}{{if (gt . 0)}}{{with (print (print .))}}x{{end}}\
                 {{template `a` (len (slice `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` 1 .))}}\
                 {{end}}{{end}}{{template `a` 40}}";
    assert_eq!(render(calls).map(|out| out.len()), Ok(40));
}

#[test]
fn a_template_can_be_run_by_a_computed_name() {
    let text = "{{define `ab`}}<{{.}}>{{end}}{{tmpl (print `a` `b`) 3 | html}}";
    assert_eq!(render(text).as_deref(), Ok("&lt;3&gt;"));
}

/// Pieces that meet in templates, so that random texts get past the lexer.
const PIECES: [&str; 44] = [
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "if ",
    "else",
    "end",
    "range ",
    "with ",
    "define ",
    "template ",
    "block ",
    "break",
    "continue",
    ".",
    ".list",
    "$",
    "$v",
    "$x",
    ":=",
    "=",
    "|",
    "(",
    ")",
    ",",
    "printf ",
    "`%*[2]d`",
    "`%-+# 08.3q`",
    "index ",
    "slice ",
    "len ",
    "args ",
    "tmpl ",
    "eq ",
    "1",
    "-2.5",
    "`a`",
    "\"\\x41\"",
    "'é'",
    " ",
    "\n",
    "é",
    "nil ",
    "/**/",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_rendered_or_refused(text in "\\PC{0,80}") {
        drop(render(&text));
        drop(render(&format!("{{{{{text}}}}}")));
    }

    #[test]
    fn any_mix_of_pieces_is_rendered_or_refused(
        places in prop::collection::vec(0..PIECES.len(), 0..40)
    ) {
        let text: String = places.iter().map(|place| PIECES[*place]).collect();
        match render(&text) {
            Ok(out) => prop_assert!(out.len() <= options().limits.output_bytes),
            Err(error) => prop_assert!(error.line >= 1 && error.column >= 1),
        }
    }

    #[test]
    fn text_without_actions_is_itself(text in "[^{]{0,200}") {
        let rendered = render(&text);
        prop_assert_eq!(rendered.as_deref(), Ok(text.as_str()));
    }

    #[test]
    fn quoted_strings_print_as_themselves(text in "\\PC{0,40}") {
        let escaped: String = text.chars().flat_map(|c| match c {
            '"' | '\\' => vec!['\\', c],
            c => vec![c],
        }).collect();
        let rendered = render(&format!("{{{{\"{escaped}\"}}}}"));
        prop_assert_eq!(rendered.as_deref(), Ok(text.as_str()));
    }

    #[test]
    fn formats_never_panic(format in "(%[-+# 0]{0,3}[0-9*]{0,6}(\\.[0-9*]{0,6})?(\\[[0-9]\\])?[a-zA-Z%!]| |é){0,5}") {
        let args = [Value::Int(-5), Value::Float(1e300), Value::string("é"), Value::Nil];
        let text = template::format::sprintf(&format, &args, 10_000);
        prop_assert!(text.len() <= 10_004 && text.capacity() <= 10_004);
    }
}

/// Has no more time after so many questions.
struct Hurried(std::cell::Cell<u32>);

impl Functions for Hurried {
    fn has(&self, _: &str) -> bool {
        false
    }

    fn call(&self, _: &str, _: &[Value], _: usize) -> Result<Value, String> {
        Ok(Value::Nil)
    }

    fn go_on(&self) -> Result<(), String> {
        let left = self.0.get().checked_sub(1).ok_or("no time is left")?;
        self.0.set(left);
        Ok(())
    }
}

#[test]
fn a_run_ends_when_there_is_no_time() {
    let options = options();
    for (text, asks) in [("{{range 9000}}a{{end}}", 30), ("{{range 50}}{{len `a`}}{{end}}", 50)] {
        for (given, ends) in [(0, true), (asks - 1, true), (200, false)] {
            let hurried = Hurried(given.into());
            let known = Known { functions: &hurried, variables: &[], options: &options };
            let mut set = Templates::new();
            set.add("t", text, &known).expect("is right");
            let ran = set.render("t", &Value::Nil, &[], &hurried, &options);
            let error = ran.err().map(|error| (error.kind, error.message));
            let wanted = (ErrorKind::Limit, "no time is left".to_owned());
            assert_eq!(error, ends.then_some(wanted), "{text} {given}");
        }
    }
}
