//! What a router counts, through the `metrics` facade.

use std::collections::HashMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use sim_wamp::{Client, Credentials, Limits, MatchPolicy, Publication};

use crate::kit::{Server, Way, soon};

#[tokio::test]
async fn bounds_that_are_hit_and_sessions_that_are_there_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    // The tasks of this test's router run on this very thread.
    let _recording = metrics::set_default_local_recorder(&recorder);
    let limits = Limits {
        sessions: 3,
        subscriptions: 1,
        registrations: 0,
        open_calls: 0,
        ..Limits::default()
    };
    let server = Server::with(limits, true).await;
    let joined = server.join(Way::SOCKET).await;
    let session = &joined.session;
    soon(session.subscribe("app.a", MatchPolicy::Exact)).await.unwrap();
    soon(session.subscribe("app.b", MatchPolicy::Exact)).await.unwrap_err();
    soon(session.register("app.c", MatchPolicy::Exact)).await.unwrap_err();
    soon(session.call("app.d", sim_wamp::Payload::empty())).await.unwrap_err();
    let wrong = Credentials::Cra { authid: "4".into(), secret: "wrong".into() };
    soon(Client::connect(&server.url(), "realm1", wrong)).await.unwrap_err();
    soon(session.subscribe("app.a", MatchPolicy::Exact)).await.unwrap();
    soon(session.publish(Publication {
        exclude_me: false,
        acknowledge: true,
        ..Publication::new("app.a", sim_wamp::Payload::empty())
    }))
    .await
    .unwrap();
    let failed = server.router.failed_calls();
    assert_eq!((failed.len(), failed[0].procedure.as_str()), (1, "app.d"));
    assert_eq!(failed[0].error, "wamp.error.resource_exhausted", "{failed:?}");
    let _engine = server.engine().await;
    let _third = server.join(Way::Local).await;
    server.router.attach("realm1", "x", "y").await.unwrap_err();

    let figures: HashMap<String, f64> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let key = key.key();
            let labels: Vec<&str> = key.labels().map(|label| label.value()).collect();
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(level) => level.into_inner(),
                DebugValue::Histogram(_) => f64::NAN,
            };
            ([key.name(), &labels.concat()].concat(), value)
        })
        .collect();
    for (name, expected) in [
        ("wamp_sessions", 3.0),
        ("wamp_logins_refused_total", 1.0),
        ("wamp_calls_total", 1.0),
        ("wamp_calls_failed_total", 1.0),
        ("wamp_publications_total", 1.0),
        ("wamp_limited_totalsubscriptions", 1.0),
        ("wamp_limited_totalregistrations", 1.0),
        ("wamp_limited_totalopen_calls", 1.0),
        ("wamp_limited_totalsessions", 1.0),
    ] {
        assert_eq!(figures.get(name), Some(&expected), "{name} in {figures:?}");
    }
}
