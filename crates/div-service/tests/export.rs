//! Spans that a build with the feature `otel` sends to a collector.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sim::wamp::{Client, Credentials, Payload};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(30);

const PROCEDURE: &str = "world.simpl.sims.div.model.game.get_phases";

/// How a collector treats what it gets.
#[derive(Clone, Copy)]
enum Manner {
    /// It takes it.
    Takes,
    /// It answers with an error.
    Refuses,
    /// It never answers.
    IsMute,
}

/// A collector that keeps the requests it gets: the first line, and the body.
struct Collector {
    url: String,
    requests: mpsc::Receiver<(String, Vec<u8>)>,
}

impl Collector {
    fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (sender, stream) = (sender.clone(), stream.unwrap());
                std::thread::spawn(move || collect(stream, manner, &sender));
            }
        });
        Self { url, requests }
    }

    fn next(&self) -> (String, Vec<u8>) {
        self.requests.recv_timeout(DEADLINE).expect("the collector gets spans")
    }
}

/// Reads the requests of one connection until it ends.
fn collect(stream: TcpStream, manner: Manner, requests: &mpsc::Sender<(String, Vec<u8>)>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some((line, length)) = head(&mut reader) {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        // The test may have seen enough.
        requests.send((line, body)).ok();
        let answer = match manner {
            Manner::Takes => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            Manner::Refuses => "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            Manner::IsMute => continue,
        };
        writer.write_all(answer.as_bytes()).unwrap();
    }
}

/// The first line of a request and the length of its body; nothing at the connection's end.
fn head(reader: &mut impl BufRead) -> Option<(String, usize)> {
    let lines = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(|line| line.to_ascii_lowercase()).collect();
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "));
    Some((lines.first()?.clone(), length?.parse().unwrap()))
}

/// A running service.
struct Service {
    child: Child,
    ws_url: String,
    _dir: TempDir,
}

impl Service {
    /// Starts a service that sends its spans every few milliseconds, and waits until it is ready.
    fn start(collector: &Collector) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_div-service"))
            .env_clear()
            .env("OTEL_BSP_SCHEDULE_DELAY", "20")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
            .args(["--bind", "127.0.0.1:0", "--games-bind", "127.0.0.1:0", "--data-dir"])
            .arg(dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ws_url = lines.find_map(|line| line.strip_prefix("listening on ws").map(str::to_owned));
        if ws_url.is_none() || !lines.any(|line| line.starts_with("ready")) {
            panic!("the service ended: {:?}", child.wait_with_output());
        }
        // What it prints later is read and dropped, so that it can go on printing.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, ws_url: format!("ws{}", ws_url.unwrap()), _dir: dir }
    }

    /// Calls something as a player does; the answer is the call's name.
    async fn call(&self) -> String {
        let (authid, ticket) = ("s1@div.edu".to_owned(), "s1".to_owned());
        let credentials = Credentials::Ticket { authid, ticket };
        let client = Client::connect(&self.ws_url, "realm1", credentials).await.unwrap();
        client.session.call(PROCEDURE, Payload::empty()).await.unwrap();
        format!("{}/1", client.session.info().session)
    }

    /// Stops the service in order, and gives its log.
    fn stop(self) -> String {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
        let output = self.child.wait_with_output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{log}");
        log
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_exported_with_its_name_and_its_parts() {
    let collector = Collector::start(Manner::Takes);
    let service = Service::start(&collector);
    let call = service.call().await;
    let log = service.stop();
    let mut all = Vec::new();
    while let Ok((line, body)) = collector.requests.try_recv() {
        assert!(line.starts_with("post /v1/traces "), "{line}");
        assert!(holds(&body, "div-service"));
        all.extend(body);
    }
    for text in ["call", "handler", &call, PROCEDURE] {
        assert!(holds(&all, text), "no `{text}` among {} bytes; {log}", all.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_is_told_of_once() {
    let collector = Collector::start(Manner::Refuses);
    let service = Service::start(&collector);
    for _ in 0..3 {
        service.call().await;
        collector.next();
    }
    let log = service.stop();
    let told: Vec<_> = log.lines().filter(|line| line.contains("spans are lost")).collect();
    assert!(matches!(*told, [line] if line.contains("it answers 503")), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_answer_holds_nothing_up() {
    let collector = Collector::start(Manner::IsMute);
    let service = Service::start(&collector);
    collector.next();
    service.call().await;
    let begun = Instant::now();
    service.stop();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}
