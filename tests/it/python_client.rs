//! The Python client that everybody uses, against our service.

use std::path::Path;

use anyhow::{Context, Result};
use black_box::{Binaries, Database, Finished, Games, Python, run_to_end};

/// What the tour imports.
const MODULES: [&str; 1] = ["simpl_client"];

/// Takes the tour against a service on a new database.
async fn tour(database: &Database) -> Result<()> {
    let Some(python) = Python::with(&MODULES).await? else { return Ok(()) };
    let dir = tempfile::tempdir().context("making a directory for the service")?;
    let games = Games::start(Binaries::get()?, database, dir).await?;
    let Finished { code, stdout, stderr } = python.run("tour.py", &[games.api_url()]).await?;
    let log = games.stderr().join("\n");
    assert_eq!(code, Some(0), "the tour failed:\n{stdout}{stderr}\nThe service logged:\n{log}");
    assert!(stdout.contains("the tour is complete"), "{stdout}");
    assert!(!log.contains(" ERROR "), "the service logged:\n{log}");
    Ok(())
}

#[tokio::test]
async fn the_outside_client_completes_its_tour_on_sqlite() -> Result<()> {
    tour(&Database::Sqlite).await
}

#[tokio::test]
async fn the_outside_client_completes_its_tour_on_postgres() -> Result<()> {
    match Database::postgres_from_env()? {
        Some(database) => tour(&database).await,
        None => Ok(()),
    }
}

/// Runs the tour on SQLite in a process of its own, with these settings and no others.
async fn with_settings(settings: &[&str]) -> Result<Finished> {
    let this = std::env::current_exe().context("finding the running program")?;
    let this = this.to_str().context("the path of the running program is no text")?;
    let test = "python_client::the_outside_client_completes_its_tour_on_sqlite";
    let args = [settings, &[this, "--exact", test]].concat();
    run_to_end(Path::new("/usr/bin/env"), &args, "").await
}

// The shell takes `-c` as an interpreter of Python does, and has no packages either.
const WITHOUT_PACKAGES: &str = "BLACK_BOX_PYTHON=/bin/sh";

#[tokio::test]
async fn without_its_packages_the_tour_is_skipped_and_says_why() -> Result<()> {
    for (settings, reason) in [
        (&[WITHOUT_PACKAGES][..], "`/bin/sh` does not have all of [\"simpl_client\"]"),
        (&["BLACK_BOX_PYTHON=/no/such/python"], "`/no/such/python` does not run"),
        (&[], "`BLACK_BOX_PYTHON` does not name a Python interpreter"),
    ] {
        let skipped = with_settings(settings).await?;
        assert_eq!(skipped.code, Some(0), "{skipped:?}");
        assert!(skipped.stdout.contains("1 passed"), "{skipped:?}");
        let start = "skipped: python_client::the_outside_client_completes_its_tour_on_sqlite: ";
        let said = skipped.stdout.lines().find_map(|line| line.split_once(start));
        let (_, said) = said.with_context(|| format!("nothing was said: {skipped:?}"))?;
        assert!(said.starts_with(reason), "{said}");
        assert!(said.ends_with("(1 skipped in this program so far)"), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_skipped_is_noted_for_who_counts() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("skipped");
    let setting = format!("SKIPPED_TESTS={}", file.display());
    for _ in 0..2 {
        with_settings(&[WITHOUT_PACKAGES, &setting]).await?;
    }
    let line = "BLACK_BOX_PYTHON python_client::the_outside_client_completes_its_tour_on_sqlite\n";
    assert_eq!(std::fs::read_to_string(file)?, line.repeat(2));
    Ok(())
}

#[tokio::test]
async fn in_ci_the_tour_is_never_skipped() -> Result<()> {
    for settings in [&["CI=true", WITHOUT_PACKAGES][..], &["CI=true"]] {
        let failed = with_settings(settings).await?;
        assert_eq!(failed.code, Some(101), "{failed:?}");
        assert!(failed.stdout.contains("with `CI` set no test may be skipped"), "{failed:?}");
    }
    Ok(())
}
