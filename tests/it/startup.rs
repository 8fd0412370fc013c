//! Starting and ending the service, and what it says when it cannot start.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use anyhow::Result;
use black_box::{
    Binaries, Database, Div, Finished, Service, free_port, run_to_end, run_to_end_with,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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

/// Runs the Games API on a database that must keep it from starting.
async fn refused_database(address: &str) -> Result<String> {
    let args = ["--wait", "0", "--database", address, "migrate"];
    let finished = run_to_end(&Binaries::get()?.games, &args, "").await?;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    one_line(&finished)
}

/// The only line, in which no secret stands.
fn one_line(finished: &Finished) -> Result<String> {
    let lines: Vec<_> = finished.stderr.lines().collect();
    let [line] = lines[..] else { anyhow::bail!("not one line: {finished:?}") };
    assert!(!line.contains("geheim") && finished.stdout.is_empty(), "{finished:?}");
    Ok(line.to_owned())
}

#[tokio::test]
async fn what_names_no_database_is_told() -> Result<()> {
    let form = "write it as `postgres://user:password@host:5432/name`";
    for (address, told) in [
        (
            "mysql://me:geheim@h/x",
            "it begins with `mysql://`: begin with `postgres://`, or give the path of a file",
        ),
        ("postgres://me:geheim@h:port/x", form),
        ("postgres://me:geheim@h/x?bogus=1", form),
        ("", "it is empty: give the path of a file, or `postgres://user:password@host/name`"),
    ] {
        let line = refused_database(address).await?;
        assert!(
            line.contains("cannot be used as the database: ") && line.ends_with(told),
            "{line}"
        );
    }
    let finished = run_to_end_with(
        &Binaries::get()?.service,
        &["--bind", "127.0.0.1:0", "--games-bind", "127.0.0.1:0"],
        &[("DATABASE_URL", "mysql://me:geheim@h/x")],
        "",
    );
    let line = one_line(&finished.await?)?;
    assert!(
        line.ends_with(
            "the variable DATABASE_URL cannot be used: it must begin with `postgres://`"
        ),
        "{line}"
    );
    Ok(())
}

#[tokio::test]
async fn a_database_server_that_is_not_there_is_told() -> Result<()> {
    let (taken, port) = (TcpListener::bind("127.0.0.1:0")?, free_port()?);
    let remedy = ": start the server, or correct host and port in its address";
    for (address, cause) in [
        (format!("postgres://me:geheim@127.0.0.1:{port}/x"), "Connection refused"),
        (format!("postgres://me:geheim@nowhere.invalid:{port}/x"), "failed to lookup address"),
    ] {
        let line = refused_database(&address).await?;
        assert!(line.contains(cause) && line.ends_with(remedy), "{line}");
    }
    drop(taken);
    // Whoever starts everything at once need not care for the order; that it waits is said.
    let address = format!("postgres://me:geheim@127.0.0.1:{port}/x");
    let args = ["--wait", "1", "--database", &address, "migrate"];
    let finished = run_to_end(&Binaries::get()?.games, &args, "").await?;
    let waiting = format!("waiting for the database `postgres://127.0.0.1:{port}/x`: ");
    assert_eq!(finished.stderr.lines().count(), 2, "{finished:?}");
    assert!(
        finished.stderr.contains(&waiting) && !finished.stderr.contains("geheim"),
        "{finished:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_database_server_that_refuses_is_told() -> Result<()> {
    let address = refusing_server().await?;
    let line = refused_database(&format!("postgres://me:geheim@{address}/x")).await?;
    let told = "cannot be used as the database: password authentication failed for user \"me\" (28P01): \
                check the user and the password in the database's address";
    assert!(line.contains(told), "{line}");

    let Some(Database::Postgres(mut server)) = Database::postgres_from_env()? else {
        return Ok(());
    };
    server.set_path("/there_is_none");
    let line = refused_database(server.as_str()).await?;
    let told = "(3D000): create it, or correct the name at the end of the database's address";
    assert!(line.ends_with(told), "{line}");
    Ok(())
}

/// A database server that takes nobody's password.
async fn refusing_server() -> Result<std::net::SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        // Its first message has no letter in front; then it is asked for its password.
        let length = stream.read_u32().await?;
        stream.read_exact(&mut vec![0; usize::try_from(length)? - 4]).await?;
        stream.write_all(b"R\0\0\0\x08\0\0\0\x03").await?;
        stream.read_u8().await?;
        let length = stream.read_u32().await?;
        stream.read_exact(&mut vec![0; usize::try_from(length)? - 4]).await?;
        let error = b"SFATAL\0C28P01\0Mpassword authentication failed for user \"me\"\0\0";
        stream.write_all(b"E").await?;
        stream.write_u32(u32::try_from(error.len())? + 4).await?;
        stream.write_all(error).await?;
        anyhow::Ok(())
    });
    Ok(address)
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
