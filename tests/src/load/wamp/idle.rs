//! The scenario `idle`: what a session costs that does nothing.

use anyhow::{Context, Result, ensure};
use clap::Args;
use tokio::task::JoinSet;

use super::super::Report;
use super::super::files::allow_files;
use super::super::memory::settled;
use super::router::{Router, RouterOptions};
use super::session::Session;

/// Options of the scenario `idle`.
#[derive(Debug, Args)]
pub struct IdleOptions {
    #[command(flatten)]
    router: RouterOptions,
    /// How many sessions are measured; a router that has served as many before may still have the
    /// memory, so let it be a fresh one
    #[arg(long, default_value_t = 2_000)]
    sessions: usize,
    /// How many sessions join before, so that what the first ones cost is left out
    #[arg(long, default_value_t = 100)]
    before: usize,
}

/// Runs the scenario.
///
/// # Errors
/// When the router fails, ends a session, or its memory does not settle.
pub async fn idle(options: &IdleOptions) -> Result<Report> {
    ensure!(options.sessions > 0, "there must be a session to measure");
    // Our router is started later and inherits the limit.
    allow_files(options.before + options.sessions, "--sessions")?;
    let router = options.router.open().await?;
    ensure!(!router.pids.is_empty(), "memory is read from processes, name them with `--pid`");
    let mut tasks = JoinSet::new();
    join_idle(&router, options.before, &mut tasks).await?;
    let before = settled(|| router.rss_bytes()).await?;
    join_idle(&router, options.sessions, &mut tasks).await?;
    let after = settled(|| router.rss_bytes()).await?;
    if let Some(ended) = tasks.try_join_next() {
        ended?.context("an idle session ended")?;
    }
    let mut report = Report::new("idle");
    report.add("sessions", "idle sessions", options.sessions as f64);
    report.add("rss_before_mb", "RSS of the router before, MB", before / 1e6);
    report.add("rss_after_mb", "RSS of the router with them, MB", after / 1e6);
    let each = (after - before) / options.sessions as f64 / 1e3;
    report.add("session_kb", "memory per idle session, KB", each);
    Ok(report)
}

async fn join_idle(router: &Router, count: usize, tasks: &mut JoinSet<Result<()>>) -> Result<()> {
    for session in Session::join_many(router, count).await? {
        tasks.spawn(session.idle());
    }
    Ok(())
}
