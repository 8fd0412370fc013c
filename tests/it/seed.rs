//! The command that creates the default environment, line by line.

use anyhow::Result;
use black_box::{Binaries, Div, Rest, run_to_end};
use serde_json::json;

const HEAD: [&str; 8] = [
    "getting or creating game: Div",
    "getting or creating role: Dividend",
    "getting or creating role: Divisor",
    "getting or creating phase: Play",
    "getting or creating phase: Debrief",
    "getting or creating run: default",
    "setting run to phase: Play",
    "",
];

/// The lines for players named `player1` and so on, two per world.
fn expected_lines(run: &str, player: &str, worlds: usize, test_scenarios: bool) -> Vec<String> {
    let mut lines: Vec<String> = HEAD[..7].iter().map(|line| (*line).to_owned()).collect();
    lines[5] = format!("getting or creating run: {run}");
    for world in 1..=worlds {
        lines.push(format!("getting or creating world: World {world}"));
        lines.push("getting or creating user: leader@div.edu".to_owned());
        lines.push("getting or creating leader runuser for user: leader@div.edu".to_owned());
        for number in [2 * world - 1, 2 * world] {
            let email = format!("{player}{number}@div.edu");
            lines.push(format!("getting or creating user: {email}"));
            lines.push(format!("getting or creating runuser for user: {email}"));
            if test_scenarios {
                lines.push(format!("getting or creating test scenario for user: {email}"));
            }
        }
    }
    lines
}

fn lines(stdout: &str) -> Vec<String> {
    stdout.lines().map(str::to_owned).collect()
}

/// How many objects there are of each kind.
async fn counts(rest: &Rest) -> Result<Vec<(&'static str, usize)>> {
    let mut counts = Vec::new();
    for resource in [
        "games",
        "roles",
        "phases",
        "runs",
        "worlds",
        "users",
        "runusers",
        "scenarios",
        "periods",
        "decisions",
        "results",
    ] {
        counts.push((resource, rest.list(&format!("{resource}/")).await?.len()));
    }
    Ok(counts)
}

async fn empty() -> Result<Div> {
    Div::start(&["--no-seed"]).await
}

async fn default_runs(div: &Div) -> Result<Vec<u64>> {
    let runs = div.rest.list("runs/?name=default").await?;
    Ok(runs.iter().filter_map(|run| run["id"].as_u64()).collect())
}

#[tokio::test]
async fn the_default_environment_is_created_with_its_lines() -> Result<()> {
    let div = empty().await?;
    let seeded = div.seed(&[], "").await?;
    assert_eq!((seeded.code, seeded.stderr.as_str()), (Some(0), ""));
    assert_eq!(lines(&seeded.stdout), expected_lines("default", "s", 2, false));

    let environment = div.environment("default").await?;
    let run = div.rest.get(&format!("runs/{}/", environment.run)).await?;
    assert_eq!(run["phase"], environment.phases["Play"]);
    for (email, name, leader, role, world) in [
        ("leader@div.edu", ("Div", "Leader"), true, None, None),
        ("s1@div.edu", ("Student1", "User"), false, Some("Dividend"), Some(0)),
        ("s2@div.edu", ("Student2", "User"), false, Some("Divisor"), Some(0)),
        ("s3@div.edu", ("Student3", "User"), false, Some("Dividend"), Some(1)),
        ("s4@div.edu", ("Student4", "User"), false, Some("Divisor"), Some(1)),
    ] {
        let runuser = &environment.runusers[email];
        let names = (runuser["first_name"].as_str(), runuser["last_name"].as_str());
        assert_eq!(names, (Some(name.0), Some(name.1)), "{email}");
        assert_eq!(runuser["leader"], leader, "{email}");
        assert_eq!(runuser["role"], json!(role.map(|role| environment.roles[role])), "{email}");
        let world: Option<usize> = world;
        let world = world.map(|index| environment.worlds[index].world);
        assert_eq!(runuser["world"], json!(world), "{email}");
        div.login(email).await?;
    }
    assert_eq!(environment.runusers.len(), 5);
    Ok(())
}

#[tokio::test]
async fn the_second_time_nothing_changes_but_the_phase() -> Result<()> {
    let div = empty().await?;
    let first = div.seed(&[], "").await?;
    let before = counts(&div.rest).await?;
    let environment = div.environment("default").await?;
    let run = format!("runs/{}/", environment.run);
    div.rest.patch(&run, &json!({"phase": environment.phases["Debrief"]})).await?;

    let second = div.seed(&[], "").await?;
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(second.stdout, first.stdout);
    assert_eq!(counts(&div.rest).await?, before);
    assert_eq!(div.rest.get(&run).await?["phase"], environment.phases["Play"]);
    assert_eq!(div.environment("default").await?.worlds, environment.worlds);
    Ok(())
}

#[tokio::test]
async fn a_player_who_was_moved_is_put_back() -> Result<()> {
    let div = empty().await?;
    div.seed(&[], "").await?;
    let environment = div.environment("default").await?;
    let s1 = &environment.runusers["s1@div.edu"];
    let path = format!("runusers/{}/", s1["id"]);
    let elsewhere = environment.worlds[1].world;
    div.rest.patch(&path, &json!({"world": elsewhere})).await?;
    assert_eq!(div.seed(&[], "").await?.code, Some(0));
    assert_eq!(div.rest.get(&path).await?["world"], environment.worlds[0].world);
    Ok(())
}

#[tokio::test]
async fn a_reset_asks_and_obeys() -> Result<()> {
    let div = empty().await?;
    div.seed(&[], "").await?;
    let before = default_runs(&div).await?;
    let question = "Are you sure you want to delete the \"default\" game run and recreate from \
                    scratch? [y/N]:";

    let no = div.seed(&["--reset"], "n\n").await?;
    assert_eq!(no.code, Some(0), "{}", no.stderr);
    assert!(format!("{}{}", no.stdout, no.stderr).contains(question), "{no:?}");
    assert!(no.stdout.contains("getting or creating world: World 2"), "{no:?}");
    assert_eq!(default_runs(&div).await?, before);

    // The end of the input is no consent.
    div.seed(&["--reset"], "").await?;
    assert_eq!(default_runs(&div).await?, before);

    let yes = div.seed(&["--reset"], "y\n").await?;
    assert_eq!(yes.code, Some(0), "{}", yes.stderr);
    assert!(yes.stdout.contains("Resetting the Div game run... done"), "{yes:?}");
    let after = default_runs(&div).await?;
    assert!(after.len() == 1 && after != before);
    assert_eq!(div.rest.list("users/?email=s1@div.edu").await?.len(), 1);

    let silent = div.seed(&["--reset", "-y"], "").await?;
    assert_eq!(silent.code, Some(0), "{}", silent.stderr);
    assert_ne!(default_runs(&div).await?, after);
    Ok(())
}

#[tokio::test]
async fn a_reset_without_a_run_asks_nothing() -> Result<()> {
    let div = empty().await?;
    let seeded = div.seed(&["--reset"], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    assert_eq!(lines(&seeded.stdout), expected_lines("default", "s", 2, false));
    Ok(())
}

#[tokio::test]
async fn a_named_run_has_players_of_its_own() -> Result<()> {
    let div = empty().await?;
    let seeded = div.seed(&["-n", "spring"], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    assert_eq!(lines(&seeded.stdout), expected_lines("spring", "spring", 2, false));
    let environment = div.environment("spring").await?;
    let player = &environment.runusers["spring3@div.edu"];
    assert_eq!(
        (&player["first_name"], &player["last_name"]),
        (&json!("Student3"), &json!("Spring"))
    );
    div.login("spring3@div.edu").await?;
    Ok(())
}

#[tokio::test]
async fn the_name_default_is_no_name() -> Result<()> {
    let div = empty().await?;
    let first = div.seed(&[], "").await?;
    let before = counts(&div.rest).await?;
    let second = div.seed(&["-n", "default"], "").await?;
    assert_eq!(second.stdout, first.stdout);
    assert_eq!(counts(&div.rest).await?, before);
    Ok(())
}

#[tokio::test]
async fn test_scenarios_are_made_when_asked_for() -> Result<()> {
    let div = empty().await?;
    let seeded = div.seed(&["--test-scenarios"], "").await?;
    assert_eq!(lines(&seeded.stdout), expected_lines("default", "s", 2, true));
    let scenarios = div.rest.list("scenarios/?name=Test Scenario 1").await?;
    assert_eq!(scenarios.len(), 4);
    for scenario in scenarios {
        assert!(scenario["runuser"].is_u64() && scenario["world"].is_null(), "{scenario}");
        let pk = scenario["id"].as_u64().unwrap_or_default();
        assert_eq!(div.periods(pk).await?.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn more_worlds_come_with_more_players_in_the_same_order() -> Result<()> {
    let div = empty().await?;
    let seeded = div.seed(&["--worlds", "12"], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    assert_eq!(lines(&seeded.stdout), expected_lines("default", "s", 12, false));
    let environment = div.environment("default").await?;
    assert_eq!((environment.worlds.len(), environment.runusers.len()), (12, 25));
    let s24 = &environment.runusers["s24@div.edu"];
    assert_eq!(s24["role"], environment.roles["Divisor"]);
    let world = s24["world"].as_u64().unwrap_or_default();
    assert_eq!(div.rest.get(&format!("worlds/{world}/")).await?["name"], "World 12");
    Ok(())
}

#[tokio::test]
async fn an_api_that_is_not_there_is_one_line_and_exit_code_1() -> Result<()> {
    // Bound and dropped: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let url = format!("http://127.0.0.1:{port}/apis/");
    let args = ["--games-url", url.as_str()];
    let seeded = run_to_end(&Binaries::get()?.seed, &args, "").await?;
    assert_eq!(seeded.code, Some(1), "{seeded:?}");
    assert_eq!(seeded.stderr.lines().count(), 1, "{seeded:?}");
    assert!(seeded.stderr.starts_with("error: "), "{seeded:?}");
    assert!(seeded.stderr.contains(&format!("127.0.0.1:{port}")), "{seeded:?}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_one_line_and_exit_code_1() -> Result<()> {
    let div = empty().await?;
    let args = ["--email", "simpl@simpl.world", "--password", "not-this-one"];
    let seeded = div.seed(&args, "").await?;
    assert_eq!(seeded.code, Some(1), "{seeded:?}");
    assert_eq!(seeded.stderr.lines().count(), 1, "{seeded:?}");
    assert!(seeded.stderr.starts_with("error: "), "{seeded:?}");
    assert!(!seeded.stderr.contains("not-this-one"), "{seeded:?}");
    assert_eq!(div.rest.list("games/").await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn bad_usage_is_exit_code_2() -> Result<()> {
    for args in [&["--worlds", "0"][..], &["-n", ""], &["-n", "two words"], &["--nonsense"]] {
        let seeded = run_to_end(&Binaries::get()?.seed, args, "").await?;
        assert_eq!(seeded.code, Some(2), "{args:?}: {seeded:?}");
    }
    Ok(())
}
