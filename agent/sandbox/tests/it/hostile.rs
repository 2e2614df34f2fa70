//! Replies that no honest sandbox sends.

use sandbox::{
    client::{CallError, Client, REPLY_BYTES_MAX},
    urpc::FrameError,
};

use crate::fake::{Fake, Says};

fn own() -> u32 {
    std::process::id()
}

async fn call(says: Says) -> Result<usize, CallError> {
    let fake = Fake::at_path(says);
    let mut client = Client::connect(&fake.address, own()).await?;
    client.call("Usage.Collect", "{}").await.map(<[u8]>::len)
}

#[tokio::test]
async fn a_request_is_what_gvisor_reads() {
    let answer = call(|asked| Some(asked.as_bytes().to_vec())).await.expect("is an object");
    assert_eq!(answer, r#"{"method":"Usage.Collect","arg":{}}"#.len());
}

#[tokio::test]
async fn replies_are_bounded_and_checked_as_they_come() {
    let long = call(|_| Some([b"{\"a\":\"", &*vec![b'x'; REPLY_BYTES_MAX * 2]].concat())).await;
    assert!(matches!(long, Err(CallError::Long)), "{long:?}");
    let deep = call(|_| Some(format!("{{\"a\":{}", "[".repeat(100_000)).into_bytes())).await;
    assert!(matches!(deep, Err(CallError::Frame(FrameError::Deep))), "{deep:?}");
    let none = call(|_| Some(b"HTTP/1.1 200 OK".to_vec())).await;
    assert!(matches!(none, Err(CallError::Frame(FrameError::NoObject))), "{none:?}");
    let two = call(|_| Some(b"{}{}".to_vec())).await;
    assert!(matches!(two, Err(CallError::Frame(FrameError::Trailing))), "{two:?}");
    let closed = call(|_| Some(Vec::new())).await;
    assert!(matches!(closed, Err(CallError::Closed | CallError::Io(_))), "{closed:?}");
}

#[tokio::test]
async fn silence_and_half_a_reply_end_in_time() {
    for says in [(|_| None) as Says, |_| Some(b"{\"success\":".to_vec())] {
        let slow = call(says).await;
        assert!(matches!(slow, Err(CallError::Slow)), "{slow:?}");
    }
}

#[tokio::test]
async fn who_listens_must_be_the_sentry() {
    let fake = Fake::at_name("squatted", |_| Some(b"{}".to_vec()));
    let stranger = Client::connect(&fake.address, own() + 1).await;
    let Err(CallError::Stranger { listener, .. }) = stranger else { panic!("is a stranger") };
    assert_eq!(listener.map(i32::unsigned_abs), Some(own()));
    let mut client = Client::connect(&fake.address, own()).await.expect("is the sentry");
    assert_eq!(client.call("x", "{}").await.expect("answers"), b"{}");
}

#[tokio::test]
async fn a_path_longer_than_an_address_is_reached() {
    let fake = Fake::below(&"long-directory/".repeat(12), |_| Some(b"{}".to_vec()));
    let mut client = Client::connect(&fake.address, own()).await.expect("connects");
    assert_eq!(client.call("x", "{}").await.expect("answers"), b"{}");
}
