//! The procedures of agents, and calls made by agents.

use std::sync::Arc;

use futures_util::StreamExt;
use sim_wamp::{CallError, CallOptions, MatchPolicy, Payload, Request, SessionEvent, uri};
use tokio::sync::{mpsc, watch};

use super::home::{Home, agent};
use crate::kit::{args, soon};

/// Waits for an interrupt of a call.
async fn interrupted(home: &mut Home, request: u64) {
    match soon(home.watcher.incoming.recv()).await {
        Some(SessionEvent::Interrupt(interrupt)) => assert_eq!(interrupt.request, request),
        other => panic!("expected an interrupt, not {other:?}"),
    }
}

#[tokio::test]
async fn dropped_calls_and_streams_interrupt_the_callee() {
    let mut home = Home::start().await;
    let agent = home.agent().await;
    soon(home.watcher.session.register("app.work", MatchPolicy::Exact)).await.unwrap();
    let open = {
        let calling = agent.call::<u8>("app.work", &(1, 2));
        tokio::select! {
            result = calling => panic!("nobody answers, but {result:?}"),
            invocation = home.watcher.invocation() => invocation,
        }
    };
    assert_eq!(open.payload, args("[1,2]"));
    interrupted(&mut home, open.request).await;

    let results = soon(agent.results::<u8>("app.work", &[3])).await.unwrap();
    let open = home.watcher.invocation().await;
    assert!(open.receive_progress);
    drop(results);
    interrupted(&mut home, open.request).await;
}

#[tokio::test]
async fn results_come_as_a_stream_which_an_empty_last_one_only_ends() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let count = |request: Request| async move {
        let (to, last): (u32, Option<u32>) = request.args()?;
        for number in 0..to {
            request.progress.send(number).await?;
        }
        Ok(match last {
            Some(last) => Payload::from_args(&(last,)).expect("a number is JSON"),
            None => Payload::empty(),
        })
    };
    let _count = soon(agent.register("app.count", MatchPolicy::Exact, count)).await.unwrap();
    for (last, expected) in [(Some(9), vec![0, 1, 2, 9]), (None, vec![0, 1, 2])] {
        let results = soon(agent.results::<u32>("app.count", &(3, last))).await.unwrap();
        let results: Vec<_> = soon(results.collect()).await;
        assert_eq!(results, expected.into_iter().map(Ok).collect::<Vec<_>>());
    }
    // Who does not take them gets the last one only.
    assert_eq!(soon(agent.call("app.count", &(3, 9))).await, Ok(9));
    let options = CallOptions { receive_progress: true, ..CallOptions::default() };
    let call = agent.call_with("app.count", args("[2,5]"), options);
    let results: Vec<_> = soon(soon(call).await.unwrap().collect()).await;
    let results: Vec<_> = results.into_iter().map(|result| result.unwrap().progress).collect();
    assert_eq!(results, [true, true, false]);
}

#[tokio::test]
async fn result_of_another_type_is_an_error_of_the_call() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let name = |_| async { Ok("ann") };
    let _name = soon(agent.register("app.name", MatchPolicy::Exact, name)).await.unwrap();
    let refused = soon(agent.call::<u32>("app.name", &())).await.unwrap_err();
    assert_eq!(refused.uri, uri::PAYLOAD_NOT_SUPPORTED);
    let results = soon(agent.results::<u32>("app.name", &())).await.unwrap();
    let results: Vec<_> = soon(results.collect()).await;
    assert_eq!(results.len(), 1);
    // What is no list never goes out, so that the session stays.
    assert_eq!(agent.call::<u32>("app.name", &5).await.unwrap_err().uri, uri::INVALID_ARGUMENT);
    assert_eq!(soon(agent.call::<String>("app.name", &())).await.unwrap(), "ann");
}

#[tokio::test]
async fn errors_and_panics_are_answered_and_say_no_more_than_they_should() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let check = |request: Request| async move {
        let (number,): (i32,) = request.args()?;
        match number {
            0 => Err(CallError::new("app.error.zero", "no zero")),
            1 => panic!("the secret of the house"),
            _ => Ok(request.caller.expect("callers are disclosed").authid.to_string()),
        }
    };
    let _check = soon(agent.register("app.check.", MatchPolicy::Prefix, check)).await.unwrap();
    let now = |request: Request| -> std::future::Ready<Result<(), CallError>> {
        panic!("at once: {request:?}")
    };
    let _now = soon(agent.register("app.now", MatchPolicy::Exact, now)).await.unwrap();
    let call =
        |uri: &'static str, text: &'static str| soon(home.watcher.session.call(uri, args(text)));
    assert_eq!(call("app.check.a", "[0]").await.unwrap_err().uri, "app.error.zero");
    for panicking in [call("app.check.a", "[1]"), call("app.now", "[]")] {
        let failed = panicking.await.unwrap_err();
        assert_eq!(failed, CallError::new(uri::RUNTIME_ERROR, "the procedure failed"));
    }
    for wrong in ["[]", "[1,2]", r#"["a"]"#] {
        assert_eq!(call("app.check.b", wrong).await.unwrap_err().uri, uri::INVALID_ARGUMENT);
    }
    assert_eq!(call("app.check.c", "[2]").await, Ok(args(r#"["watcher"]"#)));
}

#[tokio::test]
async fn no_more_calls_run_than_may() {
    let home = Home::start().await;
    let agent = agent(home.url()).calls_at_once(2).start();
    let (go_on, waits) = watch::channel(false);
    let (begun, mut begins) = mpsc::channel(9);
    let slow = move |_| {
        let (mut waits, begun) = (waits.clone(), begun.clone());
        async move {
            begun.send(()).await.expect("the test lives");
            waits.wait_for(|go_on| *go_on).await.expect("the test lives");
            Ok(())
        }
    };
    let _slow = soon(agent.register("app.slow", MatchPolicy::Exact, slow)).await.unwrap();
    let session = home.watcher.session.clone();
    let call = || session.start_call("app.slow", Payload::empty(), CallOptions::default());
    let (one, two) = (soon(call()).await.unwrap(), soon(call()).await.unwrap());
    for _ in 0..2 {
        soon(begins.recv()).await.unwrap();
    }
    let refused = soon(soon(call()).await.unwrap().result()).await;
    assert_eq!(refused.unwrap_err().uri, uri::RESOURCE_EXHAUSTED);
    drop(two);
    go_on.send(true).unwrap();
    soon(one.result()).await.unwrap();
    soon(agent.close()).await;
}

/// Says when it is dropped.
struct Guard(mpsc::Sender<&'static str>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.try_send("dropped").expect("there is room");
    }
}

#[tokio::test]
async fn procedure_ends_where_it_waits_when_its_caller_or_its_session_goes() {
    let home = Home::start().await;
    let wire = super::Wire::to(home.address).await;
    let agent = agent(&*wire.url).start();
    let (tell, mut told) = mpsc::channel(9);
    let endless = move |_| {
        let tell = tell.clone();
        async move {
            let _guard = Guard(tell.clone());
            tell.send("begun").await.expect("the test lives");
            std::future::pending::<Result<(), CallError>>().await
        }
    };
    let _endless = soon(agent.register("app.endless", MatchPolicy::Exact, endless)).await.unwrap();
    let session = home.watcher.session.clone();
    for cut in [false, true] {
        let call = session.start_call("app.endless", Payload::empty(), CallOptions::default());
        let call = soon(call).await.unwrap();
        assert_eq!(soon(told.recv()).await, Some("begun"));
        if cut {
            wire.cut(false);
            assert_eq!(soon(call.result()).await.unwrap_err().uri, uri::CANCELED);
        } else {
            drop(call);
        }
        assert_eq!(soon(told.recv()).await, Some("dropped"));
    }
}

#[tokio::test]
async fn dropped_registration_withdraws_the_procedure_and_lets_its_calls_finish() {
    let mut home = Home::start().await;
    let agent = home.agent().await;
    let (go_on, waits) = watch::channel(false);
    let held = Arc::new(());
    let within = Arc::clone(&held);
    let (begun, mut begins) = mpsc::channel(1);
    let slow = move |_| {
        let (mut waits, begun, _held) = (waits.clone(), begun.clone(), Arc::clone(&within));
        async move {
            begun.send(()).await.expect("the test lives");
            waits.wait_for(|go_on| *go_on).await.expect("the test lives");
            Ok(())
        }
    };
    let slow = soon(agent.register("app.slow", MatchPolicy::Exact, slow)).await.unwrap();
    home.follow(uri::ON_UNREGISTER).await;
    let session = home.watcher.session.clone();
    let call = session.start_call("app.slow", Payload::empty(), CallOptions::default());
    let call = soon(call).await.unwrap();
    soon(begins.recv()).await.unwrap();
    drop(slow);
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_UNREGISTER);
    go_on.send(true).unwrap();
    soon(call.result()).await.unwrap();
    let gone = soon(session.call("app.slow", Payload::empty())).await;
    assert_eq!(gone.unwrap_err().uri, uri::NO_SUCH_PROCEDURE);
    soon(agent.close()).await;
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test]
async fn what_the_router_refuses_the_first_time_is_an_error() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let nothing = |_: Request| async { Ok(()) };
    let taken = soon(agent.register("app.x", MatchPolicy::Exact, nothing)).await.unwrap();
    let again = soon(agent.register("app.x", MatchPolicy::Exact, nothing)).await;
    assert_eq!(again.unwrap_err().uri, uri::PROCEDURE_ALREADY_EXISTS);
    let secret = soon(agent.register("secret.x", MatchPolicy::Exact, nothing)).await;
    assert_eq!(secret.unwrap_err().uri, uri::NOT_AUTHORIZED);
    let secret = soon(agent.subscribe("secret.x", MatchPolicy::Exact)).await;
    assert_eq!(secret.unwrap_err().uri, uri::NOT_AUTHORIZED);
    let invalid = soon(agent.subscribe("app..x", MatchPolicy::Exact)).await;
    assert_eq!(invalid.unwrap_err().uri, uri::INVALID_URI);
    assert_eq!(home.count("wamp.registration.list").await, 1);
    drop(taken);
}

/// On several threads, calls may come before anybody has looked at the answer that explains them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_right_behind_the_answer_are_served() {
    let mut home = Home::start().await;
    let agent = home.agent().await;
    home.follow(uri::ON_REGISTER).await;
    let session = home.watcher.session.clone();
    for _ in 0..300 {
        let registering = agent.register("app.x", MatchPolicy::Exact, |_| async { Ok(1) });
        let calling = async {
            home.watcher.event().await;
            session.call("app.x", Payload::empty()).await
        };
        let (registered, called) = soon(async { tokio::join!(registering, calling) }).await;
        assert_eq!(called, Ok(args("[1]")));
        drop(registered.unwrap());
        // What is given back is gone a moment later.
        while home.count("wamp.registration.list").await > 0 {}
    }
}
