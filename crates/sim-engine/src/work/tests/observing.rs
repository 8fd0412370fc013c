//! What operators see of an engine, and what it counts.

use std::collections::HashMap;

use futures_util::StreamExt;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::Value;

use super::*;
use crate::fixture::{RUN, stored};
use crate::{Missed, RunSummary};

#[tokio::test]
async fn a_run_is_summed_up_and_shown_with_all_below_it() {
    let stand = Stand::start(Game::new("div"), None).await;
    let peer = Peer { session: 1, user: Some(user_of(31)), operator: false };
    stand.engine.joined(peer);
    // The answer comes after what the session did before.
    stand.send(1, "run.5.get_scope", "[]", "{}").await.unwrap().unwrap_err();
    let summary = RunSummary {
        pk: RUN.into(),
        name: "default".to_owned(),
        active: true,
        phase: Some("Play".to_owned()),
        worlds: 2,
        members: 5,
        online: 1,
    };
    assert_eq!(stand.engine.runs(), [summary]);
    assert_eq!(stand.engine.email(user_of(31)).as_deref(), Some("s31@div.edu"));
    let shown: Value = serde_json::from_str(&stand.engine.run_tree(RUN.into()).unwrap()).unwrap();
    assert_eq!(shown["tree"]["pk"], RUN);
    let children = shown["tree"]["children"].as_array().unwrap();
    assert_eq!(children.len(), 7, "all worlds and members: {children:?}");
    assert!(stand.engine.run_tree(6.into()).is_none());
}

#[tokio::test]
async fn onlookers_hear_of_their_run_and_never_of_what_is_hidden() {
    let stand = Stand::start(Game::new("div"), None).await;
    let mut changes = stand.engine.changes(RUN.into());
    let mut others = stand.engine.changes(6.into());
    let secret =
        serde_json::json!({"id": RUN, "name": "default", "game": 3, "data": {"_join": "x"}});
    stand.tell(30, stored(Resource::Run, secret));
    let Some(Ok(change)) = changes.next().await else { panic!("nothing was told") };
    assert_eq!(change.seq, 30);
    assert!(!change.object.for_players().contains("_join"));
    assert!(!stand.engine.run_tree(RUN.into()).unwrap().contains("_join"));
    assert!(others.next().now_or_never().is_none());
}

#[tokio::test]
async fn an_onlooker_who_is_too_slow_is_told_and_keeps_nobody_waiting() {
    let stand = Stand::start(Game::new("div"), None).await;
    let mut changes = stand.engine.changes(RUN.into());
    for seq in 30..30 + 1100 {
        stand.grow_to(seq);
    }
    stand.engine.reached(30 + 1099).await;
    // The last change is shown after it was applied.
    tokio::task::yield_now().await;
    let Some(Err(Missed(missed))) = changes.next().await else { panic!("it was fast enough") };
    assert!(missed >= 1, "{missed}");
    assert!(changes.next().await.is_none());
}

#[tokio::test]
async fn calls_are_counted_by_procedure_and_outcome() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    // All tasks of this test run on this very thread.
    let _recording = metrics::set_default_local_recorder(&recorder);
    let stand = Stand::start(Game::new("div"), None).await;
    stand.call(31, "period.61.get_scope", "[]").await.unwrap();
    stand.call(31, "period.61.get_scope", "[]").await.unwrap();
    stand.call(31, "period.63.get_scope", "[]").await.unwrap_err();
    stand.call(31, "period.61.whatever_i_like", "[]").await.unwrap_err();
    stand.engine.measure();
    let mut figures = HashMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
        let number = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(level) => level.into_inner(),
            DebugValue::Histogram(values) => values.len() as f64,
        };
        figures.insert(format!("{} {}", key.key().name(), labels.join(" ")), number);
    }
    for (name, expected) in [
        ("engine_calls_total div period.get_scope ok", 2.0),
        ("engine_calls_total div period.get_scope not_authorized", 1.0),
        ("engine_calls_total div other no_such_procedure", 1.0),
        ("engine_call_seconds div period.get_scope", 3.0),
        // Each of the two refusals was told to the caller's pages.
        ("engine_events_total div", 2.0),
        ("engine_runs_loaded div", 1.0),
        ("engine_work_waiting div", 0.0),
    ] {
        assert_eq!(figures.get(name), Some(&expected), "{name} in {figures:?}");
    }
}
