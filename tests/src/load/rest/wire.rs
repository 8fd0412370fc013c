//! An HTTP client that costs little: one connection, one buffer each way, nothing parsed twice.

use std::io::Write as _;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::{Chunks, Head};
use crate::rest::STAFF;

/// Bytes that are asked for at once.
const READ: usize = 64 * 1024;

/// Where requests go, and what all of them carry.
#[derive(Debug, Clone)]
pub(super) struct Target {
    authority: String,
    base: String,
    /// The header lines that are always the same.
    common: String,
}

impl Target {
    /// The service with this base URL, as its staff account.
    pub(super) fn staff(api_url: &str) -> Result<Self> {
        let rest = api_url.strip_prefix("http://").context("not an `http` address")?;
        let (authority, path) = rest.split_once('/').context("an address without path")?;
        let login = BASE64_STANDARD.encode(format!("{}:{}", STAFF.0, STAFF.1));
        let common = format!("host: {authority}\r\nauthorization: Basic {login}\r\n");
        Ok(Self { authority: authority.to_owned(), base: format!("/{path}"), common })
    }
}

/// One keep-alive connection.
#[derive(Debug)]
pub(super) struct Wire {
    target: Target,
    stream: TcpStream,
    output: Vec<u8>,
    input: Vec<u8>,
}

/// An answer, as long as the next request is not made.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Reply<'_> {
    /// Fails unless the answer has this status.
    pub(super) fn expect(&self, status: u16) -> Result<()> {
        if self.status != status {
            let said = String::from_utf8_lossy(&self.body[..self.body.len().min(500)]);
            bail!("expected the status {status}, got {}: {said}", self.status);
        }
        Ok(())
    }
}

impl Wire {
    pub(super) async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(&target.authority)
            .await
            .with_context(|| format!("connecting to `{}`", target.authority))?;
        stream.set_nodelay(true)?;
        let (output, input) = (Vec::new(), Vec::with_capacity(READ));
        Ok(Self { target: target.clone(), stream, output, input })
    }

    /// Sends a request and reads its whole answer; `path` is relative to the API's base.
    pub(super) async fn call(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Reply<'_>> {
        self.send(method, path, body).await?;
        let (status, length) = self.head().await?;
        let length = length.context("an answer in chunks where none was expected")?;
        while self.input.len() < length {
            self.read().await?;
        }
        ensure!(self.input.len() == length, "more was answered than asked for");
        Ok(Reply { status, body: &self.input })
    }

    /// Sends a GET and hands its answer's body over piece by piece; returns the status.
    pub(super) async fn stream(&mut self, path: &str, mut sink: impl FnMut(&[u8])) -> Result<u16> {
        self.send("GET", path, b"").await?;
        let (status, length) = self.head().await?;
        if let Some(mut left) = length {
            loop {
                left = left.checked_sub(self.input.len()).context("too much was answered")?;
                sink(&self.input);
                self.input.clear();
                if left == 0 {
                    return Ok(status);
                }
                self.read().await?;
            }
        }
        let mut chunks = Chunks::default();
        while !chunks.take(&mut self.input, &mut sink)? {
            self.read().await?;
        }
        Ok(status)
    }

    /// Creates something and reads what became of it.
    pub(super) async fn create<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &Value,
    ) -> Result<T> {
        let body = body.to_string();
        let reply = self.call("POST", path, body.as_bytes()).await?;
        reply.expect(201).with_context(|| format!("POST {path}"))?;
        serde_json::from_slice(reply.body).with_context(|| format!("reading POST {path}"))
    }

    async fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<()> {
        self.input.clear();
        self.output.clear();
        let Target { base, common, .. } = &self.target;
        write!(self.output, "{method} {base}{path} HTTP/1.1\r\n{common}")?;
        if method != "GET" {
            let length = body.len();
            write!(self.output, "content-type: application/json\r\ncontent-length: {length}\r\n")?;
        }
        self.output.extend_from_slice(b"\r\n");
        self.output.extend_from_slice(body);
        self.stream.write_all(&self.output).await.context("sending a request")
    }

    /// Reads up to the answer's body: the status, and the body's length unless it is in chunks.
    async fn head(&mut self) -> Result<(u16, Option<usize>)> {
        loop {
            self.read().await?;
            if let Some((head, body)) = Head::find(&self.input)? {
                let status = head.subject().parse().context("an answer without status")?;
                let length = head.content_length()?;
                self.input.drain(..body);
                return Ok((status, length));
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        self.input.reserve(READ);
        let count = self.stream.read_buf(&mut self.input).await.context("reading an answer")?;
        ensure!(count > 0, "the service closed the connection");
        Ok(())
    }
}
