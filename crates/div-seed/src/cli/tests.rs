//! Options as they are typed.

use super::*;

fn parse(options: &[&str]) -> Args {
    Args::try_parse_from(["div-seed"].iter().chain(options)).unwrap()
}

fn error(options: &[&str]) -> clap::Error {
    Args::try_parse_from(["div-seed"].iter().chain(options)).unwrap_err()
}

#[test]
fn the_command_is_well_formed() {
    Args::command().debug_assert();
}

#[test]
fn naming_the_default_run_is_the_same_as_naming_none() {
    assert_eq!(parse(&["-n", "default"]).options(), parse(&[]).options());
    assert_eq!(parse(&[]).options(), SeedOptions::new("div", "Div"));
}

#[test]
fn every_option_is_taken_over() {
    let options = parse(&[
        "--reset",
        "-y",
        "--name",
        "spring",
        "--worlds",
        "150",
        "--test-scenarios",
        "--game-slug",
        "simpl-div",
        "--game-name",
        "Simpl Div",
    ]);
    let expected = SeedOptions {
        run: "spring".parse().unwrap(),
        worlds: 150,
        test_scenarios: true,
        reset: Reset::Yes,
        ..SeedOptions::new("simpl-div", "Simpl Div")
    };
    assert_eq!(options.options(), expected);
}

#[test]
fn noinput_alone_deletes_nothing() {
    assert_eq!(parse(&["--noinput"]).options().reset, Reset::No);
    assert_eq!(parse(&["--reset"]).options().reset, Reset::Ask);
}

#[test]
fn options_win_over_the_environment_one_by_one() {
    let account = |options: &[&str]| {
        let account = parse(options).connection.account().unwrap();
        format!("{} {}", account.email, account.password)
    };
    assert_eq!(account(&[]), "simpl@simpl.world simpl");
    assert_eq!(account(&["--auth", "a@b.c:x:y"]), "a@b.c x:y");
    assert_eq!(account(&["--auth", "a@b.c:x", "--email", "d@e.f"]), "d@e.f x");
    assert_eq!(account(&["--auth", "a@b.c:x", "--password", "z"]), "a@b.c z");
}

#[test]
fn what_makes_no_sense_is_bad_usage() {
    for options in [
        &["--name", ""],
        &["--name", "  "],
        &["--name", "a b"],
        &["--worlds", "0"],
        &["--worlds", "10001"],
        &["--game-slug", "a/b"],
        &["--game-name", " "],
    ] {
        assert_eq!(error(options).exit_code(), 2, "{options:?}");
    }
    let args = parse(&["--games-url", "localhost:8100"]);
    assert_eq!(args.connection.client().unwrap_err().exit_code(), 2);
}

#[test]
fn passwords_are_not_shown() {
    let args = parse(&["--auth", "geheim", "--password", "geheim"]);
    assert!(!format!("{args:?}").contains("geheim"));
    let error = args.connection.account().err().unwrap();
    assert_eq!(error.exit_code(), 2);
    assert!(!format!("{error} {error:?}").contains("geheim"));
}
