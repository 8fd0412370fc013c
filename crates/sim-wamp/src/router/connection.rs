//! The task of one connection: handshake, then reading and writing until either ends.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::handshake::{Candidate, Handshake};
use super::member::Member;
use super::queue::{Bounds, Outgoing, Waiting, queue};
use super::realm::{JoinRefused, Peer};
use super::throttle::Throttle;
use super::{Command, Gate, Inner, join};
use crate::limits::SlowSubscriber;
use crate::message::{Message, Sender, Violation, decode};
use crate::transport::{Close, Reader, Received, Transport, TransportError, Writer};
use crate::{Serializer, counters, uri, wire};

/// How many messages are written between two flushes at most.
const BATCH: usize = 256;

/// The last words to a peer.
#[derive(Debug)]
pub(super) struct Farewell {
    message: Option<Message>,
    /// Nothing if the connection is broken.
    close: Option<Close>,
}

impl Farewell {
    pub(super) fn abort(reason: &str, message: impl Into<String>) -> Self {
        let message = Message::Abort { message: message.into(), reason: reason.to_owned() };
        Self { message: Some(message), close: Some(Close::NORMAL) }
    }

    pub(super) fn close(close: Close) -> Self {
        Self { message: None, close: Some(close) }
    }

    pub(super) fn gone() -> Self {
        Self { message: None, close: None }
    }
}

impl From<Violation> for Farewell {
    fn from(violation: Violation) -> Self {
        let abort = Self::abort(uri::PROTOCOL_VIOLATION, violation.to_string());
        Self { close: Some(Close::PROTOCOL_VIOLATION), ..abort }
    }
}

impl From<TransportError> for Farewell {
    fn from(error: TransportError) -> Self {
        let message = match error {
            TransportError::WrongFrame(_) => {
                Self::abort(uri::PROTOCOL_VIOLATION, error.to_string()).message
            }
            TransportError::TooLong => {
                counters::limited("message_bytes");
                None
            }
            _ => None,
        };
        Self { message, close: error.close() }
    }
}

/// When the peer last sent something.
#[derive(Debug)]
pub(super) struct Activity {
    start: Instant,
    /// Milliseconds after the start.
    last: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0) }
    }

    fn note(&self) {
        let now = self.start.elapsed().as_millis();
        self.last.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Waits until the peer has been silent for as long as `limit`.
    async fn silence(&self, limit: Duration) -> Farewell {
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let silent = self.start.elapsed().saturating_sub(last);
            if silent >= limit {
                counters::limited("idle");
                return Farewell::close(Close::SILENT);
            }
            sleep(limit.saturating_sub(silent)).await;
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve<T: Transport>(router: Arc<Inner>, transport: T, address: Option<IpAddr>) {
    let (serializer, channel_id) = (transport.serializer(), transport.channel_id());
    let answers_pings = transport.answers_pings();
    let (mut reader, mut writer) = transport.split();
    let handshake = Handshake {
        router: &router,
        serializer,
        address,
        channel_id,
        reader: &mut reader,
        writer: &mut writer,
    };
    // In a box, since its room is not needed any more for the rest of the connection's life.
    let handshake = Box::pin(handshake.run());
    let candidate = tokio::select! {
        candidate = timeout(router.limits.handshake, handshake) => {
            candidate.unwrap_or_else(|_| {
                counters::limited("handshake");
                // Not as a login that is wrong, which nobody would try again.
                Err(Farewell::abort(uri::TIMEOUT, "the handshake took too long"))
            })
        }
        () = router.closing.cancelled() => {
            Err(Farewell::abort(uri::SYSTEM_SHUTDOWN, "the router is shutting down"))
        }
    };
    let farewell = match candidate {
        Ok(candidate) => {
            let Candidate { member, commands, welcome } = candidate;
            let session = Connection {
                router: &router,
                session: member.session(),
                serializer,
                answers_pings,
                commands,
                gate: Gate::asking(
                    Arc::clone(&member.info),
                    router.uri_rule,
                    Arc::clone(&router.authorizer),
                    &router.epochs,
                    Arc::clone(&router.failures),
                ),
                activity: Activity::new(),
            };
            session.run(member, &welcome, &mut reader, &mut writer).await
        }
        Err(farewell) => farewell,
    };
    let saying = Box::pin(farewell.say(&mut reader, &mut writer, serializer));
    tokio::select! {
        // Whoever does not take the last words in time is left without them.
        _ = timeout(router.limits.closing, saying) => {}
        () = router.closed.cancelled() => {}
    }
}

impl Farewell {
    /// Sends the last words and waits for the peer to close.
    async fn say<R: Reader, W: Writer>(
        self,
        reader: &mut R,
        writer: &mut W,
        serializer: Serializer,
    ) {
        let Some(close) = self.close else { return };
        if let Some(bytes) = self.message.and_then(|message| message.bytes(serializer))
            && writer.feed(bytes).await.is_err()
        {
            return;
        }
        if writer.close(close).await.is_ok() {
            // Unread input at the close would reset the connection under the last words. What
            // the peer does wrong now does not matter any more.
            while !matches!(
                reader.receive().await,
                Ok(Received::Closed) | Err(TransportError::Gone(_))
            ) {}
        }
    }
}

/// A joined session.
struct Connection<'a> {
    router: &'a Inner,
    session: u64,
    serializer: Serializer,
    answers_pings: bool,
    commands: mpsc::Sender<Command>,
    gate: Gate,
    activity: Activity,
}

impl Connection<'_> {
    /// Joins the realm and serves the session until it ends.
    async fn run<R: Reader, W: Writer>(
        self,
        member: Member,
        welcome: &Message,
        reader: &mut R,
        writer: &mut W,
    ) -> Farewell {
        let limits = &self.router.limits;
        let (queue, outgoing) = queue(Bounds {
            messages: limits.queue,
            bytes: limits.queue_bytes,
            drop_events: limits.slow_subscriber == SlowSubscriber::Drop,
        });
        let overflowed = CancellationToken::new();
        let peer = Peer::Remote { queue, overflowed: overflowed.clone() };
        match join(&self.commands, member, peer).await {
            Ok(()) => {}
            Err(JoinRefused::Full) => {
                return Farewell::abort(uri::RESOURCE_EXHAUSTED, "the realm is full");
            }
            Err(JoinRefused::ShutDown) => {
                return Farewell::abort(uri::SYSTEM_SHUTDOWN, "the router is shutting down");
            }
        }
        let farewell = tokio::select! {
            farewell = self.read(reader, &outgoing) => farewell,
            farewell = self.write(writer, welcome, &outgoing) => farewell,
            farewell = self.activity.silence(limits.idle), if self.answers_pings => farewell,
            () = overflowed.cancelled() => Farewell::close(Close::TOO_SLOW),
            () = self.router.closed.cancelled() => Farewell::gone(),
        };
        let leave = Command::Leave { session: self.session };
        // A realm that has ended has let the session go already.
        drop(self.commands.send(leave).await);
        farewell
    }

    /// Reads until the connection ends or the peer does something wrong.
    async fn read<R: Reader>(&self, reader: &mut R, outgoing: &Waiting) -> Farewell {
        let limits = &self.router.limits;
        let mut throttle = Throttle::new(limits.messages_per_second, limits.bytes_per_second);
        loop {
            let received = reader.receive().await;
            self.activity.note();
            let bytes = match received {
                Ok(Received::Message(bytes)) => bytes,
                Ok(Received::Ping(ping)) => {
                    outgoing.answer(ping);
                    continue;
                }
                Ok(Received::Alive) => continue,
                // Some transports want to be closed from both sides.
                Ok(Received::Closed) => return Farewell::close(Close::NORMAL),
                Err(error) => return error.into(),
            };
            throttle.pass(bytes.len()).await;
            let message = match decode(self.serializer, &bytes) {
                Ok(message) => message,
                Err(violation) => return violation.into(),
            };
            if let Err(farewell) = self.handle(message).await {
                return farewell;
            }
        }
    }

    /// Hands a message to the realm, or says how to take leave.
    async fn handle(&self, message: Message) -> Result<(), Farewell> {
        let session = self.session;
        let closing = self.router.limits.closing;
        if !message.may_come_from(Sender::Client) {
            return Err(Violation::OutOfOrder(message.name()).into());
        }
        let command = match message {
            Message::Goodbye { .. } => {
                // The realm answers and closes the queue, which ends the writer.
                drop(self.commands.send(Command::Goodbye { session }).await);
                sleep(closing).await;
                return Err(Farewell::close(Close::NORMAL));
            }
            Message::Abort { .. } => return Err(Farewell::close(Close::NORMAL)),
            message => match self.gate.admit(&message).await {
                Ok(granted) => Command::Message { session, message, granted },
                Err(error) => {
                    let Some((kind, request)) = message.asked() else { return Ok(()) };
                    let message = Message::failure(kind, request, &error.uri, error.payload);
                    Command::Reply { session, message }
                }
            },
        };
        if self.commands.send(command).await.is_err() {
            // The realm shuts down: what it still has to say is in the queue.
            sleep(closing).await;
            return Err(Farewell::close(Close::GOING_AWAY));
        }
        Ok(())
    }

    /// Sends WELCOME and then what the realm queues, several messages per flush.
    async fn write<W: Writer>(
        &self,
        writer: &mut W,
        welcome: &Message,
        outgoing: &Waiting,
    ) -> Farewell {
        match self.write_all(writer, welcome, outgoing).await {
            Ok(()) => Farewell::close(Close::NORMAL),
            // What is left of the connection is of no use to anybody.
            Err(_) => Farewell::gone(),
        }
    }

    async fn write_all<W: Writer>(
        &self,
        writer: &mut W,
        welcome: &Message,
        outgoing: &Waiting,
    ) -> Result<(), TransportError> {
        wire::send(writer, self.serializer, welcome).await?;
        let period = self.router.limits.ping;
        let mut ping = interval_at(Instant::now() + period, period);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                next = outgoing.next() => match next {
                    Some(next) => self.feed(writer, next).await?,
                    None => return Ok(()),
                },
                _ = ping.tick(), if self.answers_pings => writer.ping().await?,
            }
            for _ in 1..BATCH {
                let Some(next) = outgoing.try_next() else { break };
                self.feed(writer, next).await?;
            }
            writer.flush().await?;
        }
    }

    async fn feed<W: Writer>(&self, writer: &mut W, next: Outgoing) -> Result<(), TransportError> {
        let message = match next {
            Outgoing::Message(message) => message,
            Outgoing::Pong(ping) => return writer.pong(ping).await,
        };
        if let Some(bytes) = message.bytes(self.serializer) {
            return writer.feed(bytes).await;
        }
        let command = Command::Undelivered { session: self.session, message };
        // A realm that has ended has nobody left to answer.
        drop(self.commands.send(command).await);
        Ok(())
    }
}
