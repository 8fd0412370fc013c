//! Runs the campaigns that are too long for every day, and tells what ran.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::dist::{self, DistArgs};
use crate::{cargo, fuzz};

/// A test that does more when the variable `SOAK` is set.
struct Campaign {
    package: &'static str,
    target: &'static str,
    test: &'static str,
    /// Whether what it tries lies in the test itself, so that optimization pays.
    release: bool,
}

/// A test of the black-box suite, which builds the programs that it tries itself.
const fn black_box(test: &'static str) -> Campaign {
    Campaign { package: "black-box", target: "it", test, release: false }
}

const CAMPAIGNS: [Campaign; 7] = [
    Campaign {
        package: "div-game",
        target: "histories",
        test: "trees_are_the_store_and_pages_are_the_trees",
        release: true,
    },
    black_box("rest_crash::bulk_writes_are_whole_or_absent_after_kills_on_sqlite"),
    black_box("rest_crash::bulk_writes_are_whole_or_absent_after_kills_on_postgres"),
    black_box("rest_crash::subscribers_hear_of_everything_in_order_across_kills_on_sqlite"),
    black_box("rest_crash::subscribers_hear_of_everything_in_order_across_kills_on_postgres"),
    black_box("openapi_fuzz::every_answer_is_one_that_the_document_knows_on_sqlite"),
    black_box("openapi_fuzz::every_answer_is_one_that_the_document_knows_on_postgres"),
];

/// What came of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// It passed; what it says of itself.
    Passed(String),
    /// It did not run, and why.
    Skipped(String),
    Failed,
}

/// One line of the table.
#[derive(Debug)]
struct Row {
    command: String,
    outcome: Outcome,
    seconds: f64,
}

/// Runs all campaigns, also after one has failed, and prints a table.
pub(crate) fn run() -> Result<()> {
    let mut rows = Vec::new();
    for wanted in &CAMPAIGNS {
        rows.push(campaign(wanted)?);
    }
    rows.push(own(&format!("fuzz --seconds {}", fuzz::SOAK_SECONDS), || {
        Ok(fuzz::all(fuzz::SOAK_SECONDS)?.join("; "))
    }));
    rows.push(own("dist --twice", || {
        dist::run(&DistArgs { twice: true })?;
        Ok("the second build gave the same binary".to_owned())
    }));
    println!("\n{}", table(&rows));
    let failed = rows.iter().filter(|row| row.outcome == Outcome::Failed).count();
    if failed > 0 {
        bail!("{failed} of {} campaigns failed", rows.len());
    }
    Ok(())
}

/// Runs one of our own commands, which says what it did.
fn own(name: &str, run: impl FnOnce() -> Result<String>) -> Row {
    let command = format!("cargo xtask {name}");
    println!("==> {command}");
    let start = Instant::now();
    let outcome = match run() {
        Ok(text) => Outcome::Passed(text),
        Err(error) => {
            println!("{error:#}");
            Outcome::Failed
        }
    };
    Row { command, outcome, seconds: start.elapsed().as_secs_f64() }
}

fn campaign(Campaign { package, target, test, release }: &Campaign) -> Result<Row> {
    let mut args = vec!["test", "-p", package, "--test", target];
    args.extend(release.then_some("--release"));
    args.extend(["--", "--exact", test, "--nocapture"]);
    let command = format!("SOAK=1 cargo {}", args.join(" "));
    println!("==> {command}");
    let start = Instant::now();
    let mut child = cargo::cargo()
        .args(&args)
        .env("SOAK", "1")
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("running `{command}`"))?;
    let stdout = child.stdout.take().context("the output is piped")?;
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("reading what the tests print")?;
        println!("{line}");
        lines.push(line);
    }
    let passed = child.wait().with_context(|| format!("running `{command}`"))?.success();
    Ok(Row { command, outcome: outcome(passed, &lines), seconds: start.elapsed().as_secs_f64() })
}

/// A campaign that neither ran nor said why it did not was not found, which is a failure.
fn outcome(passed: bool, lines: &[String]) -> Outcome {
    let said = |start: &str| {
        let mut found = lines.iter().filter_map(|line| line.split_once(start));
        found.next().map(|(_, text)| text.to_owned())
    };
    match (passed, said("campaign: "), said("skipped: ")) {
        (true, Some(text), _) => Outcome::Passed(text),
        (true, None, Some(reason)) => Outcome::Skipped(reason),
        _ => Outcome::Failed,
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = "| command | rounds | outcome | seconds |\n|---|---|---|---|\n".to_owned();
    for Row { command, outcome, seconds } in rows {
        let (rounds, told) = match outcome {
            Outcome::Passed(text) => (rounds(text), format!("passed: {text}")),
            Outcome::Skipped(reason) => ("0", format!("not run: {reason}")),
            Outcome::Failed => ("", "FAILED, see above".to_owned()),
        };
        table.push_str(&format!("| `{command}` | {rounds} | {told} | {seconds:.0} |\n"));
    }
    table
}

/// The number before the word `rounds`.
fn rounds(text: &str) -> &str {
    let before = text.split_once(" rounds").map_or("", |(before, _)| before);
    before.rsplit(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_campaign_says_what_it_did() {
        let said = lines("running 1 test\ntest x ... campaign: kills on sqlite: 50 rounds, all");
        let outcome = outcome(true, &said);
        assert_eq!(outcome, Outcome::Passed("kills on sqlite: 50 rounds, all".to_owned()));
        let row = Row { command: "c".to_owned(), outcome, seconds: 1.6 };
        let last = "| `c` | 50 | passed: kills on sqlite: 50 rounds, all | 2 |\n";
        assert!(table(&[row]).ends_with(last));
    }

    #[test]
    fn silence_is_a_failure() {
        assert_eq!(outcome(true, &lines("running 0 tests")), Outcome::Failed);
        assert_eq!(outcome(false, &lines("campaign: 50 rounds")), Outcome::Failed);
        let skipped = outcome(true, &lines("skipped: no server"));
        assert_eq!(skipped, Outcome::Skipped("no server".to_owned()));
    }
}
