//! The file of a Unix socket.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use tempfile::TempDir;

use crate::kit::{Router, run, write};

const LISTENER: &str = "[[listen]]\ntransport = \"rawsocket\"\nunix = \"wamp.sock\"\n";

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn socket_has_its_permissions_and_goes_away_with_the_router() {
    for (setting, expected) in
        [("", 0o660), ("mode = \"0600\"\n", 0o600), ("mode = \"777\"\n", 0o777)]
    {
        let router = Router::start(&format!("{LISTENER}{setting}")).await;
        let path = router.directory.path().join("wamp.sock");
        assert_eq!(mode(&path), expected);
        router.running.stop().await;
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn socket_of_a_dead_server_is_replaced() {
    let directory = TempDir::new().unwrap();
    // A listener that is closed leaves its file behind.
    drop(UnixListener::bind(directory.path().join("wamp.sock")).unwrap());
    let router = Router::start_in(directory, LISTENER, "").await;
    router.wamp(0).run(&["ping"]).await;
    router.running.stop().await;
}

#[tokio::test]
async fn socket_of_a_live_server_stays() {
    let router = Router::start(LISTENER).await;
    let place = router.directory.path();
    let (code, _, said) = run(place, LISTENER, "").ended().await;
    assert_eq!(code, Some(1));
    let path = place.join("wamp.sock");
    let expected = format!("error: another server listens on `{}`", path.display());
    assert!(said.iter().any(|line| line.starts_with(&expected)), "{said:?}");
    router.wamp(0).run(&["ping"]).await;
    router.running.stop().await;
}

#[tokio::test]
async fn file_that_is_no_socket_stays() {
    let directory = TempDir::new().unwrap();
    let path = write(directory.path(), "wamp.sock", "dear");
    let (code, _, said) = run(directory.path(), LISTENER, "").ended().await;
    assert_eq!(code, Some(1));
    assert!(said.iter().any(|line| line.contains("is there already and is no socket")), "{said:?}");
    assert_eq!(fs::read_to_string(path).unwrap(), "dear");
}

#[tokio::test]
async fn socket_of_a_successor_is_not_taken_away() {
    let router = Router::start(LISTENER).await;
    let path = router.directory.path().join("wamp.sock");
    fs::remove_file(&path).unwrap();
    let _successor = UnixListener::bind(&path).unwrap();
    router.running.stop().await;
    assert!(path.exists());
}
