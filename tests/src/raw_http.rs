//! HTTP as bytes on a socket, for requests that no client library would send.

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::rest::STAFF;
use crate::service::DEADLINE;

/// A connection to the Games API.
#[derive(Debug)]
pub struct RawHttp {
    stream: TcpStream,
    host: String,
    read: Vec<u8>,
}

/// An answer as it stood on the wire.
#[derive(Debug)]
pub struct RawAnswer {
    /// The status code.
    pub status: u16,
    /// The headers, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl RawAnswer {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

impl RawHttp {
    /// Connects to the API at this base URL.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn connect(api_url: &str) -> Result<Self> {
        let rest = api_url.strip_prefix("http://").context("the URL is not `http://…`")?;
        let host = rest.split('/').next().unwrap_or_default().to_owned();
        let stream = TcpStream::connect(&host).await.with_context(|| format!("reaching {host}"))?;
        Ok(Self { stream, host, read: Vec::new() })
    }

    /// The head of a request of the staff account, such as `POST /apis/games/`, with these further
    /// header lines and the empty line that ends it.
    #[must_use]
    pub fn head(&self, line: &str, headers: &[&str]) -> String {
        let account = BASE64_STANDARD.encode(format!("{}:{}", STAFF.0, STAFF.1));
        let mut head =
            format!("{line} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {account}\r\n", self.host);
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head + "\r\n"
    }

    /// A whole request of the staff account with a JSON body.
    #[must_use]
    pub fn request(&self, line: &str, body: &[u8]) -> Vec<u8> {
        let length = format!("Content-Length: {}", body.len());
        let head = self.head(line, &["Content-Type: application/json", &length]);
        [head.as_bytes(), body].concat()
    }

    /// Sends bytes. A peer that has closed already is no error: its answer tells why.
    ///
    /// # Errors
    /// When the peer takes nothing for too long.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        let sent = timeout(DEADLINE, self.stream.write_all(bytes.as_ref())).await;
        sent.context("the peer does not read what is sent")?.ok();
        Ok(())
    }

    /// Reads the next answer.
    ///
    /// # Errors
    /// When none comes in time, or the connection ends before it is complete.
    pub async fn answer(&mut self) -> Result<RawAnswer> {
        let end = loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end;
            }
            ensure!(self.fill().await?, "closed without an answer");
        };
        let head = String::from_utf8_lossy(&self.read[..end]).into_owned();
        self.read.drain(..end + 4);
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let status = status.parse().with_context(|| format!("no status in `{head}`"))?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = RawAnswer { status, headers, body: String::new() };
        let length = match (status, answer.header("content-length")) {
            (204 | 304, _) => 0,
            (_, Some(length)) => length.parse().context("a length that is no number")?,
            _ => bail!("an answer without length: {head}"),
        };
        while self.read.len() < length {
            ensure!(self.fill().await?, "closed in the middle of an answer");
        }
        answer.body = String::from_utf8_lossy(&self.read[..length]).into_owned();
        self.read.drain(..length);
        Ok(answer)
    }

    /// Waits until the peer closes the connection, which must not end in a reset or more data.
    ///
    /// # Errors
    /// When it does not close it, or not in order.
    pub async fn closed(&mut self) -> Result<()> {
        let more = self.fill().await?;
        ensure!(!more && self.read.is_empty(), "more came: {:?}", self.read);
        Ok(())
    }

    /// Reads what comes next; false when the connection has ended in order.
    async fn fill(&mut self) -> Result<bool> {
        let mut buffer = vec![0; 16 * 1024];
        let read = timeout(DEADLINE, self.stream.read(&mut buffer)).await;
        let count = read.context("no answer in time")?.context("the connection broke")?;
        self.read.extend_from_slice(&buffer[..count]);
        Ok(count > 0)
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
