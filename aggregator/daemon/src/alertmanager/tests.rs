//! Addresses with secrets.

use super::Alertmanager;

#[test]
fn secrets_of_an_address_are_not_shown() {
    for (address, shown) in [
        ("http://127.0.0.1:1", "http://127.0.0.1:1/api/v2/alerts"),
        ("https://user:secret@host/base/?key=secret", "https://host/base/api/v2/alerts"),
    ] {
        let alertmanager = Alertmanager::new(address).expect("is an address");
        assert_eq!(alertmanager.url(), shown);
    }
    for address in ["http//user:secret@host", "ftp://user:secret@host", "http://user:secret@h:x"] {
        let error = Alertmanager::new(address).expect_err("is none").to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn errors_do_not_show_secrets() {
    // Nothing listens there.
    let address = "http://user:secret@127.0.0.1:1/?key=secret";
    let error = Alertmanager::new(address).expect("is an address").post(&[]).await;
    let error = error.expect_err("is not reached");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}
