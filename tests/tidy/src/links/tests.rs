//! Tests of finding and following links.

use super::{broken, targets};

#[test]
fn links_are_found_and_followed() {
    let document = "\
See [a](other.md), [b](../top.md#part), ![c](./img/x.png \"title\") and [d](<sub/y.md>).\n\
Not [e](https://example.org/x), [f](#here), [g](mailto:a@b) nor `[h](code.md)`.\n\
```\n[i](fenced.md)\n```\n\
[ref]: /LICENSE\n";
    assert_eq!(
        targets("docs/page.md", document),
        ["docs/other.md", "top.md", "docs/img/x.png", "docs/sub/y.md", "LICENSE"]
    );
}

#[test]
fn a_link_to_nowhere_is_found() {
    let exists = |path: &str| path == "docs/there.md";
    assert_eq!(
        broken("docs/a.md", "[x](there.md) [y](gone.md) [z](../../out.md)", exists),
        [
            "docs/a.md: links to docs/gone.md, which does not exist",
            "docs/a.md: links to ../out.md, which does not exist"
        ]
    );
}
