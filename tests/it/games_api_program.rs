//! The program `games-api`: it serves, and its commands look after a database.

use std::path::Path;

use anyhow::{Context, Result};
use black_box::{Binaries, Database, Finished, Games, Rest, run_to_end};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The account of a new database.
const STAFF: (&str, &str) = ("simpl@simpl.world", "simpl");

/// Runs a command to its end.
async fn run(args: &[&str], input: &str) -> Result<Finished> {
    let finished = run_to_end(&Binaries::get()?.games, args, input).await?;
    assert!(!finished.stderr.contains("panicked"), "{finished:?}");
    Ok(finished)
}

/// Runs a command that must do what it says, and returns what it printed.
async fn done(args: &[&str], input: &str) -> Result<String> {
    let finished = run(args, input).await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    Ok(finished.stdout)
}

/// Runs a command that must fail with one line on standard error, and returns that line.
async fn refused(args: &[&str], code: i32) -> Result<String> {
    let finished = run(args, "").await?;
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let line = finished.stderr.lines().last().unwrap_or_default();
    let told = line.strip_prefix("error: ");
    Ok(told.with_context(|| format!("no error was told: {finished:?}"))?.to_owned())
}

async fn serve(database: &Database) -> Result<Games> {
    let dir = tempfile::tempdir().context("making a directory for the service")?;
    Games::start(Binaries::get()?, database, dir).await
}

/// A database file in a directory of its own, which does not exist yet.
fn file() -> Result<(TempDir, String)> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("deep/games.sqlite3");
    let path = path.to_str().context("the directory's name is no text")?.to_owned();
    Ok((dir, path))
}

/// The server for tests; none, and said so, where there is none.
fn postgres() -> Result<Option<Database>> {
    let found = Database::postgres_from_env()?;
    if found.is_none() {
        black_box::skipped("TEST_DATABASE_URL", "it does not name a PostgreSQL server")?;
    }
    Ok(found)
}

/// A game with two runs of one world each, and a decision in each world.
async fn play(rest: &Rest) -> Result<()> {
    let pk = |object: &Value| object["id"].as_u64().context("an object without id");
    let game = pk(&rest.create("games/", &json!({"name": "Div", "slug": "div"})).await?)?;
    let staff = pk(&rest.list("users/").await?[0])?;
    for name in ["first", "second"] {
        let run = pk(&rest.create("runs/", &json!({"name": name, "game": game})).await?)?;
        let world = pk(&rest.create("worlds/", &json!({"name": "W", "run": run})).await?)?;
        rest.create("runusers/", &json!({"run": run, "user": staff, "leader": true})).await?;
        let scenario = json!({"name": "S", "world": world});
        let scenario = pk(&rest.create("scenarios/", &scenario).await?)?;
        let period = json!({"scenario": scenario, "order": 1});
        let period = pk(&rest.create("periods/", &period).await?)?;
        let decision = json!({"name": "decision", "period": period, "data": {"operand": 1}});
        rest.create("decisions/", &decision).await?;
    }
    Ok(())
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop_and_keeps_what_was_stored() -> Result<()> {
    let mut games = serve(&Database::Sqlite).await?;
    let printed = games.stdout();
    assert_eq!(printed[0], format!("listening on {}", games.api_url()));
    assert!(printed[1].starts_with("ready after ") && printed[1].ends_with("stop with Ctrl-C"));
    let game = json!({"name": "Div", "slug": "div"});
    Rest::staff(games.api_url())?.create("games/", &game).await?;
    assert_eq!(games.sigterm().await?, Some(0));
    games.restart().await?;
    assert_eq!(Rest::staff(games.api_url())?.get("games/div/").await?["name"], "Div");
    let log = games.stderr().join("\n");
    assert!(!log.contains("password"), "warned on loopback:\n{log}");
    Ok(())
}

#[tokio::test]
async fn a_password_that_everybody_knows_is_warned_of_where_others_can_reach_it() -> Result<()> {
    let binaries = Binaries::get()?;
    let dir = tempfile::tempdir()?;
    let mut games = Games::start_on("0.0.0.0:0", binaries, &Database::Sqlite, dir).await?;
    let line = games.logged("default password").await?;
    assert!(line.contains("WARN") && line.contains(STAFF.0), "{line}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_served_is_refused_to_commands() -> Result<()> {
    let games = serve(&Database::Sqlite).await?;
    for command in [&["migrate"][..], &["count", "div"], &["create-simpl-user"]] {
        let told = refused(&[command, &["--database", games.database()]].concat(), 1).await?;
        assert!(told.contains("in use by another process"), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn on_postgresql_commands_run_beside_the_service() -> Result<()> {
    let Some(database) = postgres()? else { return Ok(()) };
    let games = serve(&database).await?;
    let create = ["create-user", "t@div.edu", "--staff", "--password-stdin"];
    let args = [&create[..], &["--database", games.database()]].concat();
    assert_eq!(done(&args, "secret\n").await?, "created t@div.edu\n");
    let rest = Rest::new(games.api_url(), "t@div.edu", "secret")?;
    play(&rest).await?;
    let printed = done(&["count", "div", "--database", games.database()], "").await?;
    assert!(printed.contains("Run count: 2\n"), "{printed}");
    let reset = ["reset-game", "div", "--confirm", "--database", games.database()];
    assert_eq!(done(&reset, "").await?, "Removing 2 runs from Game slug div\nDONE\n");
    assert_eq!(rest.list("runs/").await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn a_database_is_made_once() -> Result<()> {
    let (_dir, path) = file()?;
    let args = ["migrate", "--database", &path];
    assert_eq!(done(&args, "").await?, "the database is made\n");
    assert_eq!(done(&args, "").await?, "the database is up to date\n");
    Ok(())
}

#[tokio::test]
async fn accounts_are_made_with_a_password_from_standard_input() -> Result<()> {
    let mut games = serve(&Database::Sqlite).await?;
    games.sigterm().await?;
    let database = ["--database".to_owned(), games.database().to_owned()];
    let database = [database[0].as_str(), database[1].as_str()];
    let create = [&["create-user", "t@div.edu", "--password-stdin"][..], &database].concat();
    assert_eq!(done(&create, "secret\n").await?, "created t@div.edu\n");
    let told = run(&create, "secret\n").await?;
    assert_eq!(told.code, Some(1));
    let line = "error: email: A user with that email address already exists.";
    assert_eq!(told.stderr.lines().last(), Some(line));
    let setup = done(&[&["setup"][..], &database].concat(), "st@div.edu\none\none\n").await?;
    assert!(setup.starts_with("=== Setup Simpl API ===\n"), "{setup}");
    assert!(setup.ends_with("-- Staff User st@div.edu created ---\n"), "{setup}");
    let printed = done(&[&["create-simpl-user"][..], &database].concat(), "").await?;
    assert_eq!(printed, "Created superuser 'simpl@simpl.world' with password 'simpl'.\n");
    games.restart().await?;
    for (email, password, status) in [("t@div.edu", "secret", 403), ("st@div.edu", "one", 200)] {
        let rest = Rest::new(games.api_url(), email, password)?;
        let reply = rest.send(reqwest::Method::GET, "runs/", None).await?;
        assert_eq!(reply.status, status, "{email}");
    }
    Ok(())
}

#[tokio::test]
async fn a_game_is_counted_and_reset_only_after_a_yes() -> Result<()> {
    let mut games = serve(&Database::Sqlite).await?;
    play(&Rest::staff(games.api_url())?).await?;
    games.sigterm().await?;
    let database = games.database().to_owned();
    let count = ["count", "div", "--database", &database];
    let before = "Phase count: 0\nRole count: 0\nRun count: 2\nRunUser count: 2\n\
                  World count: 2\nScenario count: 2\nPeriod count: 2\nDecision count: 2\n\
                  Result count: 0\n";
    assert_eq!(done(&count, "").await?, before);
    let reset = ["reset-game", "div", "--database", &database];
    for answer in ["", "n\n", "\n"] {
        let finished = run(&reset, answer).await?;
        assert_eq!(finished.code, Some(255), "{finished:?}");
        assert!(finished.stdout.ends_with("Aborting run removal!\n"), "{finished:?}");
    }
    assert_eq!(done(&count, "").await?, before, "nothing was deleted");
    let printed = done(&reset, "y\n").await?;
    assert!(printed.ends_with("Removing 2 runs from Game slug div\nDONE\n"), "{printed}");
    assert!(done(&count, "").await?.contains("Decision count: 0\n"));
    let told = refused(&["count", "chess", "--database", &database], 1).await?;
    assert!(told.starts_with("no game has the slug `chess`"), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_deployed_service_is_checked_in_five_lines() -> Result<()> {
    let games = serve(&Database::Sqlite).await?;
    let game = json!({"name": "Div", "slug": "div"});
    Rest::staff(games.api_url())?.create("games/", &game).await?;
    let check = ["check-deploy", "--email", STAFF.0, "--password-stdin", "--game"];
    let printed = done(&[&check[..], &["div", games.api_url()]].concat(), "simpl\n").await?;
    let expected = "- DNS... OK\n- HTTP/HTTPS connectivity... OK\n- admin login... OK\n\
                    - API endpoints... OK\n- game present... OK\n=== ALL OK YAY! ===\n";
    assert_eq!(printed, expected);
    let finished = run(&[&check[..], &["chess", games.api_url()]].concat(), "simpl\n").await?;
    assert_eq!(finished.code, Some(1));
    assert!(finished.stdout.ends_with("- game present... FAILED\n=== NOT OK ===\n"));
    assert!(finished.stderr.contains("`apis/games/chess/` answered 404"), "{finished:?}");
    let finished = run(&[&check[..], &["div", games.api_url()]].concat(), "wrong\n").await?;
    assert!(finished.stdout.contains("- admin login... FAILED\n"), "{finished:?}");
    assert!(!finished.stderr.contains("wrong"), "{finished:?}");
    Ok(())
}

#[tokio::test]
async fn an_original_that_is_none_is_refused_and_nothing_is_told_of_its_password() -> Result<()> {
    let (_dir, path) = file()?;
    for from in ["somewhere", "postgres://me:secret@127.0.0.1:1/original"] {
        let import = ["import", "--from", from, "--database", &path];
        let told = refused(&import, 1).await?;
        assert!(!told.contains("secret"), "{told}");
        assert!(told.contains("PostgreSQL") || told.contains("cannot be read"), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_command_line_that_is_wrong_is_answered_in_one_line() -> Result<()> {
    for (args, expected) in [
        (&["create-user"][..], "<EMAIL>"),
        (&["serve", "--bind", "nowhere"], "'nowhere'"),
        (&["dance"], "'dance'"),
        (&["import"], "--from"),
    ] {
        let told = refused(args, 2).await?;
        assert!(told.contains(expected), "{told}");
        assert!(told.ends_with("; see --help"), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn the_database_may_come_from_the_environment_and_help_does_not_show_it() -> Result<()> {
    let (_dir, path) = file()?;
    let program = Binaries::get()?.games.clone();
    let program = program.to_str().context("the program's path is no text")?;
    let shell = |database: &str, command: &str| {
        format!("DATABASE_URL='{database}' exec '{program}' {command}")
    };
    let migrate = shell(&path, "migrate");
    let finished = run_to_end(Path::new("/bin/sh"), &["-c", &migrate], "").await?;
    assert_eq!(finished.stdout, "the database is made\n", "{finished:?}");
    assert!(Path::new(&path).exists());
    let help = shell("postgres://me:secret@host/name", "--help");
    let finished = run_to_end(Path::new("/bin/sh"), &["-c", &help], "").await?;
    assert!(finished.stdout.contains("DATABASE_URL"), "{finished:?}");
    assert!(!finished.stdout.contains("secret"), "{finished:?}");
    Ok(())
}
