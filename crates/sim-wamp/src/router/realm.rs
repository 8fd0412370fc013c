//! A realm: one task that owns its sessions, broker and dealer, and never waits for a peer.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::broker::Broker;
use super::dealer::{Call, Dealer};
use crate::message::{Message, code};
use crate::session::{Delivered, Delivery};
use crate::{Limits, Payload, Publication, SessionInfo, uri};

/// Messages with their receivers, in the order in which they shall leave.
pub(crate) type Outbox = Vec<(u64, Message)>;

/// How many commands are handled before the task lets others run.
const BATCH: usize = 128;

/// What a realm is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Take a session in.
    Join {
        info: Arc<SessionInfo>,
        peer: Peer,
        trusted: bool,
        answer: oneshot::Sender<Result<(), JoinRefused>>,
    },
    /// Handle a message that the session's gate has let through.
    Message { session: u64, message: Message },
    /// Publish a batch.
    PublishAll { session: u64, publications: Vec<Publication> },
    /// Send the session what its gate answers, in order with all else.
    Reply { session: u64, message: Message },
    /// Answer the goodbye of a session and let it go.
    Goodbye { session: u64 },
    /// Let a session go that is gone already.
    Leave { session: u64 },
    /// End all sessions of an authid.
    Kill { authid: Arc<str> },
    /// Say goodbye to everybody and end.
    Shutdown,
}

/// Why a realm does not take a session in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinRefused {
    Full,
    ShutDown,
}

/// How messages reach a session.
#[derive(Debug)]
pub(crate) enum Peer {
    /// Directly.
    Local(Delivery),
    /// Through the task of a connection, which ends once the queue is closed, or at once when it
    /// is told that the queue overflowed.
    Remote { queue: mpsc::Sender<Message>, overflowed: CancellationToken },
}

/// What broker and dealer know of a session.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) info: Arc<SessionInfo>,
    pub(crate) trusted: bool,
}

/// A realm with its state.
#[derive(Debug)]
pub(crate) struct Realm {
    sessions: HashMap<u64, (Member, Peer)>,
    broker: Broker,
    dealer: Dealer,
    limits: Limits,
    out: Outbox,
}

impl Realm {
    pub(crate) fn new(limits: Limits, disclose: bool) -> Self {
        Self {
            sessions: HashMap::new(),
            broker: Broker::new(limits.subscriptions, disclose),
            dealer: Dealer::new(limits.registrations, limits.open_calls, disclose),
            limits,
            out: Outbox::new(),
        }
    }

    /// Handles commands until the shutdown, or until nobody is left who could send one.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut batch = Vec::with_capacity(BATCH);
        while inbox.recv_many(&mut batch, BATCH).await > 0 {
            for command in batch.drain(..) {
                if matches!(command, Command::Shutdown) {
                    self.shut_down();
                    return;
                }
                self.handle(command);
                self.flush();
            }
        }
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Join { info, peer, trusted, answer } => {
                let session = info.session;
                let joined = self.join(info, peer, trusted);
                if answer.send(joined) == Err(Ok(())) {
                    // Whoever asked does not wait any more and would never leave.
                    self.remove(session);
                }
            }
            Command::Message { session, message } => self.message(session, message),
            Command::PublishAll { session, publications } => {
                let Some((member, _)) = self.sessions.get(&session) else { return };
                for publication in publications {
                    self.broker.publish(member, 0, &silent(publication), &mut self.out);
                }
            }
            Command::Reply { session, message } => self.out.push((session, message)),
            Command::Goodbye { session } => {
                self.end(session, goodbye(uri::GOODBYE_AND_OUT));
            }
            Command::Leave { session } => self.remove(session),
            Command::Kill { authid } => {
                let of_authid =
                    |(member, _): &(Member, Peer)| member.info.authid == authid && !member.trusted;
                let killed: Vec<u64> = self
                    .sessions
                    .iter()
                    .filter(|(_, entry)| of_authid(entry))
                    .map(|(session, _)| *session)
                    .collect();
                for session in killed {
                    self.end(session, goodbye(uri::KILLED));
                }
            }
            Command::Shutdown => unreachable!("`run` ends at a shutdown"),
        }
    }

    fn join(
        &mut self,
        info: Arc<SessionInfo>,
        peer: Peer,
        trusted: bool,
    ) -> Result<(), JoinRefused> {
        // Two equal ids among 2^53 are as good as impossible; the newcomer may try again.
        if self.sessions.len() >= self.limits.sessions || self.sessions.contains_key(&info.session)
        {
            return Err(JoinRefused::Full);
        }
        let details = json!([{
            "session": info.session,
            "authid": &*info.authid,
            "authrole": &*info.authrole,
            "authmethod": &*info.authmethod,
            "authprovider": &*info.authprovider,
        }]);
        let payload = Payload::from_json(Some(details.to_string()), None);
        self.broker.announce(uri::ON_JOIN, payload, &mut self.out);
        self.sessions.insert(info.session, (Member { info, trusted }, peer));
        Ok(())
    }

    fn message(&mut self, session: u64, message: Message) {
        let Some((member, _)) = self.sessions.get(&session) else { return };
        let out = &mut self.out;
        match message {
            Message::Publish { request, publication } => {
                self.broker.publish(member, request, &publication, out);
            }
            Message::Subscribe { request, policy, topic } => {
                self.broker.subscribe(member, request, policy, topic, out);
            }
            Message::Unsubscribe { request, subscription } => {
                self.broker.unsubscribe(member, request, subscription, out);
            }
            Message::Call { request, disclose_me, procedure, payload } => {
                let call = Call { request, disclose_me, procedure, payload };
                if let Err(violation) = self.dealer.call(member, call, out) {
                    let reason = uri::PROTOCOL_VIOLATION.to_owned();
                    self.end(session, Message::Abort { message: violation.to_string(), reason });
                }
            }
            Message::Register { request, policy, procedure } => {
                self.dealer.register(member, request, policy, procedure, out);
            }
            Message::Unregister { request, registration } => {
                self.dealer.unregister(member, request, registration, out);
            }
            Message::Yield { request, payload } => {
                self.dealer.yielded(session, request, payload, out);
            }
            Message::Error { kind: code::INVOCATION, request, uri, payload } => {
                self.dealer.failed(session, request, uri, payload, out);
            }
            // Gates and connections let nothing else through.
            other => tracing::error!(message = other.name(), "realm got a message it cannot use"),
        }
    }

    /// Sends a session its last message, after all that waits for it, and lets it go.
    fn end(&mut self, session: u64, last: Message) {
        self.flush();
        self.out.push((session, last));
        self.flush();
        self.remove(session);
    }

    /// Forgets a session; dropping its peer ends it.
    fn remove(&mut self, session: u64) {
        let Some((member, peer)) = self.sessions.remove(&session) else { return };
        drop(peer);
        self.broker.leave(session);
        self.dealer.leave(session, &mut self.out);
        let details = json!([session, &*member.info.authid, &*member.info.authrole]);
        let payload = Payload::from_json(Some(details.to_string()), None);
        self.broker.announce(uri::ON_LEAVE, payload, &mut self.out);
    }

    /// Hands all messages over; whose queue is full is let go, and what that causes is handed
    /// over as well.
    fn flush(&mut self) {
        while !self.out.is_empty() {
            let mut out = std::mem::take(&mut self.out);
            let mut lost = Vec::new();
            for (session, message) in out.drain(..) {
                let Some((_, peer)) = self.sessions.get(&session) else { continue };
                match peer.deliver(message) {
                    Delivered::Done => {}
                    Delivered::Refused { request, uri, text } => {
                        let (uri, payload) = (uri.to_owned(), Payload::text(text));
                        self.dealer.failed(session, request, uri, payload, &mut self.out);
                    }
                    Delivered::Gone => lost.push(session),
                    Delivered::Full => {
                        tracing::warn!(session, "session reads too slowly and is disconnected");
                        peer.overflow();
                        lost.push(session);
                    }
                }
            }
            for session in lost {
                self.remove(session);
            }
            if self.out.is_empty() {
                // Keep the room for the next command.
                self.out = out;
                return;
            }
        }
    }

    fn shut_down(&mut self) {
        for (_, peer) in self.sessions.values() {
            // Whose queue is full is ended by the drop below, only without the last word.
            let _last_word = peer.deliver(goodbye(uri::SYSTEM_SHUTDOWN));
        }
        self.sessions.clear();
    }
}

impl Peer {
    fn deliver(&self, message: Message) -> Delivered {
        match self {
            Self::Local(delivery) => delivery.try_deliver(message),
            Self::Remote { queue, .. } => match queue.try_send(message) {
                Ok(()) => Delivered::Done,
                // Most connections say so themselves when they end, but one that panicked cannot.
                Err(TrySendError::Closed(_)) => Delivered::Gone,
                Err(TrySendError::Full(_)) => Delivered::Full,
            },
        }
    }

    fn overflow(&self) {
        match self {
            Self::Local(delivery) => delivery.end(uri::RESOURCE_EXHAUSTED),
            Self::Remote { overflowed, .. } => overflowed.cancel(),
        }
    }
}

fn goodbye(reason: &str) -> Message {
    Message::Goodbye { message: String::new(), reason: reason.to_owned() }
}

/// Nobody waits for the acknowledgment of a batch.
fn silent(mut publication: Publication) -> Publication {
    publication.acknowledge = false;
    publication
}
