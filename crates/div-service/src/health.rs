//! Whether a service on this machine is well, asked as a supervisor asks it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the service may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most bytes of an answer that are read.
const LONGEST: u64 = 16 * 1024;

/// Asks `/readyz` of the service that listens at this address.
///
/// # Errors
/// When it does not answer, or says that it is not ready, and why.
pub(crate) async fn check(bind: SocketAddr) -> Result<()> {
    let address = reachable(bind);
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = "GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LONGEST).read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = timeout(PATIENCE, ask).await.unwrap_or_else(|elapsed| Err(elapsed.into()));
    let answer = answer.with_context(|| format!("the service at {address} does not answer"))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, reasons) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        Some("503") => bail!("{}", reasons.trim().replace('\n', "; ")),
        _ => bail!("what answers at {address} is no service of this kind"),
    }
}

/// Where this machine reaches a service that listens there.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind {
        SocketAddr::V4(it) if it.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(it) if it.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => bind.ip(),
    };
    SocketAddr::new(ip, bind.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_all_is_reached_at_this_machine_own() {
        let at = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(at("[::]:8080"), "[::1]:8080");
        assert_eq!(at("192.0.2.1:1"), "192.0.2.1:1");
    }
}
