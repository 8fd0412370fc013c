//! Certificates that are too old or too new: what the server says that has one, and its clients.

use std::fs;
use std::path::Path;

use anyhow::Result;
use black_box::{Binaries, Router, Service, run_to_end};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

/// A router with a certificate of these years, and its addresses.
struct Server {
    router: Router,
    _dir: TempDir,
}

impl Server {
    async fn start(years: (i32, i32)) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let router = Router::start(&configuration(dir.path(), years)?, &["wss://"]).await?;
        Ok(Self { router, _dir: dir })
    }

    fn wss(&self) -> String {
        self.router.urls()[0].to_owned()
    }

    fn https(&self) -> String {
        self.wss().replacen("wss://", "https://", 1).replacen("/ws", "", 1)
    }
}

/// A configuration with a certificate of these years.
fn configuration(dir: &Path, (from, until): (i32, i32)) -> Result<String> {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()])?;
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate()?;
    let [certificate, secret] = ["server.pem", "server.key"].map(|name| dir.join(name));
    fs::write(&certificate, params.self_signed(&key)?.pem())?;
    fs::write(&secret, key.serialize_pem())?;
    Ok(format!(
        "[[listen]]\ntransport = \"websocket\"\naddress = \"127.0.0.1:0\"\n\
         tls = {{ certificate = \"{}\", key = \"{}\" }}\n\
         [[realms]]\nname = \"realm1\"\nanonymous = \"guest\"\n\
         [[realms.roles]]\nname = \"guest\"\n",
        certificate.display(),
        secret.display()
    ))
}

const OLD: (i32, i32) = (2001, 2002);
const NEW: (i32, i32) = (3001, 3002);
const GOOD: (i32, i32) = (2001, 3001);

#[tokio::test]
async fn a_router_says_that_its_certificate_is_refused_and_starts() -> Result<()> {
    for (years, said) in [
        (
            OLD,
            Some("has expired (2002-01-01T00:00:00Z), clients refuse it: renew it and start again"),
        ),
        (
            NEW,
            Some(
                "is not valid yet (3001-01-01T00:00:00Z), clients refuse it: set this machine's clock",
            ),
        ),
        (GOOD, None),
    ] {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("router.toml");
        fs::write(&file, configuration(dir.path(), years)?)?;
        let args = ["--config".as_ref(), file.as_os_str(), "--check".as_ref()];
        let checked = run_to_end(Binaries::router()?, &args, "").await?;
        assert_eq!(checked.code, Some(0), "{checked:?}");
        let server = Server::start(years).await?;
        for log in [checked.stderr, server.router.said().join("\n")] {
            let lines: Vec<_> = log.lines().filter(|line| line.contains("certificate")).collect();
            match said {
                None => assert!(lines.is_empty(), "{lines:?}"),
                Some(said) => {
                    let [line] = lines[..] else { anyhow::bail!("not one line: {lines:?}") };
                    let is_right = line.contains("WARN") && line.contains(said);
                    assert!(is_right && line.contains("server.pem"), "{line}");
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn clients_say_whose_certificate_is_refused_and_why() -> Result<()> {
    for (years, problem) in [
        (OLD, "has expired: have it renewed, or set this machine's clock if that is wrong"),
        (NEW, "is not valid yet: set this machine's clock, or wait"),
    ] {
        let server = Server::start(years).await?;
        let (wss, https) = (server.wss(), server.https());
        let said = format!("the certificate of `{https}` {problem}");
        let games = format!("{https}/apis");

        let seed = run_to_end(&Binaries::get()?.seed, &["--games-url", &games], "").await?;
        assert!(seed.code == Some(1) && seed.stderr.contains(&said), "{seed:?}");
        assert_eq!(seed.stderr.lines().count(), 1, "{seed:?}");

        let bots = &Binaries::get()?.bots;
        let bots = run_to_end(bots, &["--games-url", &games], "").await?;
        assert!(bots.code == Some(1) && bots.stderr.contains(&said), "{bots:?}");
        assert_eq!(bots.stderr.lines().count(), 1, "{bots:?}");

        let mut service = Service::start(&["--games-url", &games]).await?;
        let line = service.logged(&said).await?;
        assert!(line.contains("WARN"), "{line}");

        let wamp = Binaries::wamp()?;
        let called = run_to_end(&wamp, &["--url", &wss, "call", "x.y"], "").await?;
        let said = format!("error: the certificate of `{wss}` {problem}");
        assert!(called.code == Some(1) && called.stderr.starts_with(&said), "{called:?}");
        assert_eq!(called.stderr.lines().count(), 1, "{called:?}");
    }
    Ok(())
}
