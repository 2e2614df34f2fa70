//! Tokens change while the aggregator runs; a bad configuration changes nothing.

use e2e::{
    process::wait_until,
    server::{ACME, GLOBEX, Server, client},
};

const NEW: &str = "replaced-0123456789abcdef0123456789";

fn reload_succeeded(server: &Server) -> Option<bool> {
    let text = client().get(server.url("/metrics")).send().ok()?.text().ok()?;
    let line =
        text.lines().find(|line| line.starts_with("aggregator_config_last_reload_successful "))?;
    Some(line.ends_with(" 1"))
}

#[test]
fn sighup_replaces_tokens_and_refuses_nonsense() {
    let server = Server::start();
    let status = |token: &str| server.get(token, "/api/v1/me", &[]).status().as_u16();
    assert_eq!((status(ACME), status(NEW)), (200, 401));

    server.reconfigure(ACME, NEW);
    let replaced = wait_until("the new token", || (status(NEW) == 200).then_some(()));
    assert!(replaced.is_some(), "{}", server.process.output());
    assert_eq!((status(ACME), status(GLOBEX)), (401, 200));

    server.reconfigure("[aggregator]", "[agregator]");
    let refused = wait_until("the reload to fail", || {
        reload_succeeded(&server).filter(|succeeded| !succeeded)
    });
    assert!(refused.is_some(), "{}", server.process.output());
    assert_eq!((status(NEW), status(GLOBEX)), (200, 200), "the old configuration stays");
    assert!(server.process.output().contains("did you mean"), "{}", server.process.output());
}
