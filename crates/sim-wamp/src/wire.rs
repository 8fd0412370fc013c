//! Single messages on a transport, as a handshake exchanges them.

use bytes::Bytes;

use crate::Serializer;
use crate::message::Message;
use crate::transport::{Reader, Received, TransportError, Writer};

/// Sends a message at once.
pub(crate) async fn send<W: Writer>(
    writer: &mut W,
    serializer: Serializer,
    message: &Message,
) -> Result<(), TransportError> {
    // The messages of a handshake have no payload, which alone can make writing impossible.
    if let Some(bytes) = message.bytes(serializer) {
        writer.feed(bytes).await?;
        writer.flush().await?;
    }
    Ok(())
}

/// Receives the bytes of the next message, and answers pings meanwhile; nothing at the end.
pub(crate) async fn receive<R: Reader, W: Writer>(
    reader: &mut R,
    writer: &mut W,
) -> Result<Option<Bytes>, TransportError> {
    loop {
        match reader.receive().await? {
            Received::Message(bytes) => return Ok(Some(bytes)),
            Received::Ping(ping) => {
                writer.pong(ping).await?;
                writer.flush().await?;
            }
            Received::Alive => {}
            Received::Closed => return Ok(None),
        }
    }
}
