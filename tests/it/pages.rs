//! The pages in a real browser: Debian's Chromium, led by Playwright.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use black_box::{Binaries, Node, skipped};

/// Where Debian's package puts the browser.
const CHROMIUM: &str = "/usr/bin/chromium";

#[tokio::test]
async fn a_class_plays_in_chromium() -> Result<()> {
    let Some(node) = Node::with(&["playwright-core", "axe-core"]).await? else { return Ok(()) };
    if !Path::new(CHROMIUM).exists() {
        return skipped("BLACK_BOX_NODE", &format!("`{CHROMIUM}` is missing, install it"));
    }
    // The screenshots stay, for people to look at.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    if dir.exists() {
        fs::remove_dir_all(&dir).context("removing the last class")?;
    }
    fs::create_dir_all(&dir).context("making a directory for the class")?;
    let service = &Binaries::get()?.service;
    let paths = [service.to_str(), dir.to_str()];
    let [Some(service), Some(dir)] = paths else { anyhow::bail!("a path is no text: {paths:?}") };
    let played = node.run("class.mjs", &[service, dir]).await?;
    assert_eq!(played.code, Some(0), "{}\n{}", played.stdout, played.stderr);
    assert_eq!(played.stdout.matches("ok   ").count(), 15, "{}", played.stdout);
    Ok(())
}
