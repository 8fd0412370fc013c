//! The service is killed, stopped or copied in the middle of everything; what it acknowledged is there
//! afterwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use black_box::{
    Answer, Binaries, DEADLINE, Div, Environment, Member, Rest, Service, Tables, run_to_end,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const PAIRS: usize = 8;
const KILLS: u64 = 4;
/// Acknowledged decisions before the kill, more in each round.
const BURST: u64 = 60;

/// The errors of a call that came too late.
const ENDING: [&str; 2] = ["wamp.error.unavailable", "wamp.error.canceled"];

/// What one player knows of one period: the operand that was acknowledged last, and the one that
/// was under way when the service died.
#[derive(Debug, Clone, Copy)]
struct Entry {
    period: u64,
    role: u64,
    acknowledged: Option<f64>,
    under_way: Option<f64>,
}

/// What happens to the service while everybody plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    /// In order, as SIGTERM asks for.
    Stopped,
}

/// A service with as many worlds as there are pairs.
async fn class() -> Result<(Div, Environment)> {
    let div = Div::start(&["--no-seed"]).await?;
    let seeded = div.seed(&["--worlds", &PAIRS.to_string()], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    let environment = div.environment("default").await?;
    Ok((div, environment))
}

#[tokio::test]
async fn whatever_was_acknowledged_is_there_after_an_orderly_stop() -> Result<()> {
    let (mut div, environment) = class().await?;
    let pairs = Pairs::begin(&div, &environment, 2 * BURST).await?;
    let entries = pairs.end(&mut div, End::Stopped).await?;
    div.restart().await?;
    check(&div, &environment, &entries).await?;
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    let period = div.periods(environment.worlds[0].scenario).await?.last().context("no period")?.0;
    s1.play(period, 1).await
}

#[tokio::test]
async fn a_copy_of_a_service_that_is_played_holds_what_was_acknowledged_before() -> Result<()> {
    let (mut div, environment) = class().await?;
    let pairs = Pairs::begin(&div, &environment, 2 * BURST).await?;
    let dir = tempfile::tempdir()?;
    let copy = dir.path().join("div.sqlite3");
    let program = &Binaries::get()?.service;
    let data = div.service.dir().to_owned();
    let args = ["backup".as_ref(), copy.as_os_str(), "--data-dir".as_ref(), data.as_os_str()];
    let copied = run_to_end(program, &args, "").await?;
    assert_eq!(copied.code, Some(0), "{}", copied.stderr);
    assert!(copied.stdout.contains("up to change"), "{}", copied.stdout);
    let again = run_to_end(program, &args, "").await?;
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("it exists already, choose another file"), "{}", again.stderr);
    pairs.end(&mut div, End::Killed).await?;

    let restored = Div::on(Service::start_in(program, dir, &["--no-seed"]).await?)?;
    let tables = Tables::read(&restored.rest, environment.run).await?;
    tables.check(environment.roles["Dividend"], environment.roles["Divisor"])?;
    let decisions: usize = tables.periods.values().map(|period| period.operands.len()).sum();
    // Each decision is acknowledged three times, before the next one is made.
    let least = usize::try_from(2 * BURST)? / 3;
    assert!(decisions >= least, "{decisions} decisions, not {least}");
    Ok(())
}

#[tokio::test]
async fn whatever_was_acknowledged_is_there_after_a_kill() -> Result<()> {
    let (mut div, environment) = class().await?;
    let mut entries = Vec::new();
    for kill in 1..=KILLS {
        let pairs = Pairs::begin(&div, &environment, kill * BURST).await?;
        entries.extend(pairs.end(&mut div, End::Killed).await?);
        div.restart().await?;
        check(&div, &environment, &entries).await?;
    }
    // Whoever comes back plays on.
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    s1.play(environment.worlds[0].period, 1).await
}

/// Pairs that play, round after round.
struct Pairs {
    tasks: JoinSet<Result<Vec<Entry>>>,
    acknowledged: mpsc::Receiver<()>,
}

impl Pairs {
    /// Lets all pairs play, and waits until so many decisions are acknowledged.
    async fn begin(div: &Div, environment: &Environment, count: u64) -> Result<Self> {
        let mut ready = Vec::new();
        for (world, pks) in environment.worlds.iter().enumerate() {
            let mut members = Vec::new();
            for number in [2 * world + 1, 2 * world + 2] {
                let mut member = div.member(environment, &format!("s{number}@div.edu")).await?;
                member.follow(&format!("world.{}", pks.world)).await?;
                members.push(member);
            }
            let period = div.periods(pks.scenario).await?.last().context("no period")?.0;
            ready.push((members, period));
        }
        let (sender, mut acknowledged) = mpsc::channel(100_000);
        let mut tasks = JoinSet::new();
        for (members, period) in ready {
            tasks.spawn(play_until_the_end(members, period, sender.clone()));
        }
        for _ in 0..count {
            acknowledged.recv().await.context("the pairs stopped playing")?;
        }
        Ok(Self { tasks, acknowledged })
    }

    /// Ends the service, and gives what each pair knows.
    async fn end(mut self, div: &mut Div, how: End) -> Result<Vec<Entry>> {
        match how {
            End::Killed => div.service.kill9().await?,
            End::Stopped => assert_eq!(div.service.sigterm().await?, Some(0)),
        }
        // What was acknowledged but not yet counted must not block anybody.
        while self.acknowledged.recv().await.is_some() {}
        let mut entries = Vec::new();
        while let Some(pair) = self.tasks.join_next().await {
            entries.extend(pair??);
        }
        Ok(entries)
    }
}

/// One pair plays round after round, submitting each decision three times, until the end.
async fn play_until_the_end(
    mut members: Vec<Member>,
    mut period: u64,
    acknowledged: mpsc::Sender<()>,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut operand = 0.0;
    loop {
        for member in &members {
            let role = member.role.context("a player without role")?;
            entries.push(Entry { period, role, acknowledged: None, under_way: None });
        }
        for _ in 0..3 {
            operand += 1.0;
            let [dividend, divisor] = &mut members[..] else { unreachable!("a pair is two") };
            let at = entries.len() - 2;
            for entry in &mut entries[at..] {
                entry.under_way = Some(operand);
            }
            let answers =
                tokio::join!(dividend.submit(period, operand), divisor.submit(period, operand));
            for (entry, answer) in entries[at..].iter_mut().zip([answers.0, answers.1]) {
                // The connection ends with the service; the decision may be stored or not.
                let Ok(answer) = answer else { continue };
                // A service that stops says so to whoever still asks.
                if matches!(&answer, Answer::Error { uri, .. } if ENDING.contains(&&**uri)) {
                    continue;
                }
                ensure!(answer == ok(), "answered with {answer:?}");
                entry.acknowledged = entry.under_way.take();
                acknowledged.send(()).await.ok();
            }
            if entries[at..].iter().any(|entry| entry.under_way.is_some()) {
                return Ok(entries);
            }
        }
        match next_period(&mut members[0]).await {
            Some(next) => period = next,
            None => return Ok(entries),
        }
    }
}

/// Waits for the period that the pair's round opened; nothing when the service is gone.
async fn next_period(member: &mut Member) -> Option<u64> {
    loop {
        let event = member.wamp.next_event().await.ok()?;
        if (event.action(), event.resource()) == ("add_child", "period") {
            return event.object()["id"].as_u64();
        }
    }
}

fn ok() -> Answer {
    Answer::Result { args: vec!["ok".into()], kwargs: serde_json::Value::Null }
}

async fn check(div: &Div, environment: &Environment, entries: &[Entry]) -> Result<()> {
    let tables = Tables::read(&div.rest, environment.run).await?;
    tables.check(environment.roles["Dividend"], environment.roles["Divisor"])?;

    // A later burst goes on in the period in which an earlier one was cut off, so a decision may
    // be what either of them left; the latest acknowledgement overrules all before it.
    let mut known: BTreeMap<(u64, u64), (bool, Vec<f64>)> = BTreeMap::new();
    for entry in entries {
        let (must_be_there, operands) = known.entry((entry.period, entry.role)).or_default();
        if let Some(operand) = entry.acknowledged {
            *must_be_there = true;
            *operands = vec![operand];
        }
        operands.extend(entry.under_way);
    }
    for ((period, role), (must_be_there, operands)) in known {
        let row =
            tables.periods.get(&period).with_context(|| format!("period {period} is gone"))?;
        match row.operands.get(&role) {
            Some(operand) => ensure!(operands.contains(operand), "{operand}, not {operands:?}"),
            None => ensure!(!must_be_there, "role {role} lost its decision in period {period}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_default_environment_that_was_cut_off_is_completed() -> Result<()> {
    let program = &Binaries::get()?.service;
    for users in 1..=5 {
        let dir = tempfile::tempdir()?;
        tokio::time::timeout(DEADLINE, kill_at(program, dir.path(), users)).await??;
        let div = Div::on(Service::start_in(program, dir, &[]).await?)?;
        let environment = div.environment("default").await?;
        assert_eq!(environment.worlds.len(), 2, "killed at {users} users");
        for email in ["leader@div.edu", "s1@div.edu", "s2@div.edu", "s3@div.edu", "s4@div.edu"] {
            div.login(email).await.with_context(|| format!("killed at {users} users"))?;
        }
        assert_eq!(div.rest.list("runusers/").await?.len(), 5, "killed at {users} users");
        assert_eq!(div.rest.list("periods/").await?.len(), 2, "killed at {users} users");
    }
    Ok(())
}

/// Starts the service on an empty directory and kills it as soon as it has so many users.
async fn kill_at(program: &Path, dir: &Path, users: usize) -> Result<()> {
    let mut child = Command::new(program)
        .args(["--bind", "127.0.0.1:0", "--games-bind", "127.0.0.1:0", "--data-dir"])
        .arg(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("it is piped")?).lines();
    let line = lines.next_line().await?.context("the service ended")?;
    let url = line.strip_prefix("listening on ").context("no address")?;
    let rest = Rest::staff(url)?;
    while rest.list("users/").await?.len() < users {}
    child.kill().await?;
    Ok(())
}
