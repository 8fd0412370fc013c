//! Configurations that are right, and what is said of those that are not.

use std::fs;
use std::time::Duration;

use super::*;
use crate::Action;
use crate::limits::SlowSubscriber;
use crate::transport::Origins;

/// The least that is a configuration, in four lines.
const LEAST: &str = "[[listen]]\ntransport = \"rawsocket\"\naddress = \"127.0.0.1:0\"\n\
                     [[realms]]\nname = \"realm1\"\n";
/// As many lines behind which something else may stand.
const LINES: usize = 5;

fn parse(text: &str) -> Result<Config, Vec<String>> {
    Config::parse(text, Path::new("/nowhere")).map(|(config, _)| config)
}

/// Returns what is wrong with a text.
fn problems(text: &str) -> Vec<String> {
    parse(text).err().unwrap_or_default()
}

/// Compares what is wrong with something behind [`LEAST`], without the lines of its problems.
#[track_caller]
fn check(more: &str, expected: &[&str]) {
    let found = problems(&format!("{LEAST}{more}"));
    let found: Vec<_> = found.iter().map(|problem| problem.split_once(": ").unwrap().1).collect();
    assert_eq!(found, expected, "{more}");
}

#[test]
fn least_configuration_is_enough() {
    let config = parse(LEAST).unwrap();
    assert_eq!(config.realms.len(), 1);
    assert!(matches!(config.listeners[..], [Listen::RawSocket { tls: None, .. }]));
    assert_eq!((config.uris, config.disclose), (UriRule::Loose, false));
    assert_eq!(config.attempts, AttemptLimits::default());
    assert_eq!(format!("{:?}", config.limits), format!("{:?}", Limits::default()));
}

#[test]
fn printed_example_is_accepted() {
    let config = parse(EXAMPLE).unwrap();
    assert!(matches!(
        &config.listeners[..],
        [Listen::WebSocket { path, origins: Origins::Any, tls: None, .. }] if path == "/ws"
    ));
    assert_eq!(config.realms[0].name, "realm1");
}

#[test]
fn settings_of_the_example_that_are_not_in_force_are_accepted_and_are_the_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (name, text) in [
        ("server.pem", pair.cert.pem()),
        ("server.key", pair.signing_key.serialize_pem()),
        ("ann.ticket", "ticket\n".to_owned()),
        ("ann.password", "password\n".to_owned()),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let everything: Vec<&str> = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => setting,
            _ => line,
        })
        .collect();
    let (config, has_secrets) = Config::parse(&everything.join("\n"), directory.path()).unwrap();
    assert_eq!(config.attempts, AttemptLimits::default());
    assert_eq!(format!("{:?}", config.limits), format!("{:?}", Limits::default()));
    assert_eq!(config.listeners.len(), 4);
    assert_eq!(config.history.len(), 1);
    assert!(has_secrets);
    let files: Vec<_> = config.exposed.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(files, ["server.key", "ann.ticket", "ann.password"]);
    // Nothing that can be said is missing.
    let limits = format!("{:?}", Limits::default());
    for field in limits.split(['{', ',']).filter_map(|part| part.split_once(':')) {
        let key = format!("#{} = ", field.0.trim());
        assert!(EXAMPLE.contains(&key), "{key}");
    }
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let config = parse(&format!(
        "uris = \"strict\"\ndisclose = true\n{LEAST}anonymous = \"guest\"\n\
         [[realms.roles]]\nname = \"guest\"\n\
         [[realms.roles.rules]]\nuri = \"a..b\"\nmatch = \"wildcard\"\nallow = [\"publish\"]\n\
         [limits]\nping = 1.5\nidle = \"2m\"\nclosing = 3\nsessions = 1_000\n\
         slow_subscriber = \"drop\"\n\
         [attempts]\nwindow = \"500ms\"\nper_authid = 3\n\
         [[history]]\nuri = \"a.b\"\nlimit = 5\n"
    ));
    let config = config.unwrap();
    assert_eq!((config.uris, config.disclose), (UriRule::Strict, true));
    let limits = &config.limits;
    assert_eq!(limits.ping, Duration::from_millis(1500));
    assert_eq!(limits.idle, Duration::from_secs(120));
    assert_eq!(limits.closing, Duration::from_secs(3));
    assert_eq!((limits.sessions, limits.slow_subscriber), (1000, SlowSubscriber::Drop));
    assert_eq!(config.attempts.window, Duration::from_millis(500));
    assert_eq!(config.attempts.per_authid, 3);
    let history = History { uri: "a.b".to_owned(), policy: MatchPolicy::Exact, limit: 5 };
    assert_eq!(config.history, [history]);
    let decide = |action, uri| {
        config.realms[0].rules.decide("guest", action, uri, MatchPolicy::Exact).is_allowed()
    };
    assert!(decide(Action::Publish, "a.x.b") && !decide(Action::Call, "a.x.b"));
}

#[test]
fn all_problems_are_listed_with_their_lines() {
    let text = "uris = \"lax\"\ndisclos = true\n\n[[listen]]\ntransport = \"websocket\"\n\
                path = \"ws\"\n[[realms]]\nname = \"a b\"\n[limits]\npings = 1\n";
    assert_eq!(
        problems(text),
        [
            "line 1: `uris` must be one of \"loose\", \"strict\"",
            "line 2: `disclos` is unknown: choose among `attempts`, `disclose`, `history`, \
             `limits`, `listen`, `realms`, `uris`",
            "line 4: `listen[0].address` is missing: give IP and port, such as \"127.0.0.1:8080\"",
            "line 6: `listen[0].path` must be the path of a URL, such as \"/ws\"",
            "line 8: `realms[0].name` is no valid URI: give one such as \"realm1\"",
            &format!(
                "line 10: {}",
                problems(&format!("{LEAST}[limits]\npings = 1"))[0]
                    .strip_prefix(&format!("line {}: ", LINES + 2))
                    .unwrap()
            ),
        ]
    );
    assert_eq!(
        problems(""),
        [
            "line 1: `listen` is missing: add a `[[listen]]`, without which nobody can connect",
            "line 1: `realms` is missing: add a `[[realms]]`, without which nobody can join",
        ]
    );
}

#[test]
fn what_is_no_toml_is_told_without_showing_it() {
    let found = problems("[[realms.users]]\nticket = \"hush\nrole = 1\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("line 2: this is not TOML: "), "{found:?}");
    assert!(!found[0].contains("hush"), "{found:?}");
}

#[test]
fn values_of_the_wrong_kind_are_told_what_they_must_be() {
    check("anonymous = 1", &["`realms[0].anonymous` must be a text in quotes"]);
    check("users = 1", &["`realms[0].users` must be a list"]);
    check("users = [1]", &["`realms[0].users[0]` must be a table"]);
    check("[limits]\nsessions = 0", &["`limits.sessions` must be an integer from 1 to 4294967295"]);
    check("[limits]\nqueue = -1", &["`limits.queue` must be an integer from 1 to 4294967295"]);
    check(
        "[limits]\nslow_subscriber = \"wait\"",
        &["`limits.slow_subscriber` must be one of \"close\", \"drop\""],
    );
    for wrong in ["0", "\"0s\"", "true", "\"soon\"", "-1", "0x10", "inf"] {
        let advice = crate::program::duration::EXPECTED;
        let expected = format!("`limits.closing` is no duration: {advice}");
        check(&format!("[limits]\nclosing = {wrong}"), &[&expected]);
    }
    check(
        "[limits]\nping = 60",
        &["`limits.idle` must be longer than `ping`, whose answer it waits for"],
    );
    check(
        "[[history]]\nuri = \"a\"\nmatch = \"all\"",
        &[
            "`history[0].limit` is missing: say how many events are remembered",
            "`history[0].match` must be one of \"exact\", \"prefix\", \"wildcard\"",
        ],
    );
}

#[test]
fn listeners_have_what_belongs_to_them() {
    let listen = |lines: &str| format!("[[listen]]\n{lines}");
    let on = |lines: &str| format!("[[listen]]\naddress = \"127.0.0.1:81\"\n{lines}");
    for (text, expected) in [
        (listen(""), "`listen[1].transport` is missing: choose \"websocket\" or \"rawsocket\""),
        (
            on("transport = \"rawsocket\"\npath = \"/ws\""),
            "`listen[1].path` means nothing here: leave it out, a raw socket has no path",
        ),
        (
            on("transport = \"rawsocket\"\norigins = []"),
            "`listen[1].origins` means nothing here: leave it out, web pages do not open raw \
             sockets",
        ),
        (
            on("transport = \"rawsocket\"\nunix = \"/s\""),
            "`listen[1].address` means nothing here: leave it out, a Unix socket has only its path",
        ),
        (
            listen("transport = \"rawsocket\"\nunix = \"/s\"\nmode = \"0990\""),
            "`listen[1].mode` must be permissions in octal digits, such as \"0660\"",
        ),
        (
            on("transport = \"rawsocket\"\nmode = \"0660\""),
            "`listen[1].mode` means nothing here: leave it out, only a Unix socket has permissions",
        ),
        (
            on("transport = \"websocket\"\npath = \"/{x}\""),
            "`listen[1].path` must be the path of a URL, such as \"/ws\"",
        ),
        (
            on("transport = \"websocket\"\norigins = [\"https://a.example\", \"b.example\"]"),
            "`listen[1].origins[1]` `b.example` is not an origin: give `scheme://host` or \
             `scheme://host:port` and nothing more",
        ),
        (
            listen("transport = \"websocket\"\naddress = \"localhost:1\""),
            "`listen[1].address` must be IP and port, such as \"127.0.0.1:8080\"",
        ),
        (
            on("transport = \"websocket\"\n[[listen]]\ntransport = \"rawsocket\"\n\
                address = \"127.0.0.1:81\""),
            "`listen[2].address` is that of another `[[listen]]`: choose another port",
        ),
        (
            on("transport = \"websocket\"\ntls = { certificate = \"c.pem\", key = \"k.pem\" }"),
            "`listen[1].tls` cannot be used: cannot read a certificate from `/nowhere/c.pem`: give \
             a file in PEM format: I/O error: No such file or directory (os error 2)",
        ),
    ] {
        check(&text, &[expected]);
    }
}

#[test]
fn users_have_a_role_and_a_login_of_their_own() {
    let key = "545efb0a2192db8d43f118e9bf9aee081466e1ef36c708b96ee6f62dddad9122";
    let user = |lines: &str| {
        format!(
            "[[realms.roles]]\nname = \"r\"\n\
             [[realms.users]]\nauthid = \"a\"\nrole = \"r\"\npublic_keys = [\"{key}\"]\n\
             [[realms.users]]\nauthid = \"b\"\nrole = \"r\"\n{lines}"
        )
    };
    check(&user("ticket = \"t\"\nsecret = \"s\"\nsalt = \"x\"\npassword = \"p\""), &[]);
    for (lines, expected) in [
        (
            "",
            "`realms[0].users[1].authid` cannot log in: give a `ticket`, `secret`, `password` or \
             `public_keys`",
        ),
        (
            "ticket = \"t\"\nticket_file = \"t\"",
            "`realms[0].users[1].ticket` and `ticket_file` are both there: leave one out",
        ),
        (
            "secret_file = \"s\"",
            "`realms[0].users[1].secret_file` is `/nowhere/s`, which cannot be read (No such file \
             or directory (os error 2)): name another file",
        ),
        ("ticket = \"\"", "`realms[0].users[1].ticket` must be a text that is not empty"),
        ("ticket = \"t\"\nsalt = \"s\"", "`realms[0].users[1].salt` needs a `secret`"),
        ("secret = \"t\"\nkeylen = 32", "`realms[0].users[1].keylen` needs a `salt`"),
        (
            "secret = \"t\"\nsalt = \"s\"\niterations = 0",
            "`realms[0].users[1].salt` cannot be used: `iterations` is 0, and must be from 1 to \
             4000000",
        ),
        (
            "public_keys = [\"00\"]",
            "`realms[0].users[1].public_keys[0]` must be an Ed25519 public key of 64 hex digits",
        ),
        (
            &format!("public_keys = [\"{key}\"]"),
            "`realms[0].users[1].public_keys[0]` is in this realm already: a key that several have \
             tells nobody apart",
        ),
    ] {
        check(&user(lines), &[expected]);
    }
    check(
        "anonymous = \"x\"\n[[realms.users]]\nauthid = \"a\"\nrole = \"y\"\nticket = \"t\"",
        &[
            "`realms[0].anonymous` names the role `x`, of which this realm says nothing: add a \
             `[[realms.roles]]`",
            "`realms[0].users[0].role` names the role `y`, of which this realm says nothing: add a \
             `[[realms.roles]]`",
        ],
    );
}

#[test]
fn nothing_is_there_twice() {
    check(
        "[[realms]]\nname = \"realm1\"",
        &["`realms[1].name` is that of another realm: give each its own"],
    );
    let rule = "[[realms.roles.rules]]\nuri = \"a\"\nallow = []\n";
    let role = "[[realms.roles]]\nname = \"r\"\n";
    check(
        &format!("{role}{rule}{rule}{role}"),
        &[
            "`realms[0].roles[0].rules[1].uri` has a rule of this role already: put them together",
            "`realms[0].roles[1].name` is that of another role of this realm: put their rules \
             together",
        ],
    );
    check(
        &format!("{role}[[realms.rules]]"),
        &["`realms[0].rules` is unknown: choose among `anonymous`, `authenticator`, \
             `authenticator_methods`, `name`, `roles`, `users`"],
    );
}

#[test]
fn rules_say_what_is_allowed() {
    let rule =
        |lines: &str| format!("[[realms.roles]]\nname = \"r\"\n[[realms.roles.rules]]\n{lines}");
    check(&rule("uri = \"\"\nmatch = \"prefix\"\nallow = [\"call\"]\ndisclose = true"), &[]);
    check(
        &rule("uri = \"a..b\"\nallow = [\"call\", \"cal\"]"),
        &[
            "`realms[0].roles[0].rules[0].uri` is no valid URI for `match = \"exact\"`",
            "`realms[0].roles[0].rules[0].allow[1]` must be one of \"call\", \"register\", \
             \"publish\", \"subscribe\"",
        ],
    );
    check(
        &rule(""),
        &[
            "`realms[0].roles[0].rules[0].uri` is missing: name the URIs, all of them by \"\" with \
             `match = \"prefix\"`",
            "`realms[0].roles[0].rules[0].allow` is missing: say what is allowed, nothing by `[]`",
        ],
    );
}

#[test]
fn procedures_that_are_asked_are_procedures() {
    let role = "[[realms.roles]]\nname = \"r\"\nauthorizer = \"com.example.may\"\n";
    check(role, &[]);
    check(
        &format!("authenticator = \"a..b\"\nauthenticator_methods = [\"password\"]\n{role}"),
        &[
            "`realms[0].authenticator` is no valid URI of a procedure",
            "`realms[0].authenticator_methods[0]` must be one of \"ticket\", \"wampcra\"",
        ],
    );
    check(
        "authenticator_methods = [\"ticket\"]",
        &["`realms[0].authenticator_methods` needs an `authenticator`"],
    );
    check(
        &format!("{role}[[realms.roles.rules]]\nuri = \"a\"\nallow = []"),
        &["`realms[0].roles[0].authorizer` decides alone: leave the `rules` away, or the \
           `authorizer`"],
    );
}
