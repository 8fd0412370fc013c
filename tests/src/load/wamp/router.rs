//! The router that is measured: ours, started for it, or any other.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::super::measure::rss_bytes;
use super::super::socket::Endpoint;
use crate::process::Process;
use crate::program::clean_command;

/// Which router to measure, and as whom.
#[derive(Debug, Args)]
pub(super) struct RouterOptions {
    /// The router to measure, such as `ws://127.0.0.1:8080/ws`; ours is started unless it is given
    #[arg(long)]
    url: Option<String>,
    /// The realm to join
    #[arg(long, default_value = "realm1")]
    realm: String,
    /// Who logs in with a ticket, `{}` stands for the number of the session; anonymous unless given
    #[arg(long, requires = "url", requires = "ticket")]
    authid: Option<String>,
    /// The ticket, `{}` stands for the number of the session
    #[arg(long, requires = "authid")]
    ticket: Option<String>,
    /// The processes of the router whose CPU time and memory count, separated by commas
    #[arg(long, requires = "url", value_delimiter = ',')]
    pid: Vec<u32>,
}

/// A router that listens.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) endpoint: Endpoint,
    pub(super) realm: String,
    /// Name and ticket with a place for the number.
    login: Option<(String, String)>,
    pub(super) pids: Vec<u32>,
    joined: AtomicUsize,
    /// Ours, which ends with this value.
    _process: Option<Process>,
}

/// Who logs in with a ticket.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) authid: String,
    pub(super) ticket: String,
}

impl RouterOptions {
    /// Whether the router is ours.
    pub(super) fn is_ours(&self) -> bool {
        self.url.is_none()
    }

    /// Finds the router, or starts ours.
    pub(super) async fn open(&self) -> Result<Router> {
        let Some(url) = &self.url else { return self.start().await };
        Ok(Router {
            endpoint: Endpoint::find(url).await?,
            realm: self.realm.clone(),
            login: self.authid.clone().zip(self.ticket.clone()),
            pids: self.pid.clone(),
            joined: AtomicUsize::new(0),
            _process: None,
        })
    }

    async fn start(&self) -> Result<Router> {
        let program = std::env::current_exe().context("finding the running program")?;
        let dir = program.parent().context("a program lies in a directory")?;
        let name = format!("bench_router{}", std::env::consts::EXE_SUFFIX);
        let path = dir.join("examples").join(name);
        let build = "cargo build --release -p sim-wamp --example bench_router";
        ensure!(path.exists(), "`{}` is missing, run `{build}` first", path.display());
        let process = Process::launch(clean_command(Path::new(&path)), &["ready "]).await?;
        let lines = process.stdout.all();
        let url = lines.iter().find_map(|line| line.strip_prefix("ready "));
        Ok(Router {
            endpoint: Endpoint::find(url.context("no URL in the line `ready`")?).await?,
            realm: self.realm.clone(),
            login: Some(("user-{}".to_owned(), "ticket-{}".to_owned())),
            pids: vec![process.pid().context("the router has ended")?],
            joined: AtomicUsize::new(0),
            _process: Some(process),
        })
    }
}

impl Router {
    /// Who the next session logs in as; nothing when it is anonymous.
    pub(super) fn next_login(&self) -> Option<Login> {
        let number = (self.joined.fetch_add(1, Ordering::Relaxed) + 1).to_string();
        self.login.as_ref().map(|(authid, ticket)| Login {
            authid: authid.replace("{}", &number),
            ticket: ticket.replace("{}", &number),
        })
    }

    /// The memory of all its processes that is in RAM.
    pub(super) fn rss_bytes(&self) -> Result<f64> {
        self.pids.iter().map(|pid| rss_bytes(*pid)).sum()
    }
}
