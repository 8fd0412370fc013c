//! `wamp register`: commands that fail, take long, or are too many.

use std::fs;

use rustix::process::Signal;

use crate::kit::{Router, WEBSOCKET, soon};

/// Makes a named pipe, by which a command tells how far it is.
fn pipe(router: &Router, name: &str) -> String {
    let path = router.directory.path().join(name).display().to_string();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .expect("there is `mkfifo`")
            .success()
    );
    path
}

/// Reads a named pipe to its end: until no process holds it open any more.
async fn read(path: &str) -> String {
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || fs::read_to_string(path));
    soon(reading).await.expect("reading ends").expect("the pipe is there")
}

#[tokio::test]
async fn failed_command_is_an_error_of_its_first_line() {
    let router = Router::start(WEBSOCKET).await;
    let ann = router.ann(0);
    let script = "echo ignored; echo no such game >&2; echo more >&2; exit 7";
    let mut callee = ann.start(&["register", "com.example.p", "--exec", "sh", "-c", script]);
    callee.says("registered").await;
    let said = ann.fail(&["call", "com.example.p"]).await;
    assert_eq!(said, "error: wamp.error.runtime_error: no such game");
    callee.stop().await;
    router.running.stop().await;
}

#[tokio::test]
async fn command_of_a_canceled_call_is_killed() {
    let router = Router::start(WEBSOCKET).await;
    let ann = router.ann(0);
    let (begun, held) = (pipe(&router, "begun"), pipe(&router, "held"));
    let script = format!("exec 3>{held}; echo > {begun}; sleep 600; true");
    let mut callee = ann.start(&["register", "com.example.p", "--exec", "sh", "-c", &script]);
    callee.says("registered").await;
    let caller = ann.start(&["call", "com.example.p"]);
    let holding = tokio::spawn(async move { read(&held).await });
    read(&begun).await;
    caller.signal(Signal::INT);
    let (code, _, said) = caller.ended().await;
    let expected = "error: interrupted before the call had its result";
    assert_eq!((code, said.concat().as_str()), (Some(1), expected));
    // The pipe ends with the last process that has it, which is the `sleep`.
    assert_eq!(soon(holding).await.unwrap(), "");
    callee.stop().await;
    router.running.stop().await;
}

#[tokio::test]
async fn call_that_takes_too_long_times_out_and_its_command_is_killed() {
    let router = Router::start(WEBSOCKET).await;
    let ann = router.ann(0);
    let mut callee = ann.start(&["register", "com.example.p", "--exec", "sleep", "600"]);
    callee.says("registered").await;
    let said = ann.fail(&["call", "com.example.p", "--timeout", "300ms"]).await;
    assert!(said.starts_with("error: wamp.error.timeout"), "{said}");
    // It would wait for a command that runs.
    callee.stop().await;
    router.running.stop().await;
}

#[tokio::test]
async fn calls_wait_for_a_free_job() {
    let router = Router::start(WEBSOCKET).await;
    let ann = router.ann(0);
    let directory = router.directory.path().display();
    // A second one at the same time would find the directory of the first.
    let script = format!("mkdir {directory}/busy && rmdir {directory}/busy && echo done");
    let register = ["register", "com.example.p", "--jobs", "1", "--exec", "sh", "-c", &script];
    let mut callee = ann.start(&register);
    callee.says("registered").await;
    let callers: Vec<_> = (0..4).map(|_| ann.start(&["call", "com.example.p"])).collect();
    for caller in callers {
        let (code, printed, said) = caller.ended().await;
        assert_eq!((code, printed.concat().as_str()), (Some(0), "done"), "{said:?}");
    }
    callee.stop().await;
    router.running.stop().await;
}

#[tokio::test]
async fn open_calls_are_finished_before_the_callee_leaves() {
    let router = Router::start(WEBSOCKET).await;
    let ann = router.ann(0);
    let (begun, go) = (pipe(&router, "begun"), pipe(&router, "go"));
    let script = format!("echo > {begun}; cat {go}");
    let mut callee = ann.start(&["register", "com.example.p", "--exec", "sh", "-c", &script]);
    callee.says("registered").await;
    let caller = ann.start(&["call", "com.example.p"]);
    read(&begun).await;
    callee.signal(Signal::INT);
    callee.says("finishing the calls that are open").await;
    fs::write(go, "last words").unwrap();
    let (code, printed, _) = caller.ended().await;
    assert_eq!((code, printed.concat().as_str()), (Some(0), "last words"));
    assert_eq!(callee.ended().await.0, Some(0));
    router.running.stop().await;
}

#[tokio::test]
async fn second_signal_kills_what_is_open() {
    let router = Router::start(WEBSOCKET).await;
    let ann = router.ann(0);
    let (begun, held) = (pipe(&router, "begun"), pipe(&router, "held"));
    let script = format!("exec 3>{held}; echo > {begun}; sleep 600; true");
    let mut callee = ann.start(&["register", "com.example.p", "--exec", "sh", "-c", &script]);
    callee.says("registered").await;
    let caller = ann.start(&["call", "com.example.p"]);
    let holding = tokio::spawn(async move { read(&held).await });
    read(&begun).await;
    callee.signal(Signal::INT);
    callee.says("finishing the calls that are open").await;
    callee.signal(Signal::INT);
    assert_eq!(callee.ended().await.0, Some(0));
    let (code, _, said) = caller.ended().await;
    assert_eq!(code, Some(1));
    assert!(said.concat().starts_with("error: wamp.error.canceled"), "{said:?}");
    assert_eq!(soon(holding).await.unwrap(), "");
    router.running.stop().await;
}

#[tokio::test]
async fn procedure_is_shared_or_taken_over_only_if_asked() {
    let router = Router::start(WEBSOCKET).await;
    let ann = router.ann(0);
    let register = |more: &[&'static str], result: &'static str| {
        let exec = ["--exec", "echo", result];
        [&["register", "com.example.p"][..], more, &exec].concat()
    };
    let mut first = ann.start(&register(&[], "first"));
    first.says("registered").await;
    let said = ann.fail(&register(&[], "second")).await;
    assert!(said.starts_with("error: wamp.error.procedure_already_exists"), "{said}");
    let mut second = ann.start(&register(&["--force"], "second"));
    second.says("registered").await;
    let (code, _, said) = first.ended().await;
    assert_eq!(code, Some(1));
    assert!(said.concat().starts_with("error: the router has ended the registration"), "{said:?}");
    assert_eq!(ann.run(&["call", "com.example.p"]).await, "second");
    second.stop().await;
    router.running.stop().await;
}
