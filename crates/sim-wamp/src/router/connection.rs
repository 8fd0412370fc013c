//! The task of one WebSocket: handshake, then reading and writing until either ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_util::sync::CancellationToken;

use super::handshake::{Candidate, Handshake};
use super::realm::{JoinRefused, Peer};
use super::{Command, Gate, Inner, join};
use crate::message::{Message, Violation, Welcome, decode};
use crate::{Limits, SessionInfo, uri};

/// How many messages are written between two flushes at most.
const BATCH: usize = 256;

/// The last words to a peer.
#[derive(Debug)]
pub(super) struct Farewell {
    message: Option<Message>,
    /// The code of the WebSocket's close frame, and its reason; nothing if the socket is broken.
    close: Option<(u16, &'static str)>,
}

impl Farewell {
    pub(super) fn abort(reason: &str, message: impl Into<String>) -> Self {
        let message = Message::Abort { message: message.into(), reason: reason.to_owned() };
        Self { message: Some(message), close: Some((1000, "")) }
    }

    pub(super) fn close(code: u16, reason: &'static str) -> Self {
        Self { message: None, close: Some((code, reason)) }
    }

    pub(super) fn gone() -> Self {
        Self { message: None, close: None }
    }
}

impl From<Violation> for Farewell {
    fn from(violation: Violation) -> Self {
        let code = if violation == Violation::Binary { 1003 } else { 1002 };
        let abort = Self::abort(uri::PROTOCOL_VIOLATION, violation.to_string());
        Self { close: Some((code, "protocol violation")), ..abort }
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
                return Farewell::close(1008, "no sign of life");
            }
            sleep(limit.saturating_sub(silent)).await;
        }
    }
}

/// Serves one socket to its end.
pub(super) async fn serve(router: Arc<Inner>, mut socket: WebSocket) {
    let activity = Activity::new();
    let handshake = Handshake { router: &router, socket: &mut socket, activity: &activity };
    let candidate = tokio::select! {
        candidate = timeout(router.limits.handshake, handshake.run()) => {
            candidate.unwrap_or_else(|_| {
                Err(Farewell::abort(uri::AUTHENTICATION_FAILED, "the handshake took too long"))
            })
        }
        () = router.closing.cancelled() => {
            Err(Farewell::abort(uri::SYSTEM_SHUTDOWN, "the router is shutting down"))
        }
    };
    let (mut sink, mut stream) = socket.split();
    let farewell = match candidate {
        Ok(candidate) => {
            let session = Connection::new(&router, candidate, &activity);
            session.run(&mut sink, &mut stream).await
        }
        Err(farewell) => farewell,
    };
    let closing = timeout(router.limits.closing, farewell.say(sink, stream));
    tokio::select! {
        // Whoever does not take the last words in time is left without them.
        _ = closing => {}
        () = router.closed.cancelled() => {}
    }
}

impl Farewell {
    /// Sends the last words and waits for the peer to close.
    async fn say(self, mut sink: SplitSink<WebSocket, Frame>, mut stream: SplitStream<WebSocket>) {
        let Some((code, reason)) = self.close else { return };
        if let Some(message) = self.message
            && sink.feed(Frame::Text(message.text())).await.is_err()
        {
            return;
        }
        let frame = CloseFrame { code, reason: reason.into() };
        if sink.send(Frame::Close(Some(frame))).await.is_ok() {
            // Unread input at the close would reset the connection under the last words.
            while let Some(Ok(_)) = stream.next().await {}
        }
    }
}

/// A joined session.
struct Connection<'a> {
    router: &'a Inner,
    info: Arc<SessionInfo>,
    commands: mpsc::Sender<Command>,
    gate: Gate,
    activity: &'a Activity,
}

impl<'a> Connection<'a> {
    fn new(router: &'a Inner, candidate: Candidate, activity: &'a Activity) -> Self {
        let Candidate { info, commands } = candidate;
        let gate = Gate::new(Arc::clone(&info), Some(Arc::clone(&router.authorizer)));
        Self { router, info, commands, gate, activity }
    }

    /// Joins the realm and serves the session until it ends.
    async fn run(
        self,
        sink: &mut SplitSink<WebSocket, Frame>,
        stream: &mut SplitStream<WebSocket>,
    ) -> Farewell {
        let limits = &self.router.limits;
        let (queue, outgoing) = mpsc::channel(limits.queue);
        let overflowed = CancellationToken::new();
        let peer = Peer::Remote { queue, overflowed: overflowed.clone() };
        match join(&self.commands, &self.info, peer, false).await {
            Ok(()) => {}
            Err(JoinRefused::Full) => {
                return Farewell::abort(uri::RESOURCE_EXHAUSTED, "the realm is full");
            }
            Err(JoinRefused::ShutDown) => {
                return Farewell::abort(uri::SYSTEM_SHUTDOWN, "the router is shutting down");
            }
        }
        let farewell = tokio::select! {
            farewell = self.read(stream) => farewell,
            farewell = self.write(sink, outgoing, limits) => farewell,
            farewell = self.activity.silence(limits.idle) => farewell,
            () = overflowed.cancelled() => Farewell::close(1008, "reading too slowly"),
            () = self.router.closed.cancelled() => Farewell::gone(),
        };
        let leave = Command::Leave { session: self.info.session };
        // A realm that has ended has let the session go already.
        drop(self.commands.send(leave).await);
        farewell
    }

    /// Reads until the socket ends or the peer does something wrong.
    async fn read(&self, stream: &mut SplitStream<WebSocket>) -> Farewell {
        let session = self.info.session;
        loop {
            let message =
                match receive(stream, self.router.limits.message_bytes, self.activity).await {
                    Ok(message) => message,
                    Err(farewell) => return farewell,
                };
            let command = match message {
                Message::Goodbye { .. } => {
                    // The realm answers and closes the queue, which ends the writer.
                    drop(self.commands.send(Command::Goodbye { session }).await);
                    sleep(self.router.limits.closing).await;
                    return Farewell::close(1000, "");
                }
                Message::Abort { .. } => return Farewell::close(1000, ""),
                message if may_come_from_client(&message) => {
                    match self.gate.admit(&message).await {
                        Ok(()) => Command::Message { session, message },
                        Err(error) => {
                            let Some((kind, request)) = message.asked() else { continue };
                            let (uri, payload) = (error.uri, error.payload);
                            let message = Message::Error { kind, request, uri, payload };
                            Command::Reply { session, message }
                        }
                    }
                }
                other => return Violation::OutOfOrder(other.name()).into(),
            };
            if self.commands.send(command).await.is_err() {
                // The realm shuts down: what it still has to say is in the queue.
                sleep(self.router.limits.closing).await;
                return Farewell::close(1001, "");
            }
        }
    }

    /// Sends WELCOME and then what the realm queues, several messages per flush.
    async fn write(
        &self,
        sink: &mut SplitSink<WebSocket, Frame>,
        mut outgoing: mpsc::Receiver<Message>,
        limits: &Limits,
    ) -> Farewell {
        if sink.send(Frame::Text(self.welcome().text())).await.is_err() {
            return Farewell::gone();
        }
        let mut ping = interval_at(Instant::now() + limits.ping, limits.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let first = tokio::select! {
                message = outgoing.recv() => match message {
                    Some(message) => Frame::Text(message.text()),
                    None => return Farewell::close(1000, ""),
                },
                _ = ping.tick() => Frame::Ping("ping".into()),
            };
            if sink.feed(first).await.is_err() {
                return Farewell::gone();
            }
            for _ in 1..BATCH {
                let Ok(message) = outgoing.try_recv() else { break };
                if sink.feed(Frame::Text(message.text())).await.is_err() {
                    return Farewell::gone();
                }
            }
            if sink.flush().await.is_err() {
                return Farewell::gone();
            }
        }
    }

    fn welcome(&self) -> Message {
        Message::Welcome(Box::new(Welcome {
            session: self.info.session,
            realm: (*self.info.realm).to_owned(),
            authid: (*self.info.authid).to_owned(),
            authrole: (*self.info.authrole).to_owned(),
            authmethod: (*self.info.authmethod).to_owned(),
            authprovider: (*self.info.authprovider).to_owned(),
        }))
    }
}

/// Receives the next WAMP message, or says how to take leave.
pub(super) async fn receive<S>(
    stream: &mut S,
    limit: usize,
    activity: &Activity,
) -> Result<Message, Farewell>
where
    S: Stream<Item = Result<Frame, axum::Error>> + Unpin,
{
    loop {
        let frame = match stream.next().await {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Err(broken(error)),
            None => return Err(Farewell::gone()),
        };
        activity.note();
        match frame {
            Frame::Text(text) if text.len() > limit => return Err(too_long()),
            Frame::Text(text) => return Ok(decode(&text)?),
            Frame::Binary(bytes) if bytes.len() > limit => return Err(too_long()),
            Frame::Binary(_) => return Err(Violation::Binary.into()),
            Frame::Ping(_) | Frame::Pong(_) => {}
            // The library has answered the close frame already.
            Frame::Close(_) => return Err(Farewell::gone()),
        }
    }
}

fn too_long() -> Farewell {
    Farewell::close(1009, "message too long")
}

/// Finds the close code for what the WebSocket library refused.
fn broken(error: axum::Error) -> Farewell {
    match error.into_inner().downcast_ref::<SocketError>() {
        Some(SocketError::Capacity(_)) => too_long(),
        Some(SocketError::Utf8(_)) => Farewell::close(1007, "text is not UTF-8"),
        Some(SocketError::Protocol(_)) => Farewell::close(1002, "broken frame"),
        _ => Farewell::gone(),
    }
}

/// Says whether a joined client may send this message to a router.
fn may_come_from_client(message: &Message) -> bool {
    match message {
        Message::Publish { .. }
        | Message::Subscribe { .. }
        | Message::Unsubscribe { .. }
        | Message::Call { .. }
        | Message::Register { .. }
        | Message::Unregister { .. }
        | Message::Yield { .. } => true,
        Message::Error { kind, .. } => *kind == crate::message::code::INVOCATION,
        _ => false,
    }
}
