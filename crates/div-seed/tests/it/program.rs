//! The program as it is typed: lines, exit codes, and errors of one line.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::replay::LINES;
use crate::server::{AGAIN, FRESH, answer_once, replay, replaying, requests, run};

/// Runs the program with a clean environment and this input.
pub(crate) async fn div_seed(options: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_div-seed"));
    command.env_clear().envs(variables.iter().copied()).args(options);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    let run = move || {
        let mut child = command.spawn().unwrap();
        // A program that asks nothing may have ended before it could read.
        let written = child.stdin.take().unwrap().write_all(input.as_bytes());
        assert!(written.is_ok() || input.is_empty());
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn url(server: &MockServer) -> String {
    format!("{}/apis", server.uri())
}

#[tokio::test]
async fn fresh_and_again_print_the_same_plain_lines() {
    for recording in [FRESH, AGAIN] {
        let server = replaying(recording).await;
        let output = div_seed(&["--games-url", &url(&server)], &[], "").await;
        assert_eq!((stdout(&output).as_str(), stderr(&output).as_str()), (LINES, ""));
        assert_eq!(output.status.code(), Some(0));
    }
}

#[tokio::test]
async fn the_environment_says_where_and_who() {
    let server = replaying(AGAIN).await;
    let url = url(&server);
    let variables = [("SIMPL_GAMES_URL", url.as_str()), ("SIMPL_GAMES_AUTH", "a@b.c:d:e")];
    let output = div_seed(&["--email", "x@y.z"], &variables, "").await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let authorization = &server.received_requests().await.unwrap()[0].headers["Authorization"];
    // x@y.z:d:e
    assert_eq!(authorization, "Basic eEB5Lno6ZDpl");
}

#[tokio::test]
async fn a_games_api_that_is_not_there_is_one_line() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/apis", socket.local_addr().unwrap());
    let output = div_seed(&["--games-url", &url], &[], "").await;
    let expected = format!(
        "error: cannot reach the Games API at `{url}` (Connection refused (os error 111)); start \
         it, or give its address with --games-url or SIMPL_GAMES_URL\n"
    );
    assert_eq!(stderr(&output), expected);
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn wrong_credentials_are_one_line_without_the_password() {
    let cases = [
        (401, "Invalid username/password.", "does not accept the account `simpl@simpl.world`"),
        (403, "No.", "does not let the account `simpl@simpl.world` write"),
    ];
    for (status, detail, words) in cases {
        let server = MockServer::start().await;
        let template = ResponseTemplate::new(status).set_body_json(json!({"detail": detail}));
        Mock::given(any()).respond_with(template).mount(&server).await;
        let url = url(&server);
        let output = div_seed(&["--games-url", &url, "--password", "geheim"], &[], "").await;
        let text = stderr(&output);
        let start = format!("error: the Games API at `{url}` {words} ({detail}); give ");
        assert!(text.starts_with(&start), "{text}");
        assert_eq!((text.matches('\n').count(), output.status.code()), (1, Some(1)));
        assert!(!text.contains("geheim"), "{text}");
    }
}

#[tokio::test]
async fn another_refusal_says_what_was_asked_for() {
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(500).set_body_string("<h1>\nServer Error</h1>");
    Mock::given(any()).respond_with(template).mount(&server).await;
    let output = div_seed(&["--games-url", &url(&server)], &[], "").await;
    assert_eq!(
        stderr(&output),
        "error: cannot get or create the game with slug=div: GET /apis/games/div/: an error page \
         instead of JSON (status 500)\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

/// A server with one run that can be deleted.
async fn with_run() -> MockServer {
    let server = MockServer::start().await;
    let there = ResponseTemplate::new(200).set_body_json([run(1, "2026-11-20T00:00:00.000000Z")]);
    answer_once(&server, "GET", "/apis/runs/?game=1&name=default", there).await;
    answer_once(&server, "DELETE", "/apis/runs/1/", ResponseTemplate::new(204)).await;
    replay(&server, FRESH).await;
    server
}

const QUESTION: &str =
    "Are you sure you want to delete the \"default\" game run and recreate from scratch? [y/N]: ";

#[tokio::test]
async fn reset_asks_on_stdout_and_deletes_after_y() {
    let server = with_run().await;
    let output = div_seed(&["--reset", "--games-url", &url(&server)], &[], "y\n").await;
    let told = format!("game: Div\n{QUESTION}Resetting the Div game run... done\n");
    assert_eq!(stdout(&output), LINES.replacen("game: Div\n", &told, 1));
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn reset_at_the_end_of_input_deletes_nothing() {
    let server = with_run().await;
    let output = div_seed(&["--reset", "--games-url", &url(&server)], &[], "").await;
    assert_eq!(stderr(&output), "error: aborted, nothing was deleted: the input ended\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(requests(&server).await.iter().all(|it| it.starts_with("GET") || it.contains("games")));
}

#[tokio::test]
async fn bad_usage_ends_with_two_before_anything_is_sent() {
    let server = MockServer::start().await;
    let url = url(&server);
    let cases = [
        (vec!["-n", " "], "a@b.c:geheim"),
        (vec!["--worlds", "0"], "a@b.c:geheim"),
        (vec!["--nonsense"], "a@b.c:geheim"),
        (vec![], "geheim"),
    ];
    for (options, auth) in cases {
        let variables = &[("SIMPL_GAMES_AUTH", auth)];
        let options: Vec<_> =
            ["--games-url", &url].into_iter().chain(options.iter().copied()).collect();
        let output = div_seed(&options, variables, "").await;
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(stderr(&output).starts_with("error: "), "{options:?}");
        assert!(!stderr(&output).contains("geheim"));
    }
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn help_names_options_and_variables() {
    let output = div_seed(&["--help"], &[("SIMPL_GAMES_AUTH", "a:geheim")], "").await;
    let text = stdout(&output);
    for word in [
        "--reset",
        "--noinput",
        "-n, --name",
        "--worlds",
        "--test-scenarios",
        "--games-url",
        "--email",
        "--password",
        "--game-slug",
        "--game-name",
        "SIMPL_GAMES_URL",
        "SIMPL_GAMES_AUTH",
        "GAME_SLUG",
        "GAME_NAME",
    ] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
    assert!(!text.contains("geheim"));
}
