//! Routers of other processes, in which browsers meet a service: ours and Crossbar.io. Both are
//! configured by the files that the documentation tells people to take.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::router::Router;
use crate::skipped::skipped;
use crate::target::free_port;

/// Names the program of Crossbar.io. `.ci/run` installs one.
const VARIABLE: &str = "BLACK_BOX_CROSSBAR";

/// What the service logs in with.
const TICKET: &str = "a ticket for tests";

/// How long Crossbar.io may take to start, beside other tests.
const START: Duration = Duration::from_mins(2);

/// How many tests share one Crossbar.io, each with a realm of its own: it takes seconds to start.
const REALMS: usize = 100;

/// A router beside the service.
#[derive(Debug)]
pub enum Apart {
    /// `sim-router`.
    Ours(Box<Router>),
    /// A realm of Crossbar.io.
    Crossbar(Arc<Crossbar>, String),
}

impl Apart {
    /// Starts ours.
    ///
    /// # Errors
    /// When it cannot be built, or does not listen in time.
    pub async fn ours() -> Result<Self> {
        // It comes back on the same port.
        let config = fs::read_to_string(example("sim-router.toml"))?;
        let config =
            config.replace("0.0.0.0:8080", &format!("127.0.0.1:{}", free_port()?)).replace(
                "\nauthenticator_methods = [\"ticket\"]",
                "\nauthenticator_methods = [\"ticket\", \"wampcra\"]",
            );
        let files = [("service.ticket", TICKET)];
        let router = Router::start_with(&config, &files, &["ws"]).await?;
        Ok(Self::Ours(Box::new(router)))
    }

    /// Takes a realm of a Crossbar.io that runs, or starts one.
    pub(crate) async fn crossbar() -> Result<Self> {
        static RUNNING: tokio::sync::Mutex<Weak<Crossbar>> =
            tokio::sync::Mutex::const_new(Weak::new());
        let mut running = RUNNING.lock().await;
        let found = running.upgrade().and_then(|it| Some((it.next_realm()?, it)));
        let (realm, crossbar) = match found {
            Some(found) => found,
            None => {
                let started = Arc::new(Crossbar::start().await?);
                *running = Arc::downgrade(&started);
                (started.next_realm().context("it has realms")?, started)
            }
        };
        Ok(Self::Crossbar(crossbar, realm))
    }

    /// The router, if it is ours.
    pub(crate) fn router(&mut self) -> Result<&mut Router> {
        match self {
            Self::Ours(router) => Ok(router),
            Self::Crossbar(..) => bail!("it is a router of others"),
        }
    }

    /// The variables that tell a service of it.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let (url, realm) = match self {
            Self::Ours(router) => (router.urls()[0].to_owned(), "realm1"),
            Self::Crossbar(crossbar, realm) => (crossbar.url("service"), realm.as_str()),
        };
        vec![
            ("DIV_ROUTER", url),
            ("DIV_ROUTER_TICKET", TICKET.to_owned()),
            ("DIV_REALM", realm.to_owned()),
            ("MODEL_SERVICE_WS", self.address()),
        ]
    }

    /// Where browsers connect, with the realm behind a `#`.
    pub(crate) fn ws_url(&self) -> String {
        match self {
            Self::Ours(_) => self.address(),
            Self::Crossbar(_, realm) => format!("{}#{realm}", self.address()),
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Ours(router) => router.urls()[0].to_owned(),
            Self::Crossbar(crossbar, _) => crossbar.url("ws"),
        }
    }
}

/// Whether Crossbar.io is here; without it a test is skipped, and this has said so.
pub(crate) fn has_crossbar() -> Result<bool> {
    let is_here = program().is_some();
    if !is_here {
        let reason = format!(
            "`{VARIABLE}` does not name the program; install the file \
             `tests/python/requirements-crossbar.txt` into an environment of its own as `.ci/run` does"
        );
        skipped(VARIABLE, &reason)?;
    }
    Ok(is_here)
}

fn program() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docker/router").join(name)
}

/// A running Crossbar.io, which the tests of this process share.
#[derive(Debug)]
pub struct Crossbar {
    process: Child,
    port: u16,
    given: AtomicUsize,
    dir: TempDir,
}

impl Crossbar {
    async fn start() -> Result<Self> {
        let program = program().with_context(|| format!("`{VARIABLE}` is not set"))?;
        let port = free_port()?;
        let dir = tempfile::tempdir().context("making a directory for Crossbar.io")?;
        fs::write(dir.path().join("config.json"), config(port)?)?;
        // Tests come and go while it runs, so that none of them reads what it says.
        let log = File::create(dir.path().join("log"))?;
        let mut command = Command::new(program);
        command.args(["start", "--loglevel", "info", "--cbdir"]).arg(dir.path());
        command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log).process_group(0);
        let process = command.spawn().context("starting Crossbar.io")?;
        let mut crossbar = Self { process, port, given: AtomicUsize::new(0), dir };
        let started = tokio::time::timeout(START, crossbar.started()).await;
        match started {
            Ok(Ok(())) => Ok(crossbar),
            Ok(Err(error)) => bail!("{error:#}, its log:\n{}", crossbar.log()),
            Err(_) => bail!("Crossbar.io did not start in time, its log:\n{}", crossbar.log()),
        }
    }

    async fn started(&mut self) -> Result<()> {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        while !self.log().contains("NODE_BOOT_COMPLETE") {
            ensure!(self.process.try_wait()?.is_none(), "Crossbar.io has ended");
            look.tick().await;
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn next_realm(&self) -> Option<String> {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        (number < REALMS).then(|| realm(number))
    }

    fn url(&self, path: &str) -> String {
        format!("ws://127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Crossbar {
    fn drop(&mut self) {
        // Its workers are processes, too.
        let group = format!("kill -KILL -{}", self.process.id());
        Command::new("/bin/sh").args(["-c", &group]).status().ok();
        self.process.wait().ok();
    }
}

fn realm(number: usize) -> String {
    format!("realm{}", number + 1)
}

/// The documented file, on a port of our own, with many realms of the same kind.
fn config(port: u16) -> Result<String> {
    let mut config: Value = serde_json::from_str(&fs::read_to_string(example("crossbar.json"))?)?;
    let worker = &mut config["workers"][0];
    let one = worker["realms"][0].clone();
    let realms = (0..REALMS).map(|number| {
        let mut realm_of_test = one.clone();
        realm_of_test["name"] = json!(realm(number));
        realm_of_test
    });
    worker["realms"] = realms.collect();
    let transport = &mut worker["transports"][0];
    transport["endpoint"] = json!({"type": "tcp", "interface": "127.0.0.1", "port": port});
    let principals = &mut transport["paths"]["service"]["auth"]["ticket"]["principals"];
    principals["service"]["ticket"] = json!(TICKET);
    Ok(config.to_string())
}
