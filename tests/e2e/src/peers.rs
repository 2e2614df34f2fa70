//! The peers that tests run beside us.

/// Whether tests that need a peer are left out on purpose. Says so, because a test that is left out
/// should be seen.
pub fn left_out(test: &str) -> bool {
    let left_out = std::env::var_os("TIDEWATCH_WITHOUT_PEERS").is_some();
    if left_out {
        eprintln!("LEFT OUT (TIDEWATCH_WITHOUT_PEERS): {test}");
    }
    left_out
}
