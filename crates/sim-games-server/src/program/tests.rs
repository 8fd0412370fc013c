//! The commands on a database, with a script for answers.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use sim_games_types::{Resource, RunPk};
use tempfile::TempDir;

use super::cli::{Cli, Command};
use super::*;
use crate::tests::fixture::small_game;

/// What a command prints, kept.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A database with a small game.
struct Scene {
    api: GamesApi,
    directory: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let options = Options::new(directory.path().join("games.db"));
        let api = GamesApi::open(options).await.unwrap();
        small_game(&api).await;
        Self { api, directory }
    }

    /// Carries out a command with these answers; what it came to, and what it printed.
    async fn run(&self, args: &[&str], answers: &str) -> (Result<Outcome>, String) {
        let cli = Cli::try_parse_from([&["games-api"], args].concat()).unwrap();
        let printed = Printed::default();
        let mut dialog = Dialog::of(Cursor::new(answers.to_owned()), printed.clone());
        let outcome = on_database(&self.api, cli.command, &mut dialog).await;
        let text = String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
        (outcome, text)
    }

    async fn done(&self, args: &[&str], answers: &str) -> String {
        let (outcome, text) = self.run(args, answers).await;
        assert_eq!(outcome.unwrap(), Outcome::Done, "{text}");
        text
    }
}

#[tokio::test]
async fn a_game_is_counted_in_nine_lines() {
    let scene = Scene::new().await;
    let printed = scene.done(&["count", "-s", "div"], "").await;
    assert_eq!(
        printed,
        "Phase count: 1\nRole count: 1\nRun count: 1\nRunUser count: 1\nWorld count: 1\n\
         Scenario count: 1\nPeriod count: 1\nDecision count: 0\nResult count: 0\n"
    );
    let (outcome, _) = scene.run(&["count", "chess"], "").await;
    assert!(outcome.unwrap_err().to_string().starts_with("no game has the slug `chess`"));
}

#[tokio::test]
async fn a_game_is_reset_only_after_a_yes() {
    let scene = Scene::new().await;
    let (outcome, printed) = scene.run(&["reset-game", "div"], "n\n").await;
    assert_eq!(outcome.unwrap(), Outcome::Failed(255));
    assert!(printed.starts_with("Are you sure you want to delete all runs? [y/N]"), "{printed}");
    assert!(printed.ends_with("Aborting run removal!\n"), "{printed}");
    assert!(scene.api.load_run(RunPk(1)).await.unwrap().is_some());
    let (outcome, printed) = scene.run(&["reset-game", "div"], "").await;
    assert_eq!(outcome.unwrap(), Outcome::Failed(255), "silence is no yes");
    assert!(printed.ends_with("Aborting run removal!\n"), "{printed}");
    let printed = scene.done(&["reset-game", "div", "--confirm"], "").await;
    assert_eq!(printed, "Removing 1 runs from Game slug div\nDONE\n");
    assert!(scene.api.load_run(RunPk(1)).await.unwrap().is_none());
    assert!(scene.api.load_game("div").await.unwrap().is_some());
}

#[tokio::test]
async fn an_account_is_made_with_a_password_that_is_typed_twice() {
    let scene = Scene::new().await;
    let make = ["create-user", "t@div.edu", "--staff", "--first-name", "Tea"];
    let (outcome, _) = scene.run(&make, "one\nother\n").await;
    assert_eq!(outcome.unwrap_err().to_string(), "the passwords are not the same, start again");
    scene.done(&make, "secret\nsecret\n").await;
    let user = scene.api.authenticate("t@div.edu", "secret").await.unwrap();
    assert!(user.is_staff && !user.is_superuser && user.first_name == "Tea");
    let (outcome, _) = scene.run(&make, "secret\nsecret\n").await;
    let error = outcome.unwrap_err().to_string();
    assert_eq!(error, "email: A user with that email address already exists.");
    let (outcome, _) = scene.run(&["create-user", "nobody"], "x\nx\n").await;
    assert_eq!(outcome.unwrap_err().to_string(), "email: Enter a valid email address.");
}

#[tokio::test]
async fn the_documented_account_is_what_the_documentation_says() {
    let scene = Scene::new().await;
    let line = "Created superuser 'simpl@simpl.world' with password 'simpl'.\n";
    assert_eq!(scene.done(&["create-simpl-user"], "").await, line);
    let seq = scene.api.last_seq().await.unwrap();
    assert_eq!(scene.done(&["create-simpl-user"], "").await, line);
    assert_eq!(scene.api.last_seq().await.unwrap(), seq, "nothing had to be changed");
    let worse = crate::tests::fixture::change(
        Resource::User,
        1,
        serde_json::json!({"password": "other", "is_superuser": false}),
    );
    scene.api.commit(crate::tests::fixture::unit([worse])).await.unwrap();
    assert_eq!(scene.done(&["create-simpl-user"], "").await, line);
    assert!(scene.api.authenticate("simpl@simpl.world", "simpl").await.unwrap().is_superuser);
}

#[tokio::test]
async fn the_setup_asks_for_what_is_missing() {
    let scene = Scene::new().await;
    let printed = scene.done(&["setup"], "staff@div.edu\nsecret\nsecret\n").await;
    assert!(printed.starts_with("=== Setup Simpl API ===\n"), "{printed}");
    assert!(printed.contains("create-user --superuser` makes others:\n  simpl@simpl.world\n"));
    assert!(printed.ends_with("-- Staff User staff@div.edu created ---\n"), "{printed}");
    let again = scene.done(&["setup"], "n\n").await;
    assert!(again.contains("These staff users exist:\n  staff@div.edu\n"), "{again}");
    let (outcome, _) = scene.run(&["setup"], "y\nstaff\n").await;
    assert_eq!(outcome.unwrap_err().to_string(), "`staff` is no e-mail address, start again");
    let (outcome, _) = scene.run(&["setup"], "y\n").await;
    assert!(outcome.unwrap_err().to_string().starts_with("standard input has ended"));
}

#[tokio::test]
async fn a_run_is_exported_into_a_file_that_does_not_exist_yet() {
    let scene = Scene::new().await;
    let path = scene.directory.path().join("run.jsonl");
    let args = ["export", "1", "--out", path.to_str().unwrap()];
    let printed = scene.done(&args, "").await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(printed, format!("wrote {} bytes to {}\n", text.len(), path.display()));
    assert!(text.starts_with("{\"resource\":\"game\""), "{text}");
    let (outcome, _) = scene.run(&args, "").await;
    assert!(outcome.unwrap_err().to_string().starts_with("cannot write"));
    let (outcome, _) = scene.run(&["export", "9"], "").await;
    assert_eq!(outcome.unwrap_err().to_string(), "there is no run 9");
}

#[tokio::test]
async fn an_import_tells_what_was_left_out_and_what_was_not() {
    let Some(original) = crate::takeover::tests::original().await else { return };
    let directory = TempDir::new().unwrap();
    let api = GamesApi::open(Options::new(directory.path().join("games.db"))).await.unwrap();
    let scene = Scene { api, directory };
    let args = ["import", "--from", &original.url()];
    let (outcome, printed) = scene.run(&[&args[..], &["--strict"]].concat(), "").await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.ends_with("so nothing was taken over"), "{error}");
    assert!(printed.contains("left out: games_game 4: slug: The slug \"user\" is reserved.\n"));
    assert_eq!(scene.done(&args, "").await, printed, "the same, but for what became of it");
    assert!(printed.contains("changed: games_run 6: its phase 13 "), "{printed}");
    let table: Vec<&str> = printed.lines().skip_while(|line| line.contains(':')).collect();
    assert_eq!(table[0], "                    read    imported    left out");
    assert_eq!(table[1], "users                  4           2           2");
    assert_eq!(table.len(), 1 + 13);
    let (outcome, _) = scene.run(&args, "").await;
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "the database is not empty, take over into a new one"
    );
    let (outcome, _) = scene.run(&["import", "--from", "my secret"], "").await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.starts_with("`--from` names no PostgreSQL server"), "{error}");
}

#[test]
fn what_is_wrong_with_the_command_line_is_said_in_one_line() {
    let told = |args: &[&str]| {
        let error = Cli::try_parse_from([&["games-api"], args].concat()).unwrap_err();
        in_one_line(&error.render().to_string())
    };
    let missing = "the following required arguments were not provided: <EMAIL>";
    assert_eq!(told(&["create-user"]), missing);
    assert!(told(&["serve", "--bind", "here"]).starts_with("invalid value 'here' for '--bind"));
}

#[test]
fn a_database_is_a_file_or_a_server() {
    let parse = |args: &[&str]| {
        let cli = Cli::try_parse_from([&["games-api"], args].concat()).unwrap();
        assert!(matches!(cli.command, Command::Migrate));
        options(&cli.database, cli.wait).unwrap()
    };
    let file = parse(&["migrate", "--database", "x.sqlite3", "--wait", "3"]);
    assert!(matches!(&file.database, Database::Sqlite(path) if path.ends_with("x.sqlite3")));
    assert_eq!(file.patience, Duration::from_secs(3));
    let server = parse(&["--database", "postgres://me:secret@h/x", "migrate"]);
    assert!(matches!(&server.database, Database::Postgres(_)));
    assert!(!format!("{server:?}").contains("secret"));
}
