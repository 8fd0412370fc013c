//! Starting and ending the service, and what it says when it cannot start.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use anyhow::Result;
use black_box::{Binaries, Div, Finished, Service, run_to_end};

/// Runs the service with arguments that must keep it from starting.
async fn refused(args: &[&str]) -> Result<Finished> {
    let finished = run_to_end(&Binaries::get()?.service, args, "").await?;
    assert!(!finished.stdout.contains("ready"), "{finished:?}");
    assert!(finished.code.is_some_and(|code| code != 0), "{finished:?}");
    assert!(!finished.stderr.contains("panicked"), "{finished:?}");
    Ok(finished)
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().unwrap_or_default()
}

#[tokio::test]
async fn an_empty_directory_becomes_a_game_that_can_be_played_at_once() -> Result<()> {
    let div = Div::start(&[]).await?;
    let environment = div.environment("default").await?;
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    s1.play(environment.worlds[0].period, 1).await?;

    let printed = div.service.stdout().join("\n");
    for who in ["leader@div.edu", "s1@div.edu"] {
        assert!(printed.contains(who), "nothing about {who} in:\n{printed}");
    }
    Ok(())
}

#[tokio::test]
async fn sigterm_says_goodbye_and_exits_with_0() -> Result<()> {
    let mut div = Div::start(&[]).await?;
    let mut s1 = div.login("s1@div.edu").await?;
    assert_eq!(div.service.sigterm().await?, Some(0));
    let black_box::Received::Frame(goodbye) = s1.receive().await? else {
        anyhow::bail!("closed without GOODBYE");
    };
    assert_eq!((&goodbye[0], &goodbye[2]), (&6.into(), &"wamp.close.system_shutdown".into()));
    Ok(())
}

#[tokio::test]
async fn a_second_signal_ends_a_stop_at_once() -> Result<()> {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut div = Div::start(&[]).await?;
        // A session that does not answer the service's goodbye keeps it for a while.
        let _silent = div.login("s1@div.edu").await?;
        div.service.signal("TERM").await?;
        div.service.logged("stopping").await?;
        div.service.signal(signal).await?;
        assert_eq!(div.service.ended().await?, Some(code));
        div.service.logged(&format!("ending at once: SIG{signal}")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_restart_keeps_what_was_played() -> Result<()> {
    let mut div = Div::start(&[]).await?;
    let environment = div.environment("default").await?;
    let world = environment.worlds[0];
    div.member(&environment, "s1@div.edu").await?.play(world.period, 10).await?;
    div.service.sigterm().await?;
    div.restart().await?;
    div.member(&environment, "s2@div.edu").await?.play(world.period, 4).await?;
    assert_eq!(div.round(world.period).await?.quotients, [2.5]);
    assert_eq!(div.rest.list("runs/").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn without_seed_the_game_is_picked_up_when_it_appears() -> Result<()> {
    let div = Div::start(&["--no-seed"]).await?;
    assert_eq!(div.rest.list("games/").await?.len(), 0);
    let seeded = div.seed(&[], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    let environment = div.environment("default").await?;
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    s1.play(environment.worlds[0].period, 1).await
}

#[tokio::test]
async fn a_taken_port_is_named() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    for (option, other) in [("--bind", "--games-bind"), ("--games-bind", "--bind")] {
        let dir = tempfile::tempdir()?;
        let args = [option, &address, other, "127.0.0.1:0", "--data-dir", text(dir.path())];
        let finished = refused(&args).await?;
        assert!(finished.stderr.contains(&address), "{finished:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_database_has_one_service() -> Result<()> {
    let first = Service::start(&[]).await?;
    let binds = ["--bind", "127.0.0.1:0", "--games-bind", "127.0.0.1:0"];
    let args = [&binds[..], &["--data-dir", text(first.dir())]].concat();
    let finished = refused(&args).await?;
    assert!(finished.stderr.contains("in use by another process"), "{finished:?}");
    Ok(())
}

#[tokio::test]
async fn a_directory_that_is_none_is_named() -> Result<()> {
    // A file, since the superuser may write into any directory.
    let file = tempfile::NamedTempFile::new()?;
    let binds = ["--bind", "127.0.0.1:0", "--games-bind", "127.0.0.1:0"];
    let args = [&binds[..], &["--data-dir", text(file.path())]].concat();
    let finished = refused(&args).await?;
    assert!(finished.stderr.contains(text(file.path())), "{finished:?}");
    Ok(())
}

#[tokio::test]
async fn few_open_files_are_warned_of() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let script = dir.path().join("limited.sh");
    let program = text(&Binaries::get()?.service);
    std::fs::write(&script, format!("#!/bin/sh\nulimit -n 256\nexec {program} \"$@\"\n"))?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    let mut service = Service::start_in(&script, tempfile::tempdir()?, &[]).await?;
    let line = service.logged("files may be open").await?;
    assert!(line.contains("only 256 files may be open, enough for some 192 sessions"), "{line}");
    Ok(())
}

#[tokio::test]
async fn bad_settings_are_named() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for (option, value) in [
        ("--bind", "nonsense"),
        ("--games-bind", "127.0.0.1"),
        ("--root-topic", "with a space"),
        ("--game-slug", "no slug!"),
        ("--step-periods", "maybe"),
        ("--games-url", "nowhere"),
        ("--callback-url", "somewhere"),
        ("--load-active-runs", "perhaps"),
    ] {
        let mut args = vec!["--data-dir", text(dir.path()), option, value];
        for bind in ["--bind", "--games-bind"] {
            if bind != option {
                args.extend([bind, "127.0.0.1:0"]);
            }
        }
        let finished = refused(&args).await?;
        assert!(finished.stderr.contains(value), "{option} {value}: {finished:?}");
    }
    Ok(())
}

#[tokio::test]
async fn well_known_passwords_on_an_open_address_are_warned_of() -> Result<()> {
    let mut service = Service::start(&["--bind", "0.0.0.0:0"]).await?;
    service.logged("password").await?;
    service.sigterm().await?;

    let service = Service::start(&[]).await?;
    let log = service.stderr().join("\n");
    assert!(!log.contains("password"), "warned on loopback:\n{log}");
    Ok(())
}

#[tokio::test]
async fn another_root_and_slug_need_no_new_program() -> Result<()> {
    let root = "world.simpl.sims.simpl-div";
    let args = ["--game-slug", "simpl-div", "--game-name", "Simpl Div", "--root-topic", root];
    let service = Service::start(&args).await?;
    let rest = black_box::Rest::staff(service.api_url())?;
    assert_eq!(rest.get("games/simpl-div/").await?["name"], "Simpl Div");
    let login = black_box::Login::Anonymous;
    let mut wamp = black_box::Wamp::login(&service.ws_url(), login).await?;
    let ready = wamp.call(&format!("{root}.ready"), serde_json::json!([])).await?;
    assert_eq!(ready.value()?, serde_json::json!(true));
    Ok(())
}
