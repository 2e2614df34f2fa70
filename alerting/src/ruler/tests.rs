//! The loop, with an aggregator that is not there.

use std::path::PathBuf;

use daemon::{metrics::Metrics, stop::Stop};

use super::{Reload, RuleSource, run};
use crate::config::{RuleFiles, Settings};

const RULES: &str = "groups: [{name: g, rules: [{record: r, expr: x}]}]";

fn settings(file: &str) -> Settings {
    let rules = vec![RuleFiles { files: vec![PathBuf::from(file)], tenant: None }];
    // Nothing listens there.
    Settings { aggregator: "http://127.0.0.1:1".to_owned(), rules, ..Settings::default() }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "files for the test")]
async fn who_asks_for_a_reload_hears_how_it_went() {
    let dir = tempfile::tempdir().expect("is created");
    for (name, text) in [("right.yml", RULES), ("wrong.yml", "groups: 1")] {
        std::fs::write(dir.path().join(name), text).expect("is written");
    }
    let mut answers =
        vec![Ok(settings("right.yml")), Ok(settings("wrong.yml")), Err("no such file".to_owned())]
            .into_iter();
    let answers = std::sync::Mutex::new(move || answers.next());
    let reload: Reload = Some(Box::new(move || {
        let mut next = answers.lock().expect("is not poisoned");
        next().expect("a fault of ours")
    }));
    let source = RuleSource { folder: dir.path().to_owned(), reload };
    let (metrics, stop) = (Metrics::default(), Stop::default());
    let asked = {
        let stop = stop.clone();
        async move {
            let mut outcomes = Vec::new();
            for _ in 0..4 {
                // The loop listens from its start on; both run in one task, it first.
                outcomes.push(stop.reloaded(stop.reload()).await);
            }
            stop.stop();
            outcomes
        }
    };
    let settings = settings("right.yml");
    let (ran, outcomes) = tokio::join!(biased; run(&settings, source, &metrics, &stop), asked);
    ran.expect("goes on until the end");
    let errors: Vec<Option<String>> = outcomes.into_iter().map(Result::err).collect();
    let [None, Some(wrong), Some(missing), Some(panicked)] = errors.as_slice() else {
        panic!("{errors:?}")
    };
    assert!(wrong.contains("wrong.yml"), "{wrong}");
    assert_eq!(missing, "no such file");
    assert_eq!(panicked, "a fault of ours");
}
