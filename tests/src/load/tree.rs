//! The scenario `tree`: the leader reads a run with many worlds.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::classes::{bulk, start};
use super::measure::Samples;
use super::meter::{Meter, add_latency};
use super::pair::on_all;
use super::player::Player;
use super::report::Row;
use super::socket::Endpoint;
use super::{Place, Report};
use crate::binaries::Binaries;
use crate::div::{Div, Environment};

/// How long after its end a part may still wait for answers.
const GRACE: Duration = Duration::from_mins(1);

/// Options of the scenario `tree`.
#[derive(Debug, Args)]
pub struct TreeOptions {
    /// How many worlds the run has
    #[arg(long, default_value_t = 100)]
    worlds: usize,
    /// How many sessions of the leader read at the same time, one part for each number
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    callers: Vec<usize>,
    /// How many calls each part makes at most
    #[arg(long, default_value_t = 4_000)]
    count: usize,
    /// How long each part lasts at most, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[command(flatten)]
    place: Place,
}

/// A session of the leader and how long its calls took.
struct Reader {
    leader: Player,
    latency: Samples,
}

/// Runs the scenario.
///
/// # Errors
/// When the service fails, or a tree is not whole.
pub async fn tree(options: &TreeOptions) -> Result<Report> {
    ensure!(options.worlds > 0 && !options.callers.contains(&0), "nothing must be 0");
    let binaries = Binaries::beside_this_program()?;
    let dir = options.place.data_dir().context("making the data directory")?;
    let mut div = start(&binaries, dir, options.worlds, &[]).await?;
    let environment = div.environment("default").await?;
    play(&div, &environment).await?;
    // Read from the database at the start, not event by event.
    ensure!(div.service.sigterm().await? == Some(0), "the service did not stop in order");
    div.restart().await?;

    let uri = div.uri(&format!("run.{}.get_scope_tree", environment.run));
    let length = check(&div, &uri, options.worlds).await?;
    let mut report = Report::new("tree");
    for callers in &options.callers {
        report.add_row(options.measure(&div, &uri, *callers, length).await?);
    }
    report.add("worlds", "worlds", options.worlds as f64);
    report.add("answer_kb", "length of an answer, KB", length as f64 / 1e3);
    Ok(report)
}

/// Gives every world's first period two decisions and a result.
async fn play(div: &Div, environment: &Environment) -> Result<()> {
    let decisions = environment.worlds.iter().flat_map(|world| {
        environment.pair_of_roles().map(|role| {
            let data = json!({"operand": 7.0});
            json!({"period": world.period, "role": role, "name": "decision", "data": data})
        })
    });
    bulk(div, "decisions", decisions).await?;
    let results = environment
        .worlds
        .iter()
        .map(|world| json!({"period": world.period, "role": null, "name": "result", "data": {"quotient": 1.0}}));
    bulk(div, "results", results).await.map(|_| ())
}

/// Reads the tree once and counts what is in it; gives the length of the answer.
async fn check(div: &Div, uri: &str, worlds: usize) -> Result<usize> {
    let endpoint = Endpoint::find(&div.service.ws_url()).await?;
    let mut leader = Player::login(&endpoint, "leader@div.edu").await?;
    let text = leader.call(uri, <[u8]>::to_vec).await?;
    let answer: Value = serde_json::from_slice(&text).context("reading the tree")?;
    for (resource, each) in
        [("world", 1), ("scenario", 1), ("period", 1), ("decision", 2), ("result", 1)]
    {
        let (found, wanted) = (count(&answer[3][0], resource), each * worlds);
        ensure!(found == wanted, "{found} times `{resource}` in the tree instead of {wanted}");
    }
    Ok(text.len())
}

/// How often a resource is in a tree.
fn count(scope: &Value, resource: &str) -> usize {
    let children = scope["children"].as_array().into_iter().flatten();
    let below: usize = children.map(|child| count(child, resource)).sum();
    below + usize::from(scope["resource_name"] == resource)
}

impl TreeOptions {
    async fn measure(&self, div: &Div, uri: &str, callers: usize, length: usize) -> Result<Row> {
        let endpoint = Endpoint::find(&div.service.ws_url()).await?;
        let mut readers = Vec::new();
        for _ in 0..callers {
            let leader = Player::login(&endpoint, "leader@div.edu").await?;
            readers.push(Reader { leader, latency: Samples::default() });
        }
        let title = format!("get_scope_tree, {callers} at a time");
        let mut row = Row::new(format!("callers_{callers}"), title);
        let (share, time) = (self.count.div_ceil(callers), Duration::from_secs(self.seconds));
        let meter = Meter::start(&[div.service.pid().context("the service has ended")?])?;
        let end = Instant::now() + time;
        let reading = on_all(readers, |_, mut reader: Reader| {
            let uri = uri.to_owned();
            async move {
                reader.read(&uri, share, end, length).await?;
                Ok(reader)
            }
        });
        let in_time = tokio::time::timeout(time + GRACE, reading).await;
        let readers = in_time.context("some calls were never answered")??;
        let used = meter.stop()?;
        let mut latency = Samples::default();
        readers.into_iter().for_each(|reader| latency.extend(reader.latency));
        used.add_rates(&mut row, latency.len() as f64);
        used.add_each(&mut row, latency.len() as f64);
        add_latency(&mut row, &mut latency);
        Ok(row)
    }
}

impl Reader {
    async fn read(&mut self, uri: &str, count: usize, end: Instant, length: usize) -> Result<()> {
        // The number of the request is part of an answer, and may be longer than that of the first.
        let digits = 8;
        for _ in 0..count {
            let begin = Instant::now();
            let read = self.leader.call(uri, <[u8]>::len).await?;
            ensure!(read.abs_diff(length) < digits, "an answer of {read} bytes, not {length}");
            let now = Instant::now();
            self.latency.push(now - begin);
            if now >= end {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_levels_of_a_tree_are_counted() {
        let period = json!({"resource_name": "period", "children": []});
        let world = json!({"resource_name": "world", "children": [period, period]});
        let run = json!({"resource_name": "run", "children": [world]});
        assert_eq!(count(&run, "period"), 2);
        assert_eq!(count(&run, "run"), 1);
    }
}
