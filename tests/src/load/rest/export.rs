//! The part that exports: a run as rows, as lines and as a package, while the memory is watched.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::super::measure::{MIB, rss_bytes};
use super::super::meter::Meter;
use super::super::report::{Column, Row};
use super::wire::{Target, Wire};

/// How often the memory is looked at.
const EVERY: Duration = Duration::from_millis(10);

/// The formats, with the keys and titles of their figures.
pub(super) const FORMATS: [(&str, &str, &str); 3] = [
    ("csv", "export_csv", "rows exported as csv"),
    ("jsonl", "export_jsonl", "rows exported as jsonl"),
    ("zip", "export_zip", "rows exported as zip"),
];

const SIZE: Column = Column { key: "size_mib", title: "size, MiB" };
const BEFORE: Column = Column { key: "rss_before_mib", title: "RSS before, MiB" };
const PEAK: Column = Column { key: "rss_peak_mib", title: "RSS peak, MiB" };
const GROWTH: Column = Column { key: "rss_growth_mib", title: "RSS growth, MiB" };

/// Bytes at the end of a package in which its table of contents ends.
const TAIL: usize = 64 * 1024;

/// What is known of a body once it has gone by.
#[derive(Debug, Default)]
struct Seen {
    bytes: u64,
    lines: u64,
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Seen {
    fn take(&mut self, part: &[u8]) {
        self.bytes += part.len() as u64;
        self.lines += part.iter().filter(|byte| **byte == b'\n').count() as u64;
        let wanted = 4_usize.saturating_sub(self.first.len()).min(part.len());
        self.first.extend_from_slice(&part[..wanted]);
        self.last.extend_from_slice(&part[part.len().saturating_sub(TAIL)..]);
        let surplus = self.last.len().saturating_sub(TAIL);
        self.last.drain(..surplus);
    }

    /// Fails unless so many rows were in it, as far as its format shows.
    fn check(&self, format: &str, rows: u64) -> Result<()> {
        match format {
            // A header, and a line per row: the generator's data have no line ends in them.
            "csv" => {
                let found = self.lines.saturating_sub(1);
                ensure!(found == rows, "the csv has {found} rows, {rows} are stored");
            }
            "jsonl" => {
                let found = self.lines;
                ensure!(found >= rows, "the jsonl has {found} lines, {rows} rows are stored");
            }
            // Only its table of contents is looked at: unpacking is no work for a generator.
            _ => {
                ensure!(self.first == *b"PK\x03\x04", "the package does not begin like one");
                let found = self.last.windows(4).rposition(|bytes| bytes == b"PK\x05\x06");
                let end = found.context("the package has no table of contents")?;
                ensure!(self.last[end + 10..end + 12] != [0, 0], "the package is empty");
            }
        }
        Ok(())
    }
}

/// Fails when the service does not know this kind of export, before anything is measured.
pub(super) async fn is_there(target: &Target, run: u64) -> Result<()> {
    let status = Wire::open(target).await?.stream(&path(run, "csv"), |_| ()).await?;
    ensure!(
        status == 200,
        "the service answers {status} to an export; leave it out with `--parts`"
    );
    Ok(())
}

/// Exports the run in one format and adds its figures.
pub(super) async fn export(
    row: &mut Row,
    target: &Target,
    (run, rows, pid): (u64, u64, u32),
    format: &'static str,
) -> Result<()> {
    let mut wire = Wire::open(target).await?;
    let before = rss_bytes(pid)?;
    let (mut seen, mut peak) = (Seen::default(), before);
    let mut ticks = tokio::time::interval(EVERY);
    let meter = Meter::start(&[pid])?;
    let status = {
        let path = path(run, format);
        let export = wire.stream(&path, |part| seen.take(part));
        tokio::pin!(export);
        loop {
            tokio::select! {
                status = &mut export => break status?,
                _ = ticks.tick() => peak = peak.max(rss_bytes(pid)?),
            }
        }
    };
    let used = meter.stop()?;
    ensure!(status == 200, "the export as {format} was answered with {status}");
    seen.check(format, rows)?;
    used.add_rates(row, rows as f64);
    let sizes =
        [(SIZE, seen.bytes as f64), (BEFORE, before), (PEAK, peak), (GROWTH, peak - before)];
    for (column, bytes) in sizes {
        row.add(column, bytes / MIB);
    }
    Ok(())
}

fn path(run: u64, format: &str) -> String {
    format!("runs/{run}/export/?format={format}")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers the first request with this, and returns where to send it and what was asked.
    async fn service(answer: String) -> (Target, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/apis/", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut request).await.unwrap();
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        (Target::staff(&url).unwrap(), asked)
    }

    #[tokio::test]
    async fn an_export_in_chunks_is_counted_and_weighed() {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let body = "9\r\nid,name\n1\r\n6\r\n,a\n2,b\r\n1\r\n\n\r\n0\r\n\r\n";
        let (target, asked) = service([head, body].concat()).await;
        let mut row = Row::new("export_csv", "rows exported as csv");
        export(&mut row, &target, (7, 2, std::process::id()), "csv").await.unwrap();
        assert!(asked.await.unwrap().starts_with("GET /apis/runs/7/export/?format=csv HTTP/1.1"));
        let mut report = super::super::Report::new("rest");
        report.add_row(row);
        assert!(report.json().contains(r#""export_csv_count":2.0"#), "{}", report.json());
    }

    #[tokio::test]
    async fn a_service_without_exports_is_told_from_one_that_fails() {
        let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}";
        let (target, _asked) = service(answer.to_owned()).await;
        let error = is_there(&target, 7).await.unwrap_err();
        assert!(error.to_string().contains("404"), "{error}");
    }

    fn seen(parts: &[&[u8]]) -> Seen {
        let mut seen = Seen::default();
        parts.iter().for_each(|part| seen.take(part));
        seen
    }

    #[test]
    fn rows_are_counted_by_their_lines() {
        let csv = seen(&[b"id,na", b"me\r\n1,a\r\n", b"2,b\r\n"]);
        assert!(csv.check("csv", 2).is_ok());
        assert!(csv.check("csv", 3).is_err());
        assert!(seen(&[b"{}\n{}\n"]).check("jsonl", 3).is_err());
    }

    #[test]
    fn a_package_has_a_beginning_and_a_table_of_contents() {
        let mut table = b"PK\x05\x06".to_vec();
        table.extend([0, 0, 0, 0, 2, 0, 2, 0, 0, 0]);
        assert!(seen(&[b"PK", b"\x03\x04", &[0; 2 * TAIL], &table]).check("zip", 1).is_ok());
        assert!(seen(&[b"PK\x03\x04 cut off"]).check("zip", 1).is_err());
    }
}
