//! Known answers.

use super::xxh64;

#[test]
fn known_answers() {
    let cases: [(&str, u64); 4] = [
        ("", 0xef46_db37_51d8_e999),
        ("a", 0xd24e_c4f1_a98c_6e5b),
        ("abc", 0x44bc_2cf5_ad77_0999),
        ("Call me Ishmael. Some years ago--never mind how long precisely-", 0x02a2_e854_70d6_fd96),
    ];
    for (input, hash) in cases {
        assert_eq!(xxh64(input.as_bytes()), hash, "{input:?}");
    }
}
