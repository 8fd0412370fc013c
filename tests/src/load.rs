//! The load generator: scenarios that drive the service from outside and check what it stored.

mod decisions;
mod measure;
mod player;
mod startup;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};
use tempfile::TempDir;

pub use decisions::decisions;
pub use startup::startup;

/// What every scenario lets one choose.
#[derive(Debug, Args)]
pub struct Place {
    /// Where to put the database, so that the right disk is measured
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Place {
    fn data_dir(&self) -> std::io::Result<TempDir> {
        match &self.dir {
            Some(dir) => tempfile::tempdir_in(dir),
            None => tempfile::tempdir(),
        }
    }
}

/// Options of the scenario `decisions`.
#[derive(Debug, Args)]
pub struct DecisionsOptions {
    /// How many pairs play, each in a world of its own
    #[arg(long, default_value_t = 64)]
    pairs: usize,
    /// How many decisions the closed loop makes in all
    #[arg(long, default_value_t = 40_000)]
    count: usize,
    /// How long the open loop lasts, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Decisions per second in the open loop; half of what the closed loop reached unless given
    #[arg(long)]
    rate: Option<f64>,
    #[command(flatten)]
    place: Place,
}

/// Options of the scenario `startup`.
#[derive(Debug, Args)]
pub struct StartupOptions {
    /// How many runs the large database has
    #[arg(long, default_value_t = 200)]
    runs: usize,
    /// How many worlds each run has
    #[arg(long, default_value_t = 10)]
    worlds: usize,
    /// How often each start is measured
    #[arg(long, default_value_t = 5)]
    repeat: usize,
    #[command(flatten)]
    place: Place,
}

/// The figures of one scenario, in the order in which they are shown.
#[derive(Debug)]
pub struct Report {
    scenario: &'static str,
    figures: Vec<Figure>,
}

#[derive(Debug)]
struct Figure {
    /// The name in the JSON line, with its unit.
    key: &'static str,
    /// The name in the table, with its unit.
    title: &'static str,
    value: f64,
}

impl Report {
    fn new(scenario: &'static str) -> Self {
        Self { scenario, figures: Vec::new() }
    }

    fn add(&mut self, key: &'static str, title: &'static str, value: f64) {
        self.figures.push(Figure { key, title, value });
    }

    /// The figures as a table in Markdown.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = format!("| {} | |\n|---|---|\n", self.scenario);
        for figure in &self.figures {
            table.push_str(&format!("| {} | {} |\n", figure.title, shown(figure.value)));
        }
        table
    }

    /// The figures as one line of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let mut line = Map::new();
        line.insert("scenario".to_owned(), self.scenario.into());
        for figure in &self.figures {
            line.insert(figure.key.to_owned(), figure.value.into());
        }
        Value::Object(line).to_string()
    }
}

/// Three digits are all that repeats from one run to the next.
fn shown(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_table_and_a_line() {
        let mut report = Report::new("decisions");
        report.add("decisions_per_s", "decisions per second", 8123.4);
        report.add("ack_p50_ms", "ack p50, ms", 0.756);
        let table = "| decisions | |\n|---|---|\n| decisions per second | 8123 |\n\
                     | ack p50, ms | 0.76 |\n";
        assert_eq!(report.table(), table);
        assert_eq!(
            report.json(),
            r#"{"scenario":"decisions","decisions_per_s":8123.4,"ack_p50_ms":0.756}"#
        );
    }
}
