//! Where settings come from, what is wrong with them, and what is shown of them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

/// A file with settings, in a directory of its own.
struct Written {
    path: String,
    _dir: TempDir,
}

fn write(text: &str, mode: u32) -> Written {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("div.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    Written { path: path.to_str().unwrap().to_owned(), _dir: dir }
}

fn load_with(args: &[&str], variables: &[(&str, &str)]) -> Result<Loaded, Unloaded> {
    let args = [&["div-service"], args].concat();
    load(args.into_iter().map(OsString::from), &|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
    })
}

fn problems(args: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    match load_with(args, variables) {
        Err(Unloaded::Problems(problems)) => problems,
        other => panic!("no problems: {other:?}"),
    }
}

/// The value and the source of a setting, as they are listed.
fn listed(loaded: &Loaded, name: &str) -> (String, String) {
    let entry = loaded.entries.iter().find(|entry| entry.name == name).unwrap();
    (entry.value.clone(), entry.source.to_string())
}

#[test]
fn flags_go_before_variables_before_the_file_before_defaults() {
    let file = write("realm = \"file\"\ngame-slug = \"file\"\ngame_name = \"file\"\n", 0o644);
    let args = ["--config", &file.path, "--realm", "flag"];
    let loaded = load_with(&args, &[("DIV_REALM", "variable"), ("GAME_SLUG", "variable")]).unwrap();
    let settings = &loaded.settings;
    let names = [&settings.realm, &settings.game_slug, &settings.game_name, &settings.log];
    assert_eq!(names, ["flag", "variable", "file", "info"]);

    let place = format!("file {}", file.path);
    for (name, value, source) in [
        ("realm", "flag", "flag --realm"),
        ("game-slug", "variable", "variable GAME_SLUG"),
        ("game-name", "file", &place),
        ("log", "info", "default"),
    ] {
        assert_eq!(listed(&loaded, name), (value.to_owned(), source.to_owned()), "{name}");
    }
}

#[test]
fn a_variable_names_the_file_unless_a_flag_does() {
    let (one, other) = (write("realm = \"one\"", 0o644), write("realm = \"other\"", 0o644));
    let variables = [("DIV_CONFIG", one.path.as_str())];
    assert_eq!(load_with(&[], &variables).unwrap().settings.realm, "one");
    let loaded = load_with(&["--config", &other.path], &variables).unwrap();
    assert_eq!(loaded.settings.realm, "other");
}

#[test]
fn every_kind_of_value_can_stand_in_a_file() {
    let text = "bind = \"127.0.0.1:0\"\nno-seed = true\nstep_periods = false\nrest-after = 0x10\n\
                callback-from = [\"10.0.0.1\", \"::1\"]\nlog-format = \"json\"\n";
    let settings = load_with(&["--config", &write(text, 0o644).path], &[]).unwrap().settings;
    assert_eq!(settings.bind.to_string(), "127.0.0.1:0");
    assert!(settings.no_seed && !settings.step_periods);
    assert_eq!(settings.rest_after, 16);
    assert_eq!(settings.callback_from.len(), 2);
    assert_eq!(settings.log_format, crate::LogFormat::Json);
}

#[test]
fn a_flag_can_be_turned_off_by_a_variable() {
    let file = write("no-seed = true", 0o644);
    let args = ["--config", &file.path];
    assert!(load_with(&args, &[]).unwrap().settings.no_seed);
    assert!(!load_with(&args, &[("DIV_NO_SEED", "off")]).unwrap().settings.no_seed);
    assert!(load_with(&["--no-seed"], &[("DIV_NO_SEED", "off")]).unwrap().settings.no_seed);
}

#[test]
fn addresses_of_a_flag_take_the_place_of_those_of_a_file() {
    let file = write("callback-from = [\"10.0.0.1\", \"10.0.0.2\"]", 0o644);
    let args = ["--config", &file.path, "--callback-from", "::1"];
    let loaded = load_with(&args, &[]).unwrap();
    assert_eq!(listed(&loaded, "callback-from").0, "::1");
    assert_eq!(loaded.settings.callback_from.len(), 1);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "games-bind = \"here\"\nrealm = unquoted\nnobody = 1\nrest-after = \"5\"\n\
                no-seed = \"yes\"\nlog-format = \"xml\"\ngame-name = 5\n[section]\n";
    let file = write(text, 0o644);
    let args = ["--config", &file.path, "--bind", "there", "--nobody"];
    let variables = [("GAME_SLUG", "my game"), ("DIV_STEP_PERIODS", "perhaps")];
    let found = problems(&args, &variables);
    let of_file = |text: &str| format!("{}: {text}", file.path);
    let expected = [
        "unexpected argument '--nobody' found".to_owned(),
        of_file("\"games-bind\" cannot be `here`: "),
        of_file("line 2 is no TOML: "),
        of_file("\"nobody\" is no setting"),
        of_file("\"rest-after\" must be a whole number"),
        of_file("\"no-seed\" must be `true` or `false`"),
        of_file("\"log-format\" cannot be `xml`: choose among `text`, `json`"),
        of_file("\"game-name\" must be a text in quotes"),
        of_file("\"section\" is no setting"),
        "--bind cannot be `there`: ".to_owned(),
        "the variable GAME_SLUG cannot be `my game`: ".to_owned(),
        "the variable DIV_STEP_PERIODS cannot be `perhaps`: ".to_owned(),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found.starts_with(expected) && !found.contains('\n'), "{found} for {expected}");
    }
}

#[test]
fn a_malformed_variable_does_not_matter_beside_a_flag() {
    let loaded = load_with(&["--realm", "flag"], &[("DIV_REALM", "a b")]).unwrap();
    assert_eq!(loaded.settings.realm, "flag");
}

#[test]
fn a_key_that_is_spelled_twice_is_refused() {
    let file = write("game-slug = \"a\"\ngame_slug = \"b\"\n", 0o644);
    let found = problems(&["--config", &file.path], &[]);
    assert!(found.len() == 1 && found[0].contains("twice"), "{found:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("none.toml"), dir.path().to_owned()] {
        let path = path.to_str().unwrap();
        let found = problems(&["--config", path], &[]);
        assert!(found.len() == 1 && found[0].contains(path), "{found:?}");
    }
}

#[test]
fn a_file_with_a_secret_is_for_its_owner_only() {
    let secrets = [
        "games-password = \"geheim\"",
        "callback_secret = \"geheim\"",
        "database-url = \"postgres://user:geheim@host/name\"",
        "database-url = \"postgres://host/name?user=x&password=geheim\"",
        "games-url = \"http://user:geheim@host/apis\"",
    ];
    for text in secrets {
        load_with(&["--config", &write(text, 0o600).path], &[]).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            let file = write(text, mode);
            let found = problems(&["--config", &file.path], &[]);
            let advice = format!("`chmod 600 {}`", file.path);
            assert!(found.len() == 1 && found[0].contains(&advice), "{text}: {found:?}");
            assert!(!found[0].contains("geheim"), "{found:?}");
        }
    }
    load_with(&["--config", &write("database-url = \"postgres://host/name\"", 0o644).path], &[])
        .unwrap();
}

#[test]
fn no_secret_is_shown() {
    let secrets = [
        ("SIMPL_PASS", "geheim"),
        ("CALLBACK_SECRET", "a://geheim"),
        ("DATABASE_URL", "postgres://user:geheim@host/name"),
        ("SIMPL_GAMES_URL", "http://user:geheim@host/apis"),
    ];
    let loaded = load_with(&[], &secrets).unwrap();
    let listing = loaded.listing();
    assert!(!listing.contains("geheim"), "{listing}");
    assert_eq!(
        listed(&loaded, "database-url"),
        ("***".to_owned(), "variable DATABASE_URL".to_owned())
    );

    for malformed in ["mysql://user:geheim@host/name", "password=geheim"] {
        let found = problems(&["--database-url", malformed], &[]);
        assert!(!found[0].contains("geheim"), "{found:?}");
    }
    let broken = write("games-password = \"geheim\ncallback-secret = geheim", 0o600);
    let found = problems(&["--config", &broken.path], &[]);
    assert!(!found.concat().contains("geheim"), "{found:?}");
}

#[test]
fn a_listed_setting_is_one_line() {
    let loaded = load_with(&["--game-name", "Simpl\nDiv"], &[("HOSTNAME", "")]).unwrap();
    let listing = loaded.listing();
    assert_eq!(listing.lines().count(), cli::settings().get_arguments().count());
    assert_eq!(listed(&loaded, "game-name").0, "\"Simpl\\nDiv\"");
    assert_eq!(listed(&loaded, "hostname").0, "\"\"");
}

#[test]
fn settings_may_stand_before_a_command_and_behind_it() {
    for args in [["--realm", "there", "config"], ["config", "--realm", "there"]] {
        let loaded = load_with(&args, &[]).unwrap();
        assert!(matches!(loaded.command, Some(Command::Config)));
        assert_eq!(listed(&loaded, "realm"), ("there".to_owned(), "flag --realm".to_owned()));
    }
    assert!(load_with(&[], &[]).unwrap().command.is_none());
    assert!(load_with(&["config", "--no-seed"], &[]).unwrap().settings.no_seed);
}

#[test]
fn help_is_shown_whatever_else_is_wrong() {
    for args in [&["--help"][..], &["--bind", "x", "--help"], &["--version"], &["config", "-h"]] {
        assert!(matches!(load_with(args, &[]), Err(Unloaded::Help(_))), "{args:?}");
    }
}

#[test]
fn the_example_is_what_holds_without_it() {
    let Err(Unloaded::Example(example)) = load_with(&["--print-config"], &[]) else {
        panic!("no example");
    };
    let defaults = load_with(&[], &[]).unwrap();
    let same = load_with(&["--config", &write(&example, 0o644).path], &[]).unwrap();
    assert_eq!(same.listing(), defaults.listing());

    // The defaults are valid without the `#`, too.
    let is_set = |line: &&str| !line.starts_with("# ") && !line.ends_with("= \"\"");
    let whole: Vec<String> =
        example.lines().filter(is_set).map(|line| line.trim_start_matches('#').into()).collect();
    let file = write(&whole.join("\n"), 0o600);
    let loaded = load_with(&["--config", &file.path], &[]).unwrap();
    for (entry, default) in loaded.entries.iter().zip(&defaults.entries) {
        assert_eq!(entry.value, default.value, "{}", entry.name);
    }
}

#[test]
fn the_documentation_has_the_settings_of_today() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/SETTINGS.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- made from the code: begin -->\n", "<!-- made from the code: end -->");
    let (head, rest) = page.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    let expected = format!("{head}{begin}{}{end}{tail}", reference());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, expected).unwrap();
    } else {
        assert!(page == expected, "run `UPDATE_DOCS=1 cargo test -p div-service`");
    }
}
