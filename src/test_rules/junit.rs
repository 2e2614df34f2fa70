//! Results of tests as JUnit's XML, for the machines that run tests.

use rules::unit_test::Report;

/// A suite per file, named as the file is, with a case per test. What keeps a file from being tested
/// is the error of a case of its own.
pub(super) fn xml(suites: &[(String, Report)]) -> String {
    let mut text = "<testsuites>".to_owned();
    for (name, report) in suites {
        let in_tests: usize = report.tests.iter().map(|test| test.failures.len()).sum();
        let broken = report.failures.get(in_tests..).unwrap_or_default();
        let tests = report.tests.len() + usize::from(!broken.is_empty());
        text += &format!(
            "<testsuite name=\"{}\" tests=\"{tests}\" failures=\"{in_tests}\" errors=\"{}\" \
             skipped=\"0\">",
            escaped(name),
            usize::from(!broken.is_empty())
        );
        for test in &report.tests {
            text += &format!("<testcase name=\"{}\">", escaped(&test.name));
            for failure in &test.failures {
                text += &format!("<failure>{}</failure>", escaped(failure));
            }
            text += "</testcase>";
        }
        if !broken.is_empty() {
            let error = escaped(&broken.join("\n"));
            text += &format!("<testcase name=\"unknown\"><error>{error}</error></testcase>");
        }
        text += "</testsuite>";
    }
    text + "</testsuites>\n"
}

/// Text between tags or in quotes. Characters that XML cannot hold are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\r' => escaped.push_str("&#13;"),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
