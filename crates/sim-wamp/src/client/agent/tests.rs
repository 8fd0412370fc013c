//! What depends on time only, with a clock that the test moves.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::{CallOptions, Payload, uri};

/// A router that is reached by nobody, which is noticed at once.
const NOWHERE: &str = "unix:/nonexistent/router";

fn backoff(give_up_after: Option<Duration>) -> Backoff {
    let (first, longest) = (Duration::from_secs(1), Duration::from_secs(5));
    Backoff { first, factor: 2.0, longest, jitter: 0.0, give_up_after }
}

#[tokio::test(start_paused = true)]
async fn waits_grow_to_the_longest() {
    let begun = Instant::now();
    let agent = Agent::builder(NOWHERE, "realm1").backoff(backoff(None)).start();
    let mut status = agent.status();
    let mut times = Vec::new();
    while times.len() < 6 {
        let Some(Status::Connecting { attempt, last_error }) = status.changed().await else {
            panic!("the agent goes on trying");
        };
        if let Some(error) = last_error {
            assert!(matches!(error, Setback::Join(_)), "{error}");
            assert_eq!(attempt as usize, times.len() + 2);
            times.push(begun.elapsed().as_secs());
        }
    }
    assert_eq!(times, [0, 1, 3, 7, 12, 17]);
}

#[tokio::test(start_paused = true)]
async fn every_router_has_its_turn_before_the_wait() {
    let begun = Instant::now();
    let other = "unix:/nonexistent/other";
    let agent = Agent::builder(NOWHERE, "realm1").url(other).backoff(backoff(None)).start();
    let mut status = agent.status();
    let fifth = |status: &Status| matches!(status, Status::Connecting { attempt: 5, .. });
    assert!(status.wait_for(fifth).await.is_some());
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn agent_gives_up_when_its_time_is_up() {
    let begun = Instant::now();
    let limit = Duration::from_secs(10);
    let agent = Agent::builder(NOWHERE, "realm1").backoff(backoff(Some(limit))).start();
    let registering = agent.register("app.x", crate::MatchPolicy::Exact, |_| async { Ok(()) });
    let refused = registering.await.unwrap_err();
    assert_eq!(refused.uri, uri::SESSION_ENDED);
    assert!(refused.payload.args_json().contains("given up"), "{refused}");
    // One more wait of five seconds would have been too long.
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
    assert!(matches!(agent.status().now(), Status::Failed { last_error: Setback::Join(_) }));
    assert_eq!(agent.joined().await.unwrap_err().uri, uri::SESSION_ENDED);
}

#[tokio::test(start_paused = true)]
async fn url_of_no_use_is_not_tried_again() {
    let agent = Agent::builder("http://localhost", "realm1").start();
    let last = agent.status().wait_for(Status::is_final).await;
    assert!(matches!(last, Some(Status::Failed { .. })));
}

#[tokio::test(start_paused = true)]
async fn call_waits_for_a_session_as_long_as_it_may_take() {
    let begun = Instant::now();
    let agent = Agent::builder(NOWHERE, "realm1").start();
    let at_once = agent.call::<()>("app.x", &()).await;
    assert_eq!(at_once.unwrap_err().uri, uri::SESSION_ENDED);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let options = CallOptions { timeout: Some(Duration::from_secs(3)), ..CallOptions::default() };
    let waiting = agent.when_joined();
    let late = waiting.call_with("app.x", Payload::empty(), options).await;
    assert_eq!(late.unwrap_err().uri, uri::TIMEOUT);
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn agent_without_a_session_leaves_at_once() {
    let agent = Agent::builder(NOWHERE, "realm1").start();
    let handle = agent.handle();
    agent.close().await;
    assert!(matches!(handle.status().now(), Status::Left { reason } if reason == uri::CLOSE_REALM));
    let subscribed = handle.subscribe("app.t", crate::MatchPolicy::Exact).await;
    assert_eq!(subscribed.unwrap_err().uri, uri::SESSION_ENDED);
}

#[tokio::test(start_paused = true)]
async fn dropped_agent_lets_go_of_what_its_procedures_hold() {
    let agent = Agent::builder(NOWHERE, "realm1").start();
    let (handle, held) = (agent.handle(), Arc::new(()));
    let registering = tokio::spawn({
        let (handle, within, held) = (handle.clone(), handle.clone(), Arc::clone(&held));
        async move {
            let procedure = move |_| {
                let _kept = (&within, &held);
                async { Ok(()) }
            };
            handle.register("app.x", crate::MatchPolicy::Exact, procedure).await.map(drop)
        }
    });
    tokio::task::yield_now().await;
    drop(agent);
    let refused = registering.await.unwrap().unwrap_err();
    assert_eq!(refused.uri, uri::SESSION_ENDED);
    assert_eq!(Arc::strong_count(&held), 1);
}
