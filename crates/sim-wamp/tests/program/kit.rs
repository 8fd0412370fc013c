//! Starts the programs, reads what they print, and tells them to stop.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// The realm of all tests: a user for each way to log in but one, and guests.
pub(crate) const REALM: &str = r#"
[[realms]]
name = "realm1"
anonymous = "guest"

[[realms.users]]
authid = "ann"
role = "user"
ticket = "secret-of-ann"
[[realms.users]]
authid = "bea"
role = "user"
secret = "secret-of-bea"
[[realms.users]]
authid = "cal"
role = "user"
secret = "secret-of-cal"
salt = "salt123"
iterations = 1000
keylen = 32
[[realms.users]]
authid = "dan"
role = "user"
public_keys = ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"]

[[realms.roles]]
name = "user"
[[realms.roles.rules]]
uri = ""
match = "prefix"
allow = ["call", "register", "publish", "subscribe"]
disclose = true
[[realms.roles]]
name = "guest"
[[realms.roles.rules]]
uri = "com.example.public."
match = "prefix"
allow = ["call", "subscribe"]
"#;

/// A user of the same realm, for whom each router computes a while.
pub(crate) const EVE: &str =
    "[[realms.users]]\nauthid = \"eve\"\nrole = \"user\"\npassword = \"secret-of-eve\"\n";

/// The private key of `dan`, the first of RFC 8032's tests.
pub(crate) const PRIVATE_KEY: &str =
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

/// A WebSocket on a port of its own.
pub(crate) const WEBSOCKET: &str =
    "[[listen]]\ntransport = \"websocket\"\naddress = \"127.0.0.1:0\"\n";

/// Waits for something that must happen.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let deadline = Duration::from_secs(20);
    tokio::time::timeout(deadline, future).await.expect("it happens within twenty seconds")
}

/// A program that runs until it is told to stop.
pub(crate) struct Running {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("it has a pipe");
        let stderr = child.stderr.take().expect("it has a pipe");
        let (stdout, stderr) = (BufReader::new(stdout).lines(), BufReader::new(stderr).lines());
        Self { child, stdout, stderr }
    }

    /// Waits for the next line on standard output.
    pub(crate) async fn line(&mut self) -> String {
        soon(self.stdout.next_line()).await.expect("it is UTF-8").expect("there is a line")
    }

    /// Waits for a line on standard error that contains this.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        let looking = async {
            while let Some(line) = self.stderr.next_line().await.expect("it is UTF-8") {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("standard error ended without `{text}`");
        };
        soon(looking).await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("it runs");
        let id = Pid::from_raw(id.try_into().expect("it is small")).expect("it is not 0");
        kill_process(id, signal).expect("it can be told");
    }

    /// Waits for the end, and returns the exit code and the last lines of both outputs.
    pub(crate) async fn ended(mut self) -> (Option<i32>, Vec<String>, Vec<String>) {
        let ending = async {
            let (mut printed, mut said) = (Vec::new(), Vec::new());
            while let Some(line) = self.stdout.next_line().await.expect("it is UTF-8") {
                printed.push(line);
            }
            while let Some(line) = self.stderr.next_line().await.expect("it is UTF-8") {
                said.push(line);
            }
            (self.child.wait().await.expect("it ends").code(), printed, said)
        };
        soon(ending).await
    }

    /// Tells the program to stop, and waits until it has, without an error.
    pub(crate) async fn stop(self) {
        self.signal(Signal::TERM);
        let (code, _, said) = self.ended().await;
        assert_eq!(code, Some(0), "{said:?}");
    }
}

/// A program with nothing of this process's environment but where programs are.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Runs `sim-router` to its end.
pub(crate) async fn sim_router(args: &[&str]) -> Output {
    let mut command = command(env!("CARGO_BIN_EXE_sim-router"));
    command.args(args).kill_on_drop(true);
    soon(command.output()).await.expect("the program starts")
}

/// A router that runs, with the directory of its configuration.
pub(crate) struct Router {
    pub(crate) running: Running,
    pub(crate) urls: Vec<String>,
    pub(crate) directory: TempDir,
}

impl Router {
    /// Starts a router with these listeners, and other settings before them.
    pub(crate) async fn start(listeners: &str) -> Self {
        Self::start_in(TempDir::new().expect("there is a place"), listeners, "").await
    }

    /// The same with a directory that has files already, and more of the realm.
    pub(crate) async fn start_in(directory: TempDir, listeners: &str, more: &str) -> Self {
        let mut running = run(directory.path(), listeners, more);
        let mut urls = Vec::new();
        for _ in listeners.matches("[[listen]]") {
            let line = running.line().await;
            urls.push(line.strip_prefix("listening on ").expect("it says so").to_owned());
        }
        Self { running, urls, directory }
    }

    /// Makes a client of this router by one of its URLs.
    pub(crate) fn wamp(&self, url: usize) -> Wamp {
        Wamp { url: self.urls[url].clone(), env: Vec::new() }
    }

    /// The same, of a user who may do everything.
    pub(crate) fn ann(&self, url: usize) -> Wamp {
        self.wamp(url).env("WAMP_AUTHID", "ann").env("WAMP_TICKET", "secret-of-ann")
    }
}

/// Starts a router whose configuration lies in a directory, and does not wait for it.
pub(crate) fn run(directory: &Path, listeners: &str, more: &str) -> Running {
    let config = write(directory, "router.toml", &format!("{listeners}{REALM}{more}"));
    let mut command = command(env!("CARGO_BIN_EXE_sim-router"));
    command.arg("--config").arg(config);
    Running::start(command)
}

/// Writes a file and returns its path.
pub(crate) fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("files can be written");
    path
}

/// The program `wamp`, ready to run.
pub(crate) struct Wamp {
    url: String,
    env: Vec<(String, String)>,
}

impl Wamp {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(env!("CARGO_BIN_EXE_wamp"));
        command.env("WAMP_URL", &self.url).envs(self.env.iter().cloned()).args(args);
        command
    }

    /// Starts a command that runs until it is told to stop.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(self.command(args))
    }

    /// Runs a command to its end, which must be a good one, and returns what it printed.
    pub(crate) async fn run(&self, args: &[&str]) -> String {
        let (code, printed, said) = self.start(args).ended().await;
        assert_eq!(code, Some(0), "{args:?} {printed:?} {said:?}");
        printed.join("\n")
    }

    /// Runs a command that must fail, and returns its only line on standard error.
    pub(crate) async fn fail(&self, args: &[&str]) -> String {
        let (code, printed, said) = self.start(args).ended().await;
        assert_eq!((code, said.len()), (Some(1), 1), "{args:?} {printed:?} {said:?}");
        said.concat()
    }
}
