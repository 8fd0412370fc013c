//! The bots as a program: exit codes, scripts, empty seats and runs of its own.

use std::process::{Command, Output};

use serde_json::{Value, json};
use sim_wamp::{Client, Credentials, Payload};
use tempfile::NamedTempFile;

use crate::service::Running;

impl Running {
    async fn bots(&self, options: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_div-bots"));
        command.env_clear().args(["--url", &self.ws, "--games-url", &self.rest]).args(options);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn quotients(&self) -> Vec<Value> {
        let results = self.client.results().list().await.unwrap();
        results.into_iter().map(|result| result.data["quotient"].clone()).collect()
    }
}

fn script(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_classic_list_gives_the_classic_results() {
    let service = Running::start("a", 2).await;
    let list = script("a1@div.edu\na2@div.edu\na3@div.edu\na4@div.edu\n");
    let output = service.bots(&["--script", path(&list)]).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("This machine plays a class of 4: "), "{}", stdout(&output));
    let mut quotients = service.quotients().await;
    quotients.sort_by(|one, other| one.as_f64().partial_cmp(&other.as_f64()).unwrap());
    assert_eq!(quotients, [json!(0.5), json!(0.75)]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strategy_that_divides_by_zero_fails_the_run() {
    let service = Running::start("default", 1).await;
    let zero = script("s1@div.edu 1\ns2@div.edu 0\n");
    let output = service.bots(&["--script", path(&zero), "--json", "--patience", "2s"]).await;
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&report["right"], &report["plays"]), (&json!(false), &json!(false)));
    assert!(stdout(&output).contains("Cannot divide by zero"), "{report}");
    assert!(service.quotients().await.is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_seat_is_filled_and_the_others_are_left_alone() {
    let service = Running::start("default", 1).await;
    let person = Credentials::Ticket { authid: "s1@div.edu".into(), ticket: "s1".into() };
    let person = Client::connect(&service.ws, "realm1", person).await.unwrap();
    let period = service.client.periods().list().await.unwrap()[0].id;
    let uri = format!("world.simpl.sims.div.model.period.{period}.submit_decision");
    let args = Payload::from_args(&[10]).unwrap();
    assert_eq!(person.session.call(&uri, args).await.unwrap().args_json(), r#"["ok"]"#);
    let output = service.bots(&["--empty-seats", "--strategy", "scripted"]).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).starts_with("1 players, "), "{}", stdout(&output));
    assert_eq!(service.quotients().await, [json!(5.0)]);
    person.close().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_its_own_is_removed_with_its_users() {
    let service = Running::start("default", 1).await;
    let before = service.client.users().list().await.unwrap().len();
    let output = service.bots(&["--players", "4", "--rounds", "2", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&report["players"], &report["rounds_played"]), (&json!(4), &json!(8)));
    assert_eq!(service.client.runs().list().await.unwrap().len(), 1);
    assert_eq!(service.client.users().list().await.unwrap().len(), before);
    assert!(service.quotients().await.is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_class_is_looked_for_up_to_a_size() {
    let service = Running::start("default", 1).await;
    let output = service.bots(&["--find-class", "--players", "12", "--limit", "20s"]).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("10 players, 10 of 10 rounds"), "{text}");
    assert!(text.contains("This machine plays a class of 12: "), "{text}");
    assert_eq!(service.client.runs().list().await.unwrap().len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_played_is_one_line() {
    let service = Running::start("default", 1).await;
    let output = service.bots(&["--run", "spring"]).await;
    let text = "error: the game `div` has no run `spring`; name one of its runs\n";
    assert_eq!((stderr(&output).as_str(), output.status.code()), (text, Some(1)));
    let nobody = script("s1@div.edu 1\nnobody@div.edu 1\n");
    let output = service.bots(&["--script", path(&nobody)]).await;
    let text =
        "error: `nobody@div.edu` of the script has no seat as Dividend or Divisor in the run\n";
    assert_eq!((stderr(&output).as_str(), output.status.code()), (text, Some(1)));
    let output = service.bots(&["--players", "3"]).await;
    assert_eq!(output.status.code(), Some(2));
    service.stop().await;
}
