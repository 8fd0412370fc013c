//! The journal as its readers see it.

use anyhow::{Context, Result, ensure};
use black_box::Rest;
use serde_json::Value;

/// The most entries that one answer has.
const PAGE: usize = 5000;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) resource: String,
    pub(crate) pk: u64,
    pub(crate) action: String,
    /// The UUID that webhooks carry too.
    pub(crate) reference: String,
    /// The object, as REST answers with it.
    pub(crate) data: Value,
}

impl Entry {
    fn read(change: &Value) -> Result<Self> {
        let number = |name: &str| change[name].as_u64().with_context(|| format!("no `{name}`"));
        let text = |name: &str| {
            let text = change[name].as_str().map(str::to_owned);
            text.with_context(|| format!("no `{name}`"))
        };
        Ok(Self {
            seq: number("seq")?,
            resource: text("resource")?,
            pk: number("pk")?,
            action: text("action")?,
            reference: text("ref")?,
            data: change["data"].clone(),
        })
    }

    /// The name of the event that subscribers get, if they get one.
    pub(crate) fn event(&self, game_slug: &str) -> Option<String> {
        match self.resource.as_str() {
            "hook" => None,
            "user" => Some(format!("user.{}", self.action)),
            resource => Some(format!("{game_slug}.{resource}.{}", self.action)),
        }
    }
}

/// Everything after a number. Numbers follow each other without a gap, and no row is made twice.
pub(crate) async fn read(rest: &Rest, after: u64) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let last = entries.last().map_or(after, |entry| entry.seq);
        let page = rest.get(&format!("changes/?after={last}&limit={PAGE}")).await?;
        let page = page.as_array().context("the journal is no list")?;
        for change in page {
            let entry = Entry::read(change).with_context(|| format!("reading `{change}`"))?;
            let expected = after + entries.len() as u64 + 1;
            ensure!(entry.seq == expected, "entry {} where {expected} is due", entry.seq);
            entries.push(entry);
        }
        if page.len() < PAGE {
            return Ok(entries);
        }
    }
}
