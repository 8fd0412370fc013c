//! A WebSocket that costs little: one buffer each way, and texts that are looked at in place.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, lookup_host};

use super::frames::{self, CLOSE, PING, PONG, TEXT};
use crate::http::Head;

/// Bytes that are asked for at once.
const READ: usize = 16 * 1024;

/// The key of the handshake and the answer to it, those of RFC 6455.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Where a router, or a service with one, listens.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    address: SocketAddr,
    /// The request that opens a WebSocket there.
    request: String,
}

impl Endpoint {
    /// Looks the address of a URL up.
    pub(super) async fn find(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("ws://");
        let rest = rest.with_context(|| format!("`{url}` does not begin with `ws://`"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address = lookup_host(authority)
            .await
            .with_context(|| format!("looking up `{authority}`, which must be `HOST:PORT`"))?
            .next()
            .with_context(|| format!("`{authority}` has no address"))?;
        let request = format!(
            "GET /{path} HTTP/1.1\r\nhost: {authority}\r\nupgrade: websocket\r\n\
             connection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n\
             sec-websocket-protocol: wamp.2.json\r\n\r\n"
        );
        Ok(Self { address, request })
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    input: Vec<u8>,
    /// How much of the input was taken.
    taken: usize,
    output: Vec<u8>,
    /// How much of the output was written.
    written: usize,
    closed: bool,
}

impl Socket {
    /// Opens a WebSocket; `receive_buffer` is that of the system, which chooses unless it is given.
    pub(super) async fn open(endpoint: &Endpoint, receive_buffer: Option<u32>) -> Result<Self> {
        let address = endpoint.address;
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(size) = receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        socket.set_nodelay(true)?;
        let stream = socket.connect(address).await;
        let stream = stream.with_context(|| format!("connecting to `{address}`"))?;
        let (input, output) = (Vec::new(), endpoint.request.clone().into_bytes());
        let mut socket = Self { stream, input, taken: 0, output, written: 0, closed: false };
        socket.flush().await?;
        socket.handshake().await.context("opening the WebSocket")?;
        Ok(socket)
    }

    async fn handshake(&mut self) -> Result<()> {
        loop {
            ensure!(self.read().await?, "the router closed the connection");
            let Some((head, length)) = Head::find(&self.input)? else { continue };
            let status = head.subject();
            ensure!(status == "101", "the router answered with the status {status}");
            let accepted = head.header("sec-websocket-accept");
            ensure!(accepted == Some(ACCEPT), "the router accepted with the key {accepted:?}");
            let protocol = head.header("sec-websocket-protocol");
            ensure!(protocol == Some("wamp.2.json"), "the router chose the protocol {protocol:?}");
            self.taken = length;
            return Ok(());
        }
    }

    /// Puts a text behind what is to be written.
    pub(super) fn push(&mut self, text: &str) {
        frames::push(&mut self.output, TEXT, text.as_bytes());
    }

    /// Writes all that was pushed; continues where it was when it was canceled.
    pub(super) async fn flush(&mut self) -> Result<()> {
        while self.written < self.output.len() {
            let written = self.stream.write(&self.output[self.written..]).await;
            self.written += written.context("writing to the router")?;
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }

    /// Writes what was pushed and waits for the next text; nothing is lost when it is canceled.
    pub(super) async fn receive(&mut self) -> Result<&[u8]> {
        self.flush().await?;
        self.try_receive().await?.context("the router closed the connection")
    }

    /// Waits for the next text; nothing when the router has closed the connection.
    pub(super) async fn try_receive(&mut self) -> Result<Option<&[u8]>> {
        loop {
            if let Some(text) = self.take()? {
                return Ok(Some(&self.input[text]));
            }
            // What cannot be written: reading tells why.
            if self.flush().await.is_err() {
                self.output.clear();
                self.written = 0;
            }
            if self.closed || !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// The next text that has come already.
    pub(super) fn received(&mut self) -> Result<Option<&[u8]>> {
        let text = self.take()?;
        Ok(text.map(|text| &self.input[text]))
    }

    /// Says that this side is done and waits until the router is as well.
    pub(super) async fn close(mut self) -> Result<()> {
        if !self.closed {
            frames::push(&mut self.output, CLOSE, &1000_u16.to_be_bytes());
            self.closed = true;
        }
        // A router that has closed before does not read this any more.
        if self.flush().await.is_ok() {
            while self.read().await? {}
        }
        Ok(())
    }

    /// Takes the next text off the input and answers the control frames before it.
    fn take(&mut self) -> Result<Option<Range<usize>>> {
        while let Some(frame) = frames::find(&mut self.input, self.taken)? {
            self.taken = frame.payload.end;
            match frame.opcode {
                TEXT => return Ok(Some(frame.payload)),
                PING => frames::push(&mut self.output, PONG, &self.input[frame.payload]),
                PONG => {}
                CLOSE => {
                    frames::push(&mut self.output, CLOSE, &self.input[frame.payload]);
                    self.closed = true;
                    break;
                }
                other => bail!("the router sent a frame of the kind {other}"),
            }
        }
        Ok(None)
    }

    /// Reads more; false when the connection has ended.
    async fn read(&mut self) -> Result<bool> {
        self.input.drain(..self.taken);
        self.taken = 0;
        self.input.reserve(READ);
        match self.stream.read_buf(&mut self.input).await {
            Ok(count) => Ok(count > 0),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error).context("reading from the router"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_hdr_async;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

    use super::*;

    /// Pings, answers every text with itself, and closes at the text `close`.
    async fn serve(listener: TcpListener) {
        let (stream, _) = listener.accept().await.unwrap();
        #[allow(clippy::result_large_err, reason = "the signature is the library's")]
        let choose = |_: &Request, mut response: Response| {
            let protocol = "wamp.2.json".parse().unwrap();
            response.headers_mut().insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        let mut socket = accept_hdr_async(stream, choose).await.unwrap();
        socket.send(Message::Ping("are you there".into())).await.unwrap();
        let mut pongs = 0;
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Text(text) if text.as_str() == "close" => {
                    assert_eq!(pongs, 1);
                    socket.close(None).await.unwrap();
                }
                Message::Text(text) => socket.send(Message::Text(text)).await.unwrap(),
                Message::Pong(_) => pongs += 1,
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn a_server_of_others_understands_the_frames() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let server = tokio::spawn(serve(listener));
        let endpoint = Endpoint::find(&url).await.unwrap();
        let mut socket = Socket::open(&endpoint, None).await.unwrap();
        for length in [1, 200, 100_000] {
            let text = "x".repeat(length);
            socket.push(&text);
            assert_eq!(socket.receive().await.unwrap(), text.as_bytes());
        }
        socket.push("close");
        socket.flush().await.unwrap();
        assert_eq!(socket.try_receive().await.unwrap(), None);
        socket.close().await.unwrap();
        server.await.unwrap();
    }
}
