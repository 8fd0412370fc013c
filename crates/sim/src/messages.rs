//! The engine's session in its realm: calls and messages in, answers and events out.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use sim_engine::{Answer, Call, CallError, Engine, Event, Messages, Peer, Procedure, Request};
use sim_games_types::UserPk;
use sim_wamp::{
    Incoming, Invocation, MatchPolicy, Payload, Publication, Responder, Router, Session,
    SessionEvent, uri,
};

/// The role of users who operate the service.
pub(crate) const OPERATOR: &str = "operator";
/// The role of all other users.
pub(crate) const BROWSER: &str = "browser";
/// The role of sessions that have not logged in.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// The message port on an in-process WAMP session.
#[derive(Debug)]
pub(crate) struct RealmMessages {
    session: Session,
    router: Router,
}

impl RealmMessages {
    pub(crate) fn new(session: Session, router: Router) -> Self {
        Self { session, router }
    }
}

#[async_trait]
impl Messages for RealmMessages {
    async fn publish(&self, events: Vec<Event>) {
        let publications = events.into_iter().map(publication).collect();
        if self.session.publish_all(publications).await.is_err() {
            tracing::debug!("events were dropped: the realm has ended");
        }
    }

    async fn dismiss(&self, user: UserPk) {
        self.router.kill(&self.session.info().realm, &user.to_string()).await;
    }
}

/// An event as the router takes it.
pub(crate) fn publication(event: Event) -> Publication {
    Publication {
        eligible_authid: Some(event.audience),
        ..Publication::new(event.topic, Payload::from_json(Some(event.args), Some(event.kwargs)))
    }
}

/// Offers an engine's procedures and subscribes to the topics on which browsers talk to it.
pub(crate) async fn offer(session: &Session, engine: &Engine) -> Result<(), sim_wamp::CallError> {
    let policy = |procedure: &Procedure| match procedure.wildcard {
        true => MatchPolicy::Wildcard,
        false => MatchPolicy::Exact,
    };
    for procedure in engine.procedures() {
        session.register(&procedure.uri, policy(&procedure)).await?;
    }
    for topic in engine.topics() {
        session.subscribe(&topic.uri, policy(&topic)).await?;
    }
    Ok(())
}

/// Subscribes to who comes and goes.
pub(crate) async fn watch(session: &Session) -> Result<(), sim_wamp::CallError> {
    session.subscribe(uri::ON_JOIN, MatchPolicy::Exact).await?;
    session.subscribe(uri::ON_LEAVE, MatchPolicy::Exact).await?;
    Ok(())
}

/// Hands everything that comes in to the engine, until the session ends.
///
/// It never waits: what a session asks for queues in the engine, session by session.
pub(crate) async fn pump(mut incoming: Incoming, engine: Engine) {
    while let Some(event) = incoming.recv().await {
        match event {
            SessionEvent::Invocation(invocation) => {
                if let Some(call) = call_of(&invocation) {
                    engine.call(call, answered(invocation.responder, |_| ()));
                }
            }
            SessionEvent::Event(event) => match &*event.topic {
                uri::ON_JOIN => {
                    if let Some(peer) = joined(&event.payload) {
                        engine.joined(peer);
                    }
                }
                uri::ON_LEAVE => {
                    if let Some(peer) = left(&event.payload) {
                        engine.left(peer);
                    }
                }
                _ => {
                    if let Some(message) = message_of(event) {
                        engine.message(message);
                    }
                }
            },
            SessionEvent::Goodbye { reason } => {
                tracing::debug!(reason, "the engine's session has ended");
            }
            _ => {}
        }
    }
}

/// A call, if the router says who calls.
pub(crate) fn call_of(invocation: &Invocation) -> Option<Call> {
    let by = invocation.caller.as_ref()?;
    let peer = peer(by.session, &by.authid, &by.authrole);
    // Only routers of ours tell the caller's number.
    let request = match invocation.caller_request {
        Some(request) => Request::Call(request),
        None => Request::Invocation(invocation.request),
    };
    Some(call(peer, request, invocation.procedure.clone(), &invocation.payload))
}

/// A message, if the router says who sends it.
pub(crate) fn message_of(event: sim_wamp::Event) -> Option<Call> {
    let by = event.publisher.as_ref()?;
    let peer = peer(by.session, &by.authid, &by.authrole);
    let request = Request::Publication(event.publication);
    Some(call(peer, request, event.topic, &event.payload))
}

/// Where the answer to a call goes; `failed` is told of an error first.
pub(crate) fn answered(
    responder: Responder,
    failed: impl FnOnce(&CallError) + Send + 'static,
) -> Answer {
    Box::new(move |outcome: Result<String, CallError>| {
        let answer = match outcome {
            Ok(value) => Ok(Payload::from_json(Some(format!("[{value}]")), None::<String>)),
            Err(error) => {
                failed(&error);
                Err(on_the_wire(&error))
            }
        };
        Box::pin(responder.respond(answer)) as sim_engine::BoxFuture<()>
    })
}

/// A call or a message, its arguments as JSON.
fn call(peer: Peer, request: Request, uri: Arc<str>, payload: &Payload) -> Call {
    let (args, kwargs) = (payload.args_json().into(), payload.kwargs_json().into());
    Call { uri, peer, request: Some(request), args, kwargs }
}

/// An engine's error as WAMP has it.
fn on_the_wire(error: &CallError) -> sim_wamp::CallError {
    let kwargs = (!error.kwargs().is_empty()).then(|| error.kwargs());
    let payload = Payload::new(&error.args(), kwargs)
        .unwrap_or_else(|_| Payload::text("the error could not be written as JSON"));
    sim_wamp::CallError { uri: error.uri().to_owned(), payload }
}

/// Who is on the other end of a session, from what the router vouches for.
pub(crate) fn peer(session: u64, authid: &str, authrole: &str) -> Peer {
    let user = match authrole {
        BROWSER | OPERATOR => authid.parse().ok().map(UserPk),
        _ => None,
    };
    Peer { session, user, operator: authrole == OPERATOR }
}

/// Who has joined.
pub(crate) fn joined(payload: &Payload) -> Option<Peer> {
    #[derive(Deserialize)]
    struct Details {
        session: u64,
        authid: String,
        authrole: String,
    }
    let [details]: [Details; 1] = serde_json::from_str(payload.args_json()).ok()?;
    Some(peer(details.session, &details.authid, &details.authrole))
}

fn left(payload: &Payload) -> Option<Peer> {
    let (session, authid, authrole): (u64, String, String) =
        serde_json::from_str(payload.args_json()).ok()?;
    Some(peer(session, &authid, &authrole))
}
