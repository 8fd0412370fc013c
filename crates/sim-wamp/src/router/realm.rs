//! A realm: one task that owns its sessions, broker and dealer, and never waits for a peer.

use std::collections::HashMap;
use std::sync::Arc;

use metrics::Counter;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::broker::{Broker, History};
use super::dealer::Dealer;
use super::failures::Failures;
use super::member::Member;
use super::meta;
use super::outbox::Outbox;
use super::permission::Granted;
use super::queue::{Pushed, Queue};
use super::testaments::Testaments;
use crate::message::{CallMessage, ErrorMessage, Message, code};
use crate::session::{Delivered, Delivery};
use crate::{Limits, Payload, Publication, SessionInfo, Value, counters, uri};

/// How many commands are handled before the task lets others run.
const BATCH: usize = 128;

/// What a realm is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Take a session in.
    Join { member: Member, peer: Peer, answer: oneshot::Sender<Result<(), JoinRefused>> },
    /// Handle a message that the session's gate has let through.
    Message { session: u64, message: Message, granted: Granted },
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
    /// Answer a call with an error, because its invocation cannot be written for the callee.
    Undelivered { session: u64, message: Message },
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
    Remote { queue: Queue, overflowed: CancellationToken },
}

/// A realm with its state.
#[derive(Debug)]
pub(crate) struct Realm {
    pub(crate) sessions: HashMap<u64, (Member, Peer)>,
    pub(crate) broker: Broker,
    pub(crate) dealer: Dealer,
    pub(crate) testaments: Testaments,
    limits: Limits,
    calls: Counter,
    pub(crate) out: Outbox,
}

impl Realm {
    pub(crate) fn new(limits: Limits, history: Vec<History>, disclose: bool) -> Self {
        Self {
            sessions: HashMap::new(),
            broker: Broker::new(&limits, history, disclose),
            dealer: Dealer::new(limits.registrations, limits.open_calls, disclose),
            testaments: Testaments::new(limits.testaments),
            limits,
            calls: counters::calls(),
            out: Outbox::default(),
        }
    }

    /// Lets it note the calls that fail.
    pub(crate) fn remembering(mut self, failures: Arc<Failures>) -> Self {
        self.dealer.failures = failures;
        self
    }

    /// Handles commands until the shutdown, or until nobody is left who could send one.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let deadline = self.dealer.next_deadline();
            let received = tokio::select! {
                biased;
                received = inbox.recv_many(&mut batch, BATCH) => received,
                () = until(deadline) => {
                    self.dealer.expire(Instant::now(), &mut self.out);
                    self.flush();
                    continue;
                }
            };
            if received == 0 {
                return;
            }
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
            Command::Join { member, peer, answer } => {
                let session = member.session();
                let joined = self.join(member, peer);
                if answer.send(joined) == Err(Ok(())) {
                    // Whoever asked does not wait any more and would never leave.
                    self.remove(session);
                }
            }
            Command::Message { session, message, granted } => {
                self.message(session, message, granted);
            }
            Command::PublishAll { session, publications } => {
                let Some((member, _)) = self.sessions.get(&session) else { return };
                for publication in publications {
                    // Nobody waits for the acknowledgment of a batch.
                    self.broker.publish_silently(member, publication, false, &mut self.out);
                }
            }
            Command::Reply { session, message } => self.out.send(session, message),
            Command::Goodbye { session } => {
                self.end(session, Message::goodbye(uri::GOODBYE_AND_OUT));
            }
            Command::Leave { session } => self.remove(session),
            Command::Kill { authid } => {
                let of_authid = |member: &Member| member.info.authid == authid && !member.trusted;
                for session in self.sessions_that(of_authid) {
                    self.end(session, Message::goodbye(uri::KILLED));
                }
            }
            Command::Undelivered { session, message } => self.undelivered(session, message),
            Command::Shutdown => unreachable!("`run` ends at a shutdown"),
        }
    }

    fn join(&mut self, member: Member, peer: Peer) -> Result<(), JoinRefused> {
        let session = member.session();
        // Two equal ids among 2^53 are as good as impossible; the newcomer may try again.
        if self.sessions.len() >= self.limits.sessions || self.sessions.contains_key(&session) {
            counters::limited("sessions");
            return Err(JoinRefused::Full);
        }
        let details = Value::from(meta::session_details(&member.info));
        self.out.announce(uri::ON_JOIN, Payload::from_values([details], None));
        // The newcomer itself does not hear of its coming.
        self.flush();
        self.sessions.insert(session, (member, peer));
        counters::sessions(1.0);
        Ok(())
    }

    /// Finds sessions.
    pub(crate) fn sessions_that(&self, is_meant: impl Fn(&Member) -> bool) -> Vec<u64> {
        let members = self.sessions.values().map(|(member, _)| member);
        members.filter(|member| is_meant(member)).map(Member::session).collect()
    }

    fn message(&mut self, session: u64, message: Message, granted: Granted) {
        let Some((member, _)) = self.sessions.get(&session) else { return };
        // What the router's own program asks for is no traffic.
        if matches!(message, Message::Call(_)) && !member.trusted {
            self.calls.increment(1);
        }
        let out = &mut self.out;
        match message {
            Message::Publish { request, publication } => {
                self.broker.publish(member, request, *publication, &granted, out);
            }
            Message::Subscribe { request, options, topic } => {
                self.broker.subscribe(member, request, options, topic, granted, out);
            }
            Message::Unsubscribe { request, subscription } => {
                self.broker.subscriptions.unsubscribe(session, request, subscription, out);
            }
            Message::Call(call) if call.procedure.starts_with(uri::RESERVED) => {
                self.meta_call(session, *call, &granted);
            }
            Message::Call(call) => self.call(session, *call, &granted),
            Message::Cancel { request, mode } => self.dealer.cancel(session, request, mode, out),
            Message::Register { request, options, procedure } => {
                self.dealer.registrations.register(member, request, options, procedure, out);
            }
            Message::Unregister { request, registration } => {
                self.dealer.registrations.unregister(session, request, registration, out);
            }
            Message::Yield { request, answer } => {
                self.dealer.yielded(session, request, answer, out);
            }
            Message::Error(error) if error.kind == code::INVOCATION => {
                self.dealer.failed(session, *error, out);
            }
            // Gates and connections let nothing else through.
            other => tracing::error!(message = other.name(), "realm got a message it cannot use"),
        }
    }

    fn call(&mut self, session: u64, call: CallMessage, granted: &Granted) {
        let Some((member, _)) = self.sessions.get(&session) else { return };
        if let Err(violation) = self.dealer.call(member, call, granted, &mut self.out) {
            let (message, reason) = (violation.to_string(), uri::PROTOCOL_VIOLATION.to_owned());
            self.end(session, Message::Abort { message, reason });
        }
    }

    /// Answers a procedure of the router itself; others may offer more under `wamp.`.
    fn meta_call(&mut self, session: u64, call: CallMessage, granted: &Granted) {
        let Some(answer) = meta::call(self, session, &call) else {
            return self.call(session, call, granted);
        };
        let message = match answer {
            Ok(payload) => {
                let answer = crate::message::Answer { payload, ..Default::default() };
                Message::Result { request: call.request, answer }
            }
            Err(error) => {
                if let Some((member, _)) = self.sessions.get(&session)
                    && !member.trusted
                {
                    self.dealer.failures.note(
                        &member.info.caller(),
                        &call.procedure,
                        &error.uri,
                        &error.payload,
                    );
                }
                Message::failure(code::CALL, call.request, &error.uri, error.payload)
            }
        };
        self.out.send(session, message);
    }

    /// Sends a session its last message, after all that waits for it, and lets it go.
    pub(crate) fn end(&mut self, session: u64, last: Message) {
        self.flush();
        self.out.send(session, last);
        self.flush();
        self.remove(session);
    }

    /// Forgets a session; dropping its peer ends it.
    fn remove(&mut self, session: u64) {
        let Some((member, peer)) = self.sessions.remove(&session) else { return };
        drop(peer);
        counters::sessions(-1.0);
        let out = &mut self.out;
        self.broker.subscriptions.table.leave(session, out);
        self.dealer.leave(session, out);
        for publication in self.testaments.execute(session) {
            self.broker.publish_silently(&member, publication, false, out);
        }
        let SessionInfo { authid, authrole, .. } = &*member.info;
        let details = [session.into(), (&**authid).into(), (&**authrole).into()];
        out.announce(uri::ON_LEAVE, Payload::from_values(details, None));
    }

    /// Hands all messages over; whose queue is full is let go, and what that causes is handed
    /// over as well.
    pub(crate) fn flush(&mut self) {
        while !self.out.is_empty() {
            let mut out = std::mem::take(&mut self.out);
            for notice in out.notices.drain(..) {
                self.broker.announce(notice, &mut self.out);
            }
            let mut lost = Vec::new();
            for (session, message) in out.messages.drain(..) {
                let Some((_, peer)) = self.sessions.get(&session) else { continue };
                match peer.deliver(message) {
                    Delivered::Done => {}
                    Delivered::Refused { request, uri, text } => {
                        let error = ErrorMessage {
                            kind: code::INVOCATION,
                            request,
                            uri: uri.to_owned(),
                            payload: Payload::text(text),
                            passthru: None,
                        };
                        self.dealer.failed(session, error, &mut self.out);
                    }
                    Delivered::Gone => lost.push(session),
                    Delivered::Full => {
                        tracing::warn!(session, "session reads too slowly and is disconnected");
                        counters::limited("queue");
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

    /// Answers whoever waits for a message that could not be written for its receiver.
    fn undelivered(&mut self, session: u64, message: Message) {
        let text = "the arguments hold values that the receiver's serialization does not have";
        match message {
            Message::Invocation(invocation) => {
                let error = ErrorMessage {
                    kind: code::INVOCATION,
                    request: invocation.request,
                    uri: uri::PAYLOAD_NOT_SUPPORTED.to_owned(),
                    payload: Payload::text(text),
                    passthru: None,
                };
                self.dealer.failed(session, error, &mut self.out);
            }
            Message::Result { request, answer } if !answer.progress => {
                let uri = uri::PAYLOAD_NOT_SUPPORTED;
                self.out.send(session, Message::error(code::CALL, request, uri, text));
            }
            Message::Error(error) => {
                let ErrorMessage { kind, request, uri, .. } = *error;
                self.out.send(session, Message::error(kind, request, &uri, text));
            }
            _ => counters::dropped(),
        }
    }

    fn shut_down(&mut self) {
        for (_, peer) in self.sessions.values() {
            // Whose queue is full is ended by the drop below, only without the last word.
            let _last_word = peer.deliver(Message::goodbye(uri::SYSTEM_SHUTDOWN));
        }
        counters::sessions(-(self.sessions.len() as f64));
        self.sessions.clear();
    }
}

impl Peer {
    fn deliver(&self, message: Message) -> Delivered {
        match self {
            Self::Local(delivery) => delivery.try_deliver(message),
            Self::Remote { queue, .. } => match queue.push(message) {
                Pushed::Done => Delivered::Done,
                Pushed::Dropped => {
                    counters::dropped();
                    Delivered::Done
                }
                // Most connections say so themselves when they end, but one that panicked cannot.
                Pushed::Gone => Delivered::Gone,
                Pushed::Full => Delivered::Full,
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

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
