//! Where the service takes its settings from, and what it says about them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use black_box::{Binaries, Finished, Service, run_to_end_with};
use serde_json::Value;
use tempfile::TempDir;

/// A directory with a file of settings.
struct Settings {
    path: PathBuf,
    _dir: TempDir,
}

impl Settings {
    fn write(text: &str, mode: u32) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("div.toml");
        fs::write(&path, text)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        Ok(Self { path, _dir: dir })
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap_or_default()
    }
}

async fn run(args: &[&str], variables: &[(&str, &str)]) -> Result<Finished> {
    run_to_end_with(&Binaries::get()?.service, args, variables, "").await
}

/// The value and the source of a setting, as `config` lists them.
fn listed<'a>(finished: &'a Finished, name: &str) -> Result<(&'a str, &'a str)> {
    let lines = finished.stdout.lines().filter_map(|line| line.split_once(' '));
    let found = lines.into_iter().find(|(first, _)| *first == name);
    let (_, rest) = found.with_context(|| format!("no `{name}` in {finished:?}"))?;
    let (value, source) = rest.trim().split_once(' ').context("a value and a source")?;
    Ok((value, source.trim()))
}

#[tokio::test]
async fn each_source_goes_before_those_below_it() -> Result<()> {
    let text = "realm = \"file\"\ngame-slug = \"file\"\ngame_name = \"file\"\n";
    let settings = Settings::write(text, 0o644)?;
    let args = ["config", "--config", settings.path(), "--realm", "flag"];
    let variables = [("DIV_REALM", "variable"), ("GAME_SLUG", "variable")];
    let finished = run(&args, &variables).await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let file = format!("file {}", settings.path());
    assert_eq!(listed(&finished, "realm")?, ("flag", "flag --realm"));
    assert_eq!(listed(&finished, "game-slug")?, ("variable", "variable GAME_SLUG"));
    assert_eq!(listed(&finished, "game-name")?, ("file", file.as_str()));
    assert_eq!(listed(&finished, "root-topic")?, ("world.simpl.sims.div", "default"));

    let finished = run(&["config"], &[("DIV_CONFIG", settings.path())]).await?;
    assert_eq!(listed(&finished, "realm")?, ("file", file.as_str()));
    Ok(())
}

#[tokio::test]
async fn the_service_starts_as_its_file_says() -> Result<()> {
    let text = "game-slug = \"other\"\ngame-name = \"Other\"\nlog-format = \"json\"\n";
    let settings = Settings::write(text, 0o644)?;
    let mut service = Service::start(&["--config", settings.path()]).await?;
    let rest = black_box::Rest::staff(service.api_url())?;
    assert_eq!(rest.get("games/other/").await?["name"], "Other");

    let stopped = service.sigterm().await?;
    assert_eq!(stopped, Some(0));
    service.logged("stopping").await?;
    for line in service.stderr() {
        let event: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
        for key in ["timestamp", "level", "target", "message"] {
            assert!(event[key].is_string(), "no `{key}` in {line}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn why_it_ends_is_in_a_log_of_json_and_said_without_a_log() -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    let path = file.path().to_str().unwrap_or_default();
    let binds = ["--bind", "127.0.0.1:0", "--games-bind", "127.0.0.1:0"];
    let args = [&binds[..], &["--data-dir", path, "--log-format", "json"]].concat();
    let finished = run(&args, &[]).await?;
    let event: Value = serde_json::from_str(&finished.stderr)?;
    assert_eq!((finished.code, &event["level"]), (Some(1), &Value::from("ERROR")));
    assert!(event["message"].as_str().is_some_and(|text| text.contains(path)), "{event}");

    let finished = run(&args, &[("DIV_LOG", "off")]).await?;
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.starts_with("error: "), "{finished:?}");
    Ok(())
}

#[tokio::test]
async fn secrets_are_not_listed() -> Result<()> {
    let text = "games-password = \"geheim\"\ndatabase-url = \"postgres://me:geheim@host/name\"\n";
    let settings = Settings::write(text, 0o600)?;
    let args = ["config", "--config", settings.path()];
    let finished = run(&args, &[("CALLBACK_SECRET", "geheim")]).await?;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!format!("{finished:?}").contains("geheim"), "{finished:?}");
    for name in ["games-password", "database-url", "callback-secret"] {
        assert_eq!(listed(&finished, name)?.0, "***");
    }
    Ok(())
}

#[tokio::test]
async fn the_example_can_be_read_back() -> Result<()> {
    let example = run(&["--print-config"], &[]).await?;
    assert_eq!((example.code, example.stderr.as_str()), (Some(0), ""));
    for text in ["DIV_GAMES_BIND", "#games-bind = \"127.0.0.1:8100\"", "port 0 chooses"] {
        assert!(example.stdout.contains(text), "no {text} in:\n{}", example.stdout);
    }
    let settings = Settings::write(&example.stdout, 0o644)?;
    let with = run(&["--config", settings.path(), "config"], &[]).await?;
    let without = run(&["config"], &[]).await?;
    assert_eq!((with.code, with.stdout), (Some(0), without.stdout));
    Ok(())
}

#[tokio::test]
async fn everything_that_is_wrong_is_listed() -> Result<()> {
    let text = "games-bind = \"here\"\nnobody = 1\nrest-after = \"soon\"\nno-seed = maybe\n";
    let settings = Settings::write(text, 0o644)?;
    let args = ["--config", settings.path(), "--bind", "there"];
    let finished = run(&args, &[("DIV_REALM", "a b"), ("CALLBACK_URL", "nowhere")]).await?;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{finished:?}");
    let in_file = |text: &str| format!("error: {}: {text}", settings.path());
    let expected = [
        in_file("\"games-bind\" cannot be `here`"),
        in_file("\"nobody\""),
        in_file("\"rest-after\""),
        in_file("line 4"),
        "error: --bind cannot be `there`".to_owned(),
        "error: the variable CALLBACK_URL cannot be `nowhere`".to_owned(),
        "error: the variable DIV_REALM cannot be `a b`".to_owned(),
    ];
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{}", finished.stderr);
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected), "{line} for {expected}");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_not_there_is_one_line() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("none.toml");
    let path = path.to_str().unwrap_or_default();
    for (args, variables) in
        [(&["--config", path][..], &[][..]), (&[][..], &[("DIV_CONFIG", path)][..])]
    {
        let finished = run(args, variables).await?;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        let is_told = finished.stderr.lines().count() == 1 && finished.stderr.contains(path);
        assert!(is_told, "{finished:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_with_a_secret_must_be_for_its_owner_only() -> Result<()> {
    for text in [
        "games-password = \"geheim\"",
        "callback-secret = \"geheim\"",
        "database-url = \"postgres://me:geheim@host/name\"",
    ] {
        let settings = Settings::write(text, 0o640)?;
        let finished = run(&["--config", settings.path()], &[]).await?;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        let advice = format!("chmod 600 {}", settings.path());
        let is_told = finished.stderr.lines().count() == 1 && finished.stderr.contains(&advice);
        assert!(is_told && !finished.stderr.contains("geheim"), "{finished:?}");

        fs::set_permissions(&settings.path, Permissions::from_mode(0o600))?;
        let finished = run(&["--config", settings.path(), "config"], &[]).await?;
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    Ok(())
}
