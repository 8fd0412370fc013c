//! What a scenario prints: tables for people, one line of JSON for programs.

use serde_json::{Map, Value};

/// The figures of one scenario, in the order in which they are shown.
#[derive(Debug)]
pub struct Report {
    scenario: String,
    rows: Vec<Row>,
    figures: Vec<Figure>,
}

/// The figures of one part of a scenario that measures the same of several parts.
#[derive(Debug)]
pub(super) struct Row {
    /// What the names in the JSON line begin with.
    key: String,
    title: String,
    cells: Vec<(Column, f64)>,
}

/// What is measured of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// How the names in the JSON line end, with the unit.
    pub(super) key: &'static str,
    /// The head of the table's column, with the unit.
    pub(super) title: &'static str,
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
    pub(super) fn new(scenario: impl Into<String>) -> Self {
        Self { scenario: scenario.into(), rows: Vec::new(), figures: Vec::new() }
    }

    pub(super) fn add(&mut self, key: &'static str, title: &'static str, value: f64) {
        self.figures.push(Figure { key, title, value });
    }

    pub(super) fn add_row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The figures as tables in Markdown.
    #[must_use]
    pub fn table(&self) -> String {
        let mut parts = Vec::new();
        if !self.rows.is_empty() {
            parts.push(self.wide_table());
        }
        if !self.figures.is_empty() {
            let mut table = format!("| {} | |\n|---|---|\n", self.scenario);
            for figure in &self.figures {
                table.push_str(&format!("| {} | {} |\n", figure.title, shown(figure.value)));
            }
            parts.push(table);
        }
        parts.join("\n")
    }

    /// One line per part; what was not measured of it stays empty.
    fn wide_table(&self) -> String {
        let mut columns: Vec<Column> = Vec::new();
        for (column, _) in self.rows.iter().flat_map(|row| &row.cells) {
            if !columns.contains(column) {
                columns.push(*column);
            }
        }
        let heads = columns.iter().map(|column| column.title.to_owned());
        let mut table = line(&self.scenario, heads);
        table.push_str(&line("---", columns.iter().map(|_| "---".to_owned())).replace(' ', ""));
        for row in &self.rows {
            let cell = |column: &Column| row.cell(*column).map(shown).unwrap_or_default();
            table.push_str(&line(&row.title, columns.iter().map(cell)));
        }
        table
    }

    /// The figures as one line of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let mut line = Map::new();
        line.insert("scenario".to_owned(), self.scenario.as_str().into());
        for row in &self.rows {
            for (column, value) in &row.cells {
                line.insert(format!("{}_{}", row.key, column.key), (*value).into());
            }
        }
        for figure in &self.figures {
            line.insert(figure.key.to_owned(), figure.value.into());
        }
        Value::Object(line).to_string()
    }
}

impl Row {
    pub(super) fn new(key: impl Into<String>, title: impl Into<String>) -> Self {
        Self { key: key.into(), title: title.into(), cells: Vec::new() }
    }

    pub(super) fn add(&mut self, column: Column, value: f64) {
        self.cells.push((column, value));
    }

    fn cell(&self, column: Column) -> Option<f64> {
        self.cells.iter().find(|(found, _)| *found == column).map(|(_, value)| *value)
    }
}

fn line(first: &str, rest: impl Iterator<Item = String>) -> String {
    let rest: Vec<String> = rest.collect();
    format!("| {first} | {} |\n", rest.join(" | "))
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

    #[test]
    fn parts_that_are_measured_alike_share_a_table() {
        const RATE: Column = Column { key: "per_s", title: "per second" };
        const P99: Column = Column { key: "p99_ms", title: "p99, ms" };
        let mut report = Report::new("rest");
        let mut row = Row::new("creates", "single creations");
        row.add(RATE, 2500.0);
        row.add(P99, 6.5);
        report.add_row(row);
        let mut row = Row::new("export", "rows exported");
        row.add(RATE, 200_000.0);
        report.add_row(row);
        let table = "| rest | per second | p99, ms |\n|---|---|---|\n\
                     | single creations | 2500 | 6.50 |\n| rows exported | 200000 |  |\n";
        assert_eq!(report.table(), table);
        assert_eq!(
            report.json(),
            r#"{"scenario":"rest","creates_per_s":2500.0,"creates_p99_ms":6.5,"export_per_s":200000.0}"#
        );
    }
}
