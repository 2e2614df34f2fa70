//! Conversations with a sandbox: both forms of calls, one connection, and neighbours that are stuck.

use std::{sync::mpsc::TryRecvError, time::Duration};

use sandbox::{
    link::{Answer, AskError, Link, Links, Question},
    reply::ReplyError,
};
use tokio::runtime::Handle;

use crate::fake::{Fake, Says};

const ALL: Question = Question { usage: true, metrics: true };

fn link(fake: &Fake, sandbox: &str) -> Link {
    Links::new(Handle::current()).start(sandbox, std::process::id(), fake.address.clone())
}

async fn answer(link: &Link) -> Answer {
    let waiting = async {
        loop {
            if let Some(answer) = link.answer() {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("answers at last")
}

fn ok(result: &str) -> Option<Vec<u8>> {
    Some(format!(r#"{{"success":true,"err":"","result":{result}}}"#).into_bytes())
}

fn refuse(why: &str) -> Option<Vec<u8>> {
    Some(format!(r#"{{"success":false,"err":"{why}","result":null}}"#).into_bytes())
}

/// Like 2022: Event takes nothing, and there are no metrics.
fn old(asked: &str) -> Option<Vec<u8>> {
    match asked {
        r#"{"method":"containerManager.Event","arg":{}}"# => ok(r#"{"containerUsage":{"a":5}}"#),
        r#"{"method":"Usage.Collect","arg":{"Full":false}}"# => ok(r#"{"Total":7}"#),
        _ if asked.contains("Event") => refuse("json: cannot unmarshal string"),
        _ => refuse("unknown method"),
    }
}

/// Like 2024: Event takes a container's name.
fn new(asked: &str) -> Option<Vec<u8>> {
    match asked {
        r#"{"method":"containerManager.Event","arg":"box"}"# => ok(r#"{"containerUsage":{"a":5}}"#),
        r#"{"method":"Usage.Collect","arg":{"Full":false}}"# => ok(r#"{"Total":7}"#),
        _ if asked.contains("GetRegisteredMetrics") => ok(
            r#"{"RegisteredMetrics":{"metrics":[{"prometheus_name":"opens","cumulative":true}]}}"#,
        ),
        _ if asked.contains("Export") => {
            ok(r#"{"snapshot":{"data":[{"metric":{"name":"opens","type":2},"val":{"int":3}},
                {"metric":{"name":"forged","type":2},"val":{"int":3}}]}}"#)
        }
        _ => refuse("json: cannot unmarshal object"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_generations_answer_whatever_kind_of_address_they_have() {
    for (says, metrics) in [(old as Says, None), (new, Some((1, 1)))] {
        let name = format!("box-{}", metrics.is_some());
        for fake in [Fake::at_path(says), Fake::at_name(&name, says)] {
            let link = link(&fake, "box");
            for _round in 0..3 {
                assert!(link.ask(ALL));
                let answer = answer(&link).await;
                assert!(answer.error.is_none(), "{answer:?}");
                assert_eq!(answer.usage.expect("told").get("a"), Some(&5));
                assert_eq!(answer.memory, Some(7));
                let taken = answer.metrics.map(|export| (export.series.len(), export.rejected));
                assert_eq!(taken, metrics);
            }
            assert_eq!(fake.ended.try_recv(), Err(TryRecvError::Empty), "one connection for all");
            drop(link);
            fake.ended.recv_timeout(Duration::from_secs(60)).expect("closed with its link");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_asked_for_is_called() {
    let fake = Fake::at_path(|asked| {
        if asked.contains("Usage.Collect") { ok(r#"{"Total":7}"#) } else { refuse("not asked") }
    });
    let link = link(&fake, "box");
    assert!(link.ask(Question::default()));
    let answer = answer(&link).await;
    assert_eq!((answer.memory, answer.usage.is_none()), (Some(7), true), "{:?}", answer.error);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_sandbox_delays_nobody() {
    let (stuck, well) = (Fake::at_path(|_| None), Fake::at_path(new));
    let links = Links::new(Handle::current());
    let start = |fake: &Fake| links.start("box", std::process::id(), fake.address.clone());
    let (stuck, well) = (start(&stuck), start(&well));
    assert!(stuck.ask(ALL));
    assert!(well.ask(ALL));
    assert!(answer(&well).await.error.is_none());
    assert!(matches!(answer(&stuck).await.error, Some(AskError::Call(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_nonsense_the_next_question_goes_over_a_new_connection() {
    let fake = Fake::at_path(|asked| {
        if asked.contains("Event") { ok(r#"{"containerUsage":{"a":1e400}}"#) } else { old(asked) }
    });
    let link = link(&fake, "box");
    assert!(link.ask(ALL));
    let first = answer(&link).await;
    assert!(matches!(first.error, Some(AskError::Reply(ReplyError::Malformed(_)))), "{first:?}");
    fake.ended.recv_timeout(Duration::from_secs(60)).expect("is closed");
    assert!(link.ask(Question::default()));
    assert_eq!(answer(&link).await.memory, Some(7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_an_error_and_no_end() {
    let fake = Fake::at_path(|_| None);
    let dead = match &fake.address {
        sandbox::client::Address::Path(path) => path.with_extension("gone"),
        other => panic!("{other:?} is no path"),
    };
    let address = sandbox::client::Address::Path(dead);
    let link = Links::new(Handle::current()).start("box", std::process::id(), address);
    for _round in 0..2 {
        assert!(link.ask(ALL));
        assert!(matches!(answer(&link).await.error, Some(AskError::Call(_))));
    }
}
