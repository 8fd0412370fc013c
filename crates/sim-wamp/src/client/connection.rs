//! The task that holds a client's connection.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::{ClientOptions, python};
use crate::message::{ErrorMessage, Message, Sender, Violation, code, decode};
use crate::session::Delivery;
use crate::transport::{Close, Reader, Received, TransportError, Writer};
use crate::{CallError, Serializer, uri, wire};

/// How many pings of the router wait for their answers; more are not answered.
const PONGS: usize = 4;

/// The task that holds the connection of a [`Client`](super::Client); dropping it says goodbye and
/// closes the connection.
#[derive(Debug)]
pub struct Connection {
    task: JoinHandle<()>,
    ended: CancellationToken,
}

impl Connection {
    pub(super) fn start<R: Reader, W: Writer>(
        (mut reader, mut writer): (R, W),
        (serializer, answers_pings): (Serializer, bool),
        outgoing: mpsc::Receiver<Message>,
        delivery: Delivery,
        ended: CancellationToken,
        options: ClientOptions,
    ) -> Self {
        let driver = Driver { serializer, answers_pings, delivery, options };
        let left = ended.clone();
        let task = tokio::spawn(async move {
            driver.run(&mut reader, &mut writer, outgoing, left).await;
        });
        Self { task, ended }
    }

    /// Sends what is queued, says goodbye, closes the connection and waits for all of that.
    pub async fn close(mut self) {
        self.ended.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "task of a WAMP client failed");
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

/// What the task works with.
struct Driver {
    serializer: Serializer,
    answers_pings: bool,
    delivery: Delivery,
    options: ClientOptions,
}

impl Driver {
    /// Holds the connection until either side ends the session.
    async fn run<R: Reader, W: Writer>(
        self,
        reader: &mut R,
        writer: &mut W,
        mut outgoing: mpsc::Receiver<Message>,
        ended: CancellationToken,
    ) {
        let (pings, pongs) = mpsc::channel(PONGS);
        let left = tokio::select! {
            () = self.read(reader, pings) => false,
            _ = self.write(writer, &mut outgoing, pongs) => false,
            () = ended.cancelled() => true,
        };
        let closing = async {
            if left {
                self.leave(reader, writer, &mut outgoing).await;
            }
            if writer.close(Close::NORMAL).await.is_ok() {
                while !matches!(
                    reader.receive().await,
                    Ok(Received::Closed) | Err(TransportError::Gone(_))
                ) {}
            }
        };
        // Who does not close in time is left alone.
        drop(timeout(self.options.patience, closing).await);
    }

    /// Delivers what the router sends until it says goodbye, breaks the protocol or is gone.
    async fn read<R: Reader>(&self, reader: &mut R, pings: mpsc::Sender<Bytes>) {
        loop {
            let received = async {
                match self.answers_pings {
                    true => timeout(self.options.idle, reader.receive()).await,
                    false => Ok(reader.receive().await),
                }
            };
            let bytes = match received.await {
                Ok(Ok(Received::Message(bytes))) => bytes,
                Ok(Ok(Received::Ping(ping))) => {
                    // A router that asks again before it is answered gets one answer.
                    drop(pings.try_send(ping));
                    continue;
                }
                Ok(Ok(Received::Alive)) => continue,
                Ok(Ok(Received::Closed) | Err(_)) | Err(_) => {
                    return self.delivery.end(uri::SESSION_ENDED);
                }
            };
            match self.decode(&bytes) {
                Ok(message @ (Message::Goodbye { .. } | Message::Abort { .. })) => {
                    return self.delivery.deliver(message).await;
                }
                Ok(message) if message.may_come_from(Sender::Router) => {
                    self.delivery.deliver(message).await;
                }
                Ok(message) => {
                    tracing::warn!(message = message.name(), "router sent what only clients send");
                    return self.delivery.end(uri::PROTOCOL_VIOLATION);
                }
                Err(violation) => {
                    tracing::warn!(%violation, "router broke the WAMP protocol");
                    return self.delivery.end(uri::PROTOCOL_VIOLATION);
                }
            }
        }
    }

    fn decode(&self, bytes: &Bytes) -> Result<Message, Violation> {
        decode(self.serializer, bytes).or_else(|violation| match self.serializer {
            Serializer::Json => match python::mended(bytes) {
                Some(mended) => decode(self.serializer, &mended),
                None => Err(violation),
            },
            _ => Err(violation),
        })
    }

    /// Sends what is queued, several messages per flush, until the connection breaks.
    async fn write<W: Writer>(
        &self,
        writer: &mut W,
        outgoing: &mut mpsc::Receiver<Message>,
        mut pongs: mpsc::Receiver<Bytes>,
    ) -> Result<(), TransportError> {
        let period = self.options.ping;
        let mut ping = interval_at(Instant::now() + period, period);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = outgoing.recv() => match message {
                    Some(message) => self.feed(writer, message).await?,
                    None => return Ok(()),
                },
                Some(bytes) = pongs.recv() => writer.pong(bytes).await?,
                _ = ping.tick(), if self.answers_pings => writer.ping().await?,
            }
            self.drain(writer, outgoing).await?;
        }
    }

    /// Sends what is queued by now.
    async fn drain<W: Writer>(
        &self,
        writer: &mut W,
        outgoing: &mut mpsc::Receiver<Message>,
    ) -> Result<(), TransportError> {
        while let Ok(message) = outgoing.try_recv() {
            self.feed(writer, message).await?;
        }
        writer.flush().await
    }

    async fn feed<W: Writer>(
        &self,
        writer: &mut W,
        message: Message,
    ) -> Result<(), TransportError> {
        if let Some(bytes) = message.bytes(self.serializer) {
            return writer.feed(bytes).await;
        }
        // Only a payload that comes from elsewhere can be of such a kind.
        let text = "the arguments hold values that this connection's serialization does not have";
        let error = CallError::new(uri::PAYLOAD_NOT_SUPPORTED, text);
        if let Some((kind, request)) = message.asked() {
            let CallError { uri, payload } = error;
            self.delivery.deliver(Message::failure(kind, request, &uri, payload)).await;
        } else if let Message::Yield { request, .. } = message {
            let (kind, uri, payload) = (code::INVOCATION, error.uri, error.payload);
            let error = ErrorMessage { kind, request, uri, payload, passthru: None };
            if let Some(bytes) = Message::Error(Box::new(error)).bytes(self.serializer) {
                writer.feed(bytes).await?;
            }
        }
        Ok(())
    }

    /// Sends the rest and a goodbye, and waits for the router's.
    async fn leave<R: Reader, W: Writer>(
        &self,
        reader: &mut R,
        writer: &mut W,
        outgoing: &mut mpsc::Receiver<Message>,
    ) {
        outgoing.close();
        let goodbye = Message::goodbye(uri::CLOSE_REALM);
        let said = match self.drain(writer, outgoing).await {
            Ok(()) => wire::send(writer, self.serializer, &goodbye).await,
            Err(error) => Err(error),
        };
        if said.is_err() {
            return;
        }
        while let Ok(received) = reader.receive().await {
            let Received::Message(bytes) = received else {
                if received == Received::Closed {
                    return;
                }
                continue;
            };
            if let Ok(Message::Goodbye { reason, .. }) = decode(self.serializer, &bytes) {
                return self.delivery.end(&reason);
            }
        }
    }
}
