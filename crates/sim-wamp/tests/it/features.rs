//! The advanced profile, over every transport and serialization.

use std::time::Duration;

use sim_wamp::{
    CallError, CallOptions, CancelMode, Dict, Invoke, MatchPolicy, Passthru, Payload, Publication,
    RegisterOptions, SessionEvent, SubscribeOptions, Value, uri,
};

use crate::kit::{Joined, Server, Way, args, soon};

/// Values that one serialization or the other could confuse.
fn tricky() -> (Vec<Value>, Dict) {
    let args = vec![
        Value::Int(1),
        Value::Float(1.0),
        Value::Int(i64::MIN),
        Value::Uint(u64::MAX),
        Value::Bytes(vec![0, 1, 255]),
        Value::Text("\u{1f600} \"\\\n".to_owned()),
        Value::Null,
        Value::List(vec![Value::Bool(true), Value::Dict(Dict::new())]),
    ];
    (args, [("bytes", Value::Bytes(Vec::new()))].into_iter().collect())
}

async fn next(callee: &mut Joined) -> SessionEvent {
    soon(callee.incoming.recv()).await.expect("the session lives")
}

#[tokio::test]
async fn values_arrive_as_they_were_sent_in_every_pair_of_serializations() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (caller, mut callee) = (server.join(one).await, server.join(other).await);
        soon(callee.session.register("app.echo", MatchPolicy::Exact)).await.unwrap();
        let (values, kwargs) = tricky();
        let sent = Payload::from_values(values.clone(), Some(kwargs.clone()));
        let answering = async {
            let invocation = callee.invocation().await;
            assert_eq!(invocation.payload.values().unwrap(), tricky(), "{one:?} {other:?}");
            let payload = invocation.payload.clone();
            invocation.respond(Ok(payload)).await;
        };
        let calling = caller.session.call("app.echo", sent);
        let (result, ()) = soon(async { tokio::join!(calling, answering) }).await;
        assert_eq!(result.unwrap().values().unwrap(), (values, kwargs), "{one:?} {other:?}");
        soon(callee.session.leave()).await;
    }
}

#[tokio::test]
async fn results_come_one_after_the_other() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (caller, mut callee) = (server.join(one).await, server.join(other).await);
        soon(callee.session.register("app.count", MatchPolicy::Exact)).await.unwrap();
        let options = CallOptions { receive_progress: true, ..CallOptions::default() };
        let mut call =
            soon(caller.session.start_call("app.count", args("[3]"), options)).await.unwrap();
        let invocation = callee.invocation().await;
        assert!(invocation.receive_progress);
        for n in 0..3 {
            soon(invocation.responder.progress(args(&format!("[{n}]")))).await;
        }
        invocation.respond(Ok(args("[3]"))).await;
        for n in 0..=3 {
            let result = soon(call.next()).await.unwrap().unwrap();
            assert_eq!((result.payload, result.progress), (args(&format!("[{n}]")), n < 3));
        }
        assert!(soon(call.next()).await.is_none());
        soon(callee.session.leave()).await;
    }
}

#[tokio::test]
async fn arguments_come_one_after_the_other() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (caller, mut callee) = (server.join(one).await, server.join(other).await);
        soon(callee.session.register("app.sum", MatchPolicy::Exact)).await.unwrap();
        let options = CallOptions { progress: true, ..CallOptions::default() };
        let mut call =
            soon(caller.session.start_call("app.sum", args("[1]"), options)).await.unwrap();
        soon(call.send(args("[2]"), false)).await.unwrap();
        soon(call.send(args("[3]"), true)).await.unwrap();
        assert_eq!(
            soon(call.send(args("[4]"), true)).await.unwrap_err().uri,
            uri::INVALID_ARGUMENT
        );
        let invocation = callee.invocation().await;
        assert!(invocation.progress);
        for (n, more) in [(2, true), (3, false)] {
            match next(&mut callee).await {
                SessionEvent::Arguments(arguments) => {
                    assert_eq!(arguments.request, invocation.request);
                    assert_eq!(arguments.payload, args(&format!("[{n}]")));
                    assert_eq!(arguments.progress, more);
                }
                event => panic!("expected arguments, not {event:?}"),
            }
        }
        invocation.respond(Ok(args("[6]"))).await;
        assert_eq!(soon(call.result()).await.unwrap().payload, args("[6]"));
        soon(callee.session.leave()).await;
    }
}

#[tokio::test]
async fn canceled_calls_are_answered_as_their_mode_says() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (caller, mut callee) = (server.join(one).await, server.join(other).await);
        soon(callee.session.register("app.slow", MatchPolicy::Exact)).await.unwrap();
        for mode in [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait] {
            let options = CallOptions::default();
            let call =
                soon(caller.session.start_call("app.slow", args("[]"), options)).await.unwrap();
            let invocation = callee.invocation().await;
            soon(call.cancel(mode)).await.unwrap();
            if mode != CancelMode::Skip {
                match next(&mut callee).await {
                    SessionEvent::Interrupt(interrupt) => {
                        assert_eq!((interrupt.request, interrupt.mode), (invocation.request, mode));
                    }
                    event => panic!("expected an interrupt, not {event:?}"),
                }
            }
            let stopped = || Err(CallError::new("app.error.stopped", "as you wish"));
            let answered = match mode {
                CancelMode::Kill => {
                    invocation.respond(stopped()).await;
                    soon(call.result()).await
                }
                CancelMode::Skip | CancelMode::KillNoWait => {
                    let answered = soon(call.result()).await;
                    // Too late: nobody is told, and nothing breaks.
                    invocation.respond(stopped()).await;
                    answered
                }
            };
            let expected = match mode {
                CancelMode::Kill => "app.error.stopped",
                CancelMode::Skip | CancelMode::KillNoWait => uri::CANCELED,
            };
            assert_eq!(answered.unwrap_err().uri, expected, "{mode:?}");
        }
        soon(callee.session.leave()).await;
    }
}

#[tokio::test]
async fn dropped_calls_and_those_without_time_interrupt_the_callee() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (caller, mut callee) = (server.join(one).await, server.join(other).await);
        soon(callee.session.register("app.slow", MatchPolicy::Exact)).await.unwrap();
        let call = caller.session.start_call("app.slow", args("[]"), CallOptions::default());
        let call = soon(call).await.unwrap();
        let invocation = callee.invocation().await;
        drop(call);
        let interrupted = next(&mut callee).await;
        assert!(
            matches!(interrupted, SessionEvent::Interrupt(it) if it.request == invocation.request)
        );

        let timeout = Some(Duration::from_millis(1));
        let options = CallOptions { timeout, ..CallOptions::default() };
        let call = soon(caller.session.start_call("app.slow", args("[]"), options)).await.unwrap();
        let invocation = callee.invocation().await;
        assert_eq!(soon(call.result()).await.unwrap_err().uri, uri::TIMEOUT);
        match next(&mut callee).await {
            SessionEvent::Interrupt(interrupt) => {
                assert_eq!(interrupt.request, invocation.request);
                assert_eq!(interrupt.reason, uri::TIMEOUT);
            }
            event => panic!("expected an interrupt, not {event:?}"),
        }
        // Too late: nobody is told, and nothing breaks.
        invocation.respond(Ok(args("[1]"))).await;
        soon(callee.session.leave()).await;
    }
}

#[tokio::test]
async fn shared_procedures_take_turns_and_can_be_taken_over() {
    let server = Server::start().await;
    for (one, other) in Way::pairs() {
        let (mut first, mut second) = (server.join(one).await, server.join(other).await);
        let caller = server.join(Way::Local).await;
        let shared = RegisterOptions { invoke: Invoke::RoundRobin, ..RegisterOptions::default() };
        let id = soon(first.session.register("app.share", shared)).await.unwrap();
        assert_eq!(soon(second.session.register("app.share", shared)).await, Ok(id));
        for callee in [&mut first, &mut second] {
            let answering = async { callee.invocation().await.respond(Ok(args("[1]"))).await };
            let calling = caller.session.call("app.share", args("[]"));
            let (result, ()) = soon(async { tokio::join!(calling, answering) }).await;
            assert_eq!(result, Ok(args("[1]")));
        }
        let force = RegisterOptions { force_reregister: true, ..RegisterOptions::default() };
        let taken = soon(caller.session.register("app.share", force)).await.unwrap();
        assert_ne!(taken, id);
        for callee in [&mut first, &mut second] {
            let event = next(callee).await;
            assert!(
                matches!(event, SessionEvent::Unregistered { registration, .. } if registration == id),
                "{one:?} {other:?} {event:?}"
            );
        }
        soon(caller.session.unregister(taken)).await.unwrap();
    }
}

#[tokio::test]
async fn retained_events_and_packed_payloads_arrive_with_their_marks() {
    let server = Server::start().await;
    for (number, (one, other)) in Way::pairs().into_iter().enumerate() {
        let (publisher, mut subscriber) = (server.join(one).await, server.join(other).await);
        let topic = format!("app.kept.{number}");
        let packed = Passthru {
            scheme: "x_example".to_owned(),
            serializer: Some("cbor".to_owned()),
            cipher: Some("none".to_owned()),
            keyid: Some("7".to_owned()),
        };
        let payload = || Payload::from_values([Value::Bytes(vec![0, 159])], None);
        let mut publication = Publication::new(topic.as_str(), payload()).retained().acknowledged();
        publication.passthru = Some(Box::new(packed.clone()));
        soon(publisher.session.publish(publication)).await.unwrap();
        let options = SubscribeOptions { get_retained: true, ..SubscribeOptions::default() };
        soon(subscriber.session.subscribe(&topic, options)).await.unwrap();
        let event = subscriber.event().await;
        assert!(event.retained);
        assert_eq!(event.passthru.as_deref(), Some(&packed));
        assert_eq!(event.payload, payload(), "{one:?} {other:?}");
        soon(publisher.session.publish(Publication::new(topic.as_str(), args("[2]"))))
            .await
            .unwrap();
        let event = subscriber.event().await;
        assert_eq!((event.retained, event.passthru, event.payload), (false, None, args("[2]")));
    }
}

#[tokio::test]
async fn what_a_serialization_cannot_carry_is_refused_and_nothing_else_breaks() {
    let server = Server::start().await;
    for way in Way::all() {
        let (caller, mut callee) = (server.join(Way::SOCKET).await, server.join(way).await);
        soon(callee.session.register("app.echo", MatchPolicy::Exact)).await.unwrap();
        // JSON may write a number that no other serialization has.
        let calling = caller.session.call("app.echo", args("[1e999]"));
        let result = if way.speaks_json() {
            let answering = async { callee.invocation().await.respond(Ok(args("[1]"))).await };
            soon(async { tokio::join!(calling, answering) }).await.0
        } else {
            soon(calling).await
        };
        match way.speaks_json() {
            true => assert_eq!(result, Ok(args("[1]")), "{way:?}"),
            false => assert_eq!(result.unwrap_err().uri, uri::PAYLOAD_NOT_SUPPORTED, "{way:?}"),
        }
        let answering = async { callee.invocation().await.respond(Ok(args("[2]"))).await };
        let calling = caller.session.call("app.echo", args("[]"));
        let (result, ()) = soon(async { tokio::join!(calling, answering) }).await;
        assert_eq!(result, Ok(args("[2]")));
        soon(callee.session.leave()).await;
    }
}
