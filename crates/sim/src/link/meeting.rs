//! One session with the router: what is offered in it, and what comes in.

use std::collections::HashMap;
use std::pin::pin;
use std::time::SystemTime;

use sim_engine::{Engine, Peer};
use sim_wamp::{
    Client, FailedCall, Incoming, Invocation, MatchPolicy, Payload, Session, SessionEvent, uri,
};

use super::doors::{AUTHENTICATE, AUTHORIZE, Questions};
use super::{Keeper, send_away};
use crate::messages::{BROWSER, OPERATOR, answered, call_of, joined, message_of, offer, watch};

/// How many characters are remembered of what a failed call says.
const KEPT: usize = 300;

/// One session with the router, from the moment it has joined.
pub(super) struct Meeting<'a> {
    keeper: &'a Keeper,
    /// The sessions of others.
    present: HashMap<u64, Peer>,
    questions: Questions,
}

/// How a session ended.
pub(super) enum End {
    /// The service stops.
    Stopped,
    /// It was lost, after the browsers could come or before.
    Lost { reason: String, was_open: bool },
}

impl<'a> Meeting<'a> {
    pub(super) fn new(keeper: &'a Keeper) -> Self {
        let questions = Questions::new(keeper.doors.clone());
        Self { keeper, present: HashMap::new(), questions }
    }

    /// Holds the session to its end.
    pub(super) async fn hold(mut self, client: Client) -> End {
        let (session, mut incoming, connection) = client.split();
        let keeper = self.keeper;
        let mut offering = pin!(self.keeper.offer_all(&session));
        let mut is_open = false;
        let end = loop {
            tokio::select! {
                // What was offered is known before anybody uses it.
                biased;
                () = keeper.stop.cancelled() => break End::Stopped,
                offered = &mut offering, if !is_open => match offered {
                    Ok(()) => {
                        is_open = true;
                        keeper.link.opened_by(session.clone());
                    }
                    Err(error) => {
                        let reason = format!(
                            "it does not let the service offer its procedures, check \
                             `--router-user` and `--router-ticket`: {error}"
                        );
                        break End::Lost { reason, was_open: false };
                    }
                },
                event = incoming.recv() => match event {
                    Some(SessionEvent::Goodbye { reason }) => {
                        let reason = format!("the session was ended with `{reason}`");
                        break End::Lost { reason, was_open: is_open };
                    }
                    Some(event) => self.take(event),
                    None => {
                        let reason = "the session was lost".to_owned();
                        break End::Lost { reason, was_open: is_open };
                    }
                },
            }
        };
        if let End::Stopped = end {
            // Without the service they would see a game that does not answer. That they leave is
            // told here, and answers come behind it.
            tokio::select! {
                () = send_everybody_away(&session) => {}
                () = drain(&mut incoming) => {}
            }
        }
        for peer in self.present.into_values() {
            keeper.engines().for_each(|engine| engine.left(peer));
        }
        connection.close().await;
        end
    }

    fn take(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Invocation(invocation) => match &*invocation.procedure {
                AUTHENTICATE => self.questions.who(invocation),
                AUTHORIZE => self.questions.may(invocation),
                _ => self.call(invocation),
            },
            SessionEvent::Event(event) => match &*event.topic {
                uri::ON_JOIN => {
                    if let Some(peer) = joined(&event.payload) {
                        self.present.insert(peer.session, peer);
                        self.keeper.engines().for_each(|engine| engine.joined(peer));
                    }
                }
                uri::ON_LEAVE => self.left(&event.payload),
                topic => {
                    if let Some(engine) = self.keeper.engine_of(topic)
                        && let Some(message) = message_of(event)
                    {
                        engine.message(message);
                    }
                }
            },
            _ => {}
        }
    }

    /// Somebody has left. Some routers tell nothing but the session's id.
    fn left(&mut self, payload: &Payload) {
        let args: Vec<serde_json::Value> = payload.args().unwrap_or_default();
        let session = args.first().and_then(serde_json::Value::as_u64);
        if let Some(session) = session {
            self.questions.forget(session);
            if let Some(peer) = self.present.remove(&session) {
                self.keeper.engines().for_each(|engine| engine.left(peer));
            }
        }
    }

    fn call(&self, invocation: Invocation) {
        // Without the caller's name nobody can say what they may.
        let Some(caller) = invocation.caller.clone() else { return };
        let Some(engine) = self.keeper.engine_of(&invocation.procedure) else { return };
        let Some(call) = call_of(&invocation) else { return };
        let (link, procedure) = (self.keeper.link.clone(), invocation.procedure.clone());
        let answer = answered(invocation.responder, move |error| {
            link.note(FailedCall {
                at: SystemTime::now(),
                session: caller.session,
                authid: caller.authid.to_string(),
                procedure: cut(&procedure),
                error: cut(error.uri()),
                text: cut(&error.to_string()),
            });
        });
        engine.call(call, answer);
    }
}

/// The beginning of a text that others may have chosen.
fn cut(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

impl Keeper {
    fn engines(&self) -> impl Iterator<Item = &Engine> {
        self.engines.get().into_iter().flatten().map(|(_, engine)| engine)
    }

    /// The engine below whose root a URI lies.
    fn engine_of(&self, uri: &str) -> Option<&Engine> {
        let mut engines = self.engines.get().into_iter().flatten();
        engines.find(|(root, _)| crate::access::is_below(uri, root)).map(|(_, engine)| engine)
    }

    /// Offers everything; nobody can log in before the last of it.
    async fn offer_all(&self, session: &Session) -> Result<(), sim_wamp::CallError> {
        for engine in self.engines() {
            offer(session, engine).await?;
        }
        watch(session).await?;
        send_everybody_away(session).await;
        session.register(AUTHORIZE, MatchPolicy::Exact).await?;
        session.register(AUTHENTICATE, MatchPolicy::Exact).await?;
        Ok(())
    }
}

/// Takes what comes in, and does nothing with it.
async fn drain(incoming: &mut Incoming) {
    while incoming.recv().await.is_some() {}
}

/// Ends the sessions of all who have logged in.
async fn send_everybody_away(session: &Session) {
    for role in [BROWSER, OPERATOR] {
        send_away(session, "wamp.session.kill_by_authrole", role).await;
    }
}
