//! Tests of cutting output into lines.

use proptest::prelude::*;

use super::*;

/// Lines of `text` when it arrives in pieces of `sizes`, used in turn.
fn lines(text: &[u8], sizes: &[usize]) -> Vec<(Vec<u8>, bool)> {
    let mut done = Vec::new();
    let mut line = Line::default();
    let mut rest = text;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = (*sizes.next().unwrap()).min(rest.len());
        let (mut piece, later) = rest.split_at(size);
        rest = later;
        while !piece.is_empty() {
            let (used, ended) = line.take(piece);
            piece = &piece[used..];
            if ended {
                let Line { bytes, truncated } = std::mem::take(&mut line);
                done.push((bytes, truncated));
            }
        }
    }
    if !line.bytes.is_empty() {
        done.push((line.bytes, line.truncated));
    }
    done
}

#[test]
fn long_lines_are_cut_and_say_so() {
    let mut text = vec![b'x'; LINE_BYTES_MAX + 1];
    text.extend(b"\nnext\n");
    let found = lines(&text, &[1000]);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].0.len(), found[0].1), (LINE_BYTES_MAX, true));
    assert_eq!(found[1], (b"next".to_vec(), false));
    let exact = vec![b'x'; LINE_BYTES_MAX];
    assert_eq!(lines(&exact, &[77]), [(exact.clone(), false)]);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        text in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
        sizes in proptest::collection::vec(1_usize..20, 1..5),
    ) {
        prop_assert_eq!(lines(&text, &sizes), lines(&text, &[usize::MAX]));
        let mut expect: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
        if expect.last().is_some_and(|last| last.is_empty()) {
            expect.pop();
        }
        let found = lines(&text, &sizes);
        let found: Vec<&[u8]> = found.iter().map(|(line, _)| &**line).collect();
        prop_assert_eq!(found, expect);
    }
}
