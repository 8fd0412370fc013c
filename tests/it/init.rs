//! The image's program as a container's first process.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use black_box::{Binaries, DEADLINE, Isolated, Service, run_to_end};

#[tokio::test]
async fn the_first_process_buries_orphans_and_stops_in_order() -> Result<()> {
    let program = &Binaries::get()?.all;
    let Some(isolated) = Isolated::as_first_process(program, "div-service")? else {
        return Ok(());
    };
    let mut service = Service::start_in(isolated.program(), tempfile::tempdir()?, &[]).await?;
    let first = children(service.pid().context("it has ended")?)?;
    let [first] = first[..] else { anyhow::bail!("`unshare` has the children {first:?}") };

    // As `exec` into a container does: a shell from outside leaves processes behind.
    let leave = "(sleep 1000 & sleep 2000 &) </dev/null >/dev/null 2>&1";
    for round in 1..=2 {
        let target = first.to_string();
        let args = ["--target", &target, "--pid", "--mount", "/bin/sh", "-c", leave];
        let left = run_to_end(Path::new("nsenter"), &args, "").await?;
        assert_eq!(left.code, Some(0), "{left:?}");
        let orphans = until(first, |found| found.len() == 2).await.context("no orphans")?;
        let kill = format!("kill -KILL {} {}", orphans[0], orphans[1]);
        run_to_end(Path::new("/bin/sh"), &["-c", &kill], "").await?;
        let buried = until(first, <[u32]>::is_empty).await;
        buried.with_context(|| format!("round {round}: {}", states(first)))?;
    }

    run_to_end(Path::new("/bin/sh"), &["-c", &format!("kill -TERM {first}")], "").await?;
    assert_eq!(service.ended().await?, Some(0));
    service.logged("stopping").await?;
    Ok(())
}

/// The processes that wait to be waited for by this one.
fn children(pid: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let listed = fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        found.extend(listed.split_whitespace().filter_map(|it| it.parse::<u32>().ok()));
    }
    Ok(found)
}

/// Waits until the children of a process are as wanted.
async fn until(pid: u32, wanted: impl Fn(&[u32]) -> bool) -> Result<Vec<u32>> {
    let waiting = async {
        loop {
            let found = children(pid)?;
            if wanted(&found) {
                return anyhow::Ok(found);
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await?
}

/// What became of the children of a process, for people.
fn states(pid: u32) -> String {
    let children = children(pid).unwrap_or_default();
    let states = children.iter().map(|child| fs::read_to_string(format!("/proc/{child}/stat")));
    states.filter_map(Result::ok).collect()
}
