//! The scenario `rpc`: calls to a callee in the router's process and to one on another socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use tokio::task::JoinSet;

use super::super::Report;
use super::super::measure::Samples;
use super::super::meter::{Meter, add_latency};
use super::super::report::Row;
use super::router::{Router, RouterOptions};
use super::session::Session;
use super::{GRACE, callee};

/// A part with one caller makes so many times fewer calls.
const ALONE: usize = 10;

/// Steps through the procedures so that neighbors are not called one after the other.
const STRIDE: usize = 48_271;

/// Options of the scenario `rpc`.
#[derive(Debug, Args)]
pub struct RpcOptions {
    #[command(flatten)]
    router: RouterOptions,
    /// How many callers call at the same time, each one call after the other
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// How many calls each part makes at most; a tenth of it with one caller
    #[arg(long, default_value_t = 200_000)]
    count: usize,
    /// How long each part lasts at most, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// A procedure of the router's own process that returns its arguments; ours has one
    #[arg(long)]
    procedure: Option<String>,
    /// How many registrations the realm has in the parts that compare
    #[arg(long, value_delimiter = ',', default_value = "10,100000")]
    registrations: Vec<usize>,
    /// How many registrations one session may have
    #[arg(long, default_value_t = 10_000)]
    per_session: usize,
}

/// A part: who calls what.
struct Part {
    key: String,
    title: String,
    callers: usize,
    procedures: Vec<String>,
}

/// Runs the scenario.
///
/// # Errors
/// When the router fails, or a call is not answered with its arguments.
pub async fn rpc(options: &RpcOptions) -> Result<Report> {
    let sizes = &options.registrations;
    ensure!(options.callers > 0 && !sizes.contains(&0), "callers and registrations must not be 0");
    let router = options.router.open().await?;
    let mut report = Report::new("rpc");
    let ours = options.router.is_ours().then(|| "bench.echo".to_owned());
    if let Some(echo) = options.procedure.clone().or(ours) {
        for part in options.both("echo", "callee in process", &echo) {
            report.add_row(options.measure(&router, part, &mut JoinSet::new()).await?);
        }
    }
    let remote = "bench.remote".to_owned();
    let mut callee = callee::serve(&router, 1, std::slice::from_ref(&remote)).await?;
    for part in options.both("remote", "callee on a socket", &remote) {
        report.add_row(options.measure(&router, part, &mut callee).await?);
    }
    drop(callee);

    // As many callees for few registrations as for many, so that nothing else differs.
    let most = sizes.iter().max().copied().unwrap_or_default();
    let sessions = most.div_ceil(options.per_session.max(1));
    for count in sizes {
        let procedures = procedures(*count);
        let mut callees = callee::serve(&router, sessions, &procedures).await?;
        let part = Part {
            key: format!("registrations_{count}"),
            title: format!("{} callers, all of {count} registrations", options.callers),
            callers: options.callers,
            procedures,
        };
        report.add_row(options.measure(&router, part, &mut callees).await?);
    }
    Ok(report)
}

impl RpcOptions {
    /// A part with all callers, and one with a single caller.
    fn both(&self, key: &str, callee: &str, procedure: &str) -> [Part; 2] {
        let part = |name: &str, callers: usize, title: String| Part {
            key: format!("{key}_{name}"),
            title,
            callers,
            procedures: vec![procedure.to_owned()],
        };
        [
            part("many", self.callers, format!("{} callers, {callee}", self.callers)),
            part("one", 1, format!("1 caller, {callee}")),
        ]
    }

    async fn measure(
        &self,
        router: &Router,
        part: Part,
        callees: &mut JoinSet<Result<()>>,
    ) -> Result<Row> {
        let length = Duration::from_secs(self.seconds);
        let calls = if part.callers == 1 { self.count / ALONE } else { self.count };
        let share = calls.div_ceil(part.callers.max(1));
        let sessions = Session::join_many(router, part.callers).await?;
        let procedures: Arc<[String]> = part.procedures.into();
        let mut row = Row::new(part.key, part.title);

        let meter = Meter::start(&router.pids)?;
        let end = Instant::now() + length;
        let mut tasks = JoinSet::new();
        for (index, session) in sessions.into_iter().enumerate() {
            let first = index * STRIDE * share;
            tasks.spawn(call(session, Arc::clone(&procedures), first, share, end));
        }
        let mut latency = Samples::default();
        let mut sessions = Vec::new();
        let finish = async {
            while let Some(done) = tasks.join_next().await {
                let (session, samples) = done??;
                latency.extend(samples);
                sessions.push(session);
            }
            Ok::<_, anyhow::Error>(())
        };
        tokio::select! {
            in_time = tokio::time::timeout(length + GRACE, finish) => {
                in_time.context("some calls were never answered")??;
            }
            Some(ended) = callees.join_next() => {
                ended?.context("a callee ended")?;
            }
        }
        let used = meter.stop()?;
        ensure!(latency.len() > 0, "no call was made");
        used.add_rates(&mut row, latency.len() as f64);
        add_latency(&mut row, &mut latency);
        for session in sessions {
            session.leave().await?;
        }
        Ok(row)
    }
}

/// Calls so many times, or until the time is over, each time another of the procedures.
async fn call(
    mut session: Session,
    procedures: Arc<[String]>,
    first: usize,
    count: usize,
    end: Instant,
) -> Result<(Session, Samples)> {
    let mut samples = Samples::default();
    let mut begin = Instant::now();
    for step in 0..count {
        let index = first.wrapping_add(step * STRIDE) % procedures.len();
        session.call(&procedures[index]).await?;
        let now = Instant::now();
        samples.push(now - begin);
        begin = now;
        if now >= end {
            break;
        }
    }
    Ok((session, samples))
}

/// Other names for every count: the router may still know those of callees that have just gone.
fn procedures(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("bench.of_{count}.world.{number}.submit")).collect()
}
