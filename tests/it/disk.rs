//! A disk that is full, read-only, or takes nothing more: what is said of it, and what is kept.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use black_box::{
    Answer, Binaries, DEADLINE, Disk, Div, Environment, Finished, Isolated, Member, Service,
    fill_disk, make_room, run_to_end,
};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

const FULL: &str = "the disk is full: make room on it";

/// A service that is being played.
struct Table {
    div: Div,
    environment: Environment,
    players: [Member; 2],
}

impl Table {
    async fn on(service: Service) -> Result<Self> {
        let div = Div::on(service)?;
        let environment = div.environment("default").await?;
        let mut s1 = div.member(&environment, "s1@div.edu").await?;
        s1.play(environment.worlds[0].period, 1.0).await?;
        let s2 = div.member(&environment, "s2@div.edu").await?;
        Ok(Self { div, environment, players: [s1, s2] })
    }

    fn period(&self) -> u64 {
        self.environment.worlds[0].period
    }

    /// Decides until a decision is not saved, and gives the answer with the last one that was.
    async fn play_until_refused(&mut self) -> Result<(Answer, f64)> {
        let period = self.period();
        let playing = async {
            let mut saved = 1.0;
            loop {
                let answer = self.players[0].submit(period, saved + 1.0).await?;
                if answer.error_uri().is_some() {
                    return anyhow::Ok((answer, saved));
                }
                saved += 1.0;
            }
        };
        tokio::time::timeout(DEADLINE, playing).await.context("everything was saved")?
    }

    /// Nothing is saved and all is told; when `mend` has been done, everything goes on.
    async fn is_told_and_got_over(
        &mut self,
        cause: &str,
        mend: impl AsyncFnOnce(&Service) -> Result<()>,
    ) -> Result<()> {
        let (period, role) = (self.period(), self.players[0].role.context("a role")?);
        let (answer, saved) = self.play_until_refused().await?;
        let expected = Answer::Error {
            uri: "wamp.error.unavailable".to_owned(),
            args: vec![json!("not saved, try again")],
        };
        assert_eq!(answer, expected);
        assert_eq!(self.div.round(period).await?.operands, [(role, saved)]);
        let problem = format!("the store cannot be written: {cause}\n");
        let service = &self.div.service;
        service.until_readiness(|status, text| (status, text) == (503, &problem)).await?;
        let line = self.div.service.logged("nothing can be saved").await?;
        let told = format!("nothing can be saved: {cause}; saving goes on as soon as it can");
        assert!(line.ends_with(&told), "{line}");
        let user = json!({"email": "late@div.edu", "password": "late"});
        let reply = self.div.rest.send(Method::POST, "users/", Some(&user)).await?;
        assert_eq!(reply.status, 503, "{}", reply.body);

        mend(&self.div.service).await?;
        let service = &self.div.service;
        service.until_readiness(|status, text| (status, text) == (200, "ready\n")).await?;
        self.div.service.logged("saving goes on").await?;
        let [s1, s2] = &mut self.players;
        s1.play(period, 6).await?;
        s2.play(period, 4).await?;
        assert_eq!(self.div.round(period).await?.quotients, [1.5]);
        let told = self.div.service.stderr();
        let told = told.iter().filter(|line| line.contains("nothing can be saved:")).count();
        assert_eq!(told, 1, "it is said once");
        assert_eq!(self.div.service.sigterm().await?, Some(0));
        Ok(())
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_while_everybody_plays_is_told_and_got_over() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let service = &Binaries::get()?.service;
    let Some(isolated) = Isolated::on_disk(service, dir.path(), Disk::Small(8192))? else {
        return Ok(());
    };
    let service = Service::start_in(isolated.program(), dir, &[]).await?;
    let mut table = Table::on(service).await?;
    fill_disk(&table.div.service)?;
    table.is_told_and_got_over(FULL, async |service| make_room(service)).await
}

#[tokio::test]
async fn files_that_may_not_grow_are_told_and_got_over() -> Result<()> {
    // The signal by which a limit is told would end the service before any error.
    let dir = tempfile::tempdir()?;
    let script = dir.path().join("patient.sh");
    let program = text(&Binaries::get()?.service);
    fs::write(&script, format!("#!/bin/sh\ntrap '' XFSZ\nexec {program} \"$@\"\n"))?;
    fs::set_permissions(&script, Permissions::from_mode(0o755))?;
    let service = Service::start_in(&script, tempfile::tempdir()?, &[]).await?;
    let mut table = Table::on(service).await?;
    limit_files(&table.div.service, "1024").await?;
    let cause = "files may not grow further: raise the limit (`ulimit -f`)";
    table.is_told_and_got_over(cause, async |service| limit_files(service, "unlimited").await).await
}

/// Sets how large the files of a service may become, in bytes.
async fn limit_files(service: &Service, size: &str) -> Result<()> {
    let pid = service.pid().context("it has ended")?.to_string();
    let limit = format!("--fsize={size}:");
    let args = ["-c", "exec prlimit --pid \"$0\" \"$1\"", &pid, &limit];
    let finished = run_to_end(Path::new("/bin/sh"), &args, "").await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    Ok(())
}

#[tokio::test]
async fn a_start_on_such_a_disk_says_what_to_do() -> Result<()> {
    let full = Disk::Full(4096);
    let read_only = "the file system is read-only: mount it for writing";
    for (disk, is_new, cause) in [
        (full, true, FULL),
        (full, false, FULL),
        (Disk::ReadOnly, true, read_only),
        (Disk::ReadOnly, false, read_only),
    ] {
        let dir = match is_new {
            true => tempfile::tempdir()?,
            false => used_directory().await?,
        };
        let Some(finished) = refused(dir.path(), disk).await? else { return Ok(()) };
        let lines: Vec<_> = finished.stderr.lines().collect();
        let [line] = lines[..] else { anyhow::bail!("{disk:?}, new {is_new}: {finished:?}") };
        let database = dir.path().join("div.sqlite3");
        let start = format!("error: `{}` cannot be used as the database: ", database.display());
        assert!(line.starts_with(&start) && line.ends_with(cause), "{disk:?}: {line}");
    }
    Ok(())
}

/// A data directory in which a service has been.
async fn used_directory() -> Result<TempDir> {
    let mut service = Service::start(&[]).await?;
    service.sigterm().await?;
    let dir = tempfile::tempdir()?;
    fs::copy(service.dir().join("div.sqlite3"), dir.path().join("div.sqlite3"))?;
    Ok(dir)
}

/// Starts the service where it cannot run; nothing where that cannot be tried.
async fn refused(dir: &Path, disk: Disk) -> Result<Option<Finished>> {
    let program = &Binaries::get()?.service;
    let Some(isolated) = Isolated::on_disk(program, dir, disk)? else { return Ok(None) };
    let binds = ["--bind", "127.0.0.1:0", "--games-bind", "127.0.0.1:0"];
    let args = [&binds[..], &["--data-dir", text(dir)]].concat();
    let finished = run_to_end(isolated.program(), &args, "").await?;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    Ok(Some(finished))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
