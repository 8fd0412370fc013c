//! The WAMP clients that everybody uses, against our router.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use black_box::{Finished, Node, Python, Router, run_to_end};

/// The users whom the programs log in as, and what guests may do.
const CONFIG: &str = r#"
[[history]]
uri = "com.example."
match = "prefix"
limit = 1000

[[listen]]
transport = "websocket"
address = "127.0.0.1:0"
[[listen]]
transport = "rawsocket"
address = "127.0.0.1:0"

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
public_keys = ["62a611b472d89b0e5fc93c069b9f700b4c552d55bc0e87b56008ef17b6b2bebe"]
[[realms.users]]
authid = "eve"
role = "user"
password = "secret-of-eve"

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
disclose = true
"#;

/// The transports of the configuration, in the order in which the programs take them.
const SCHEMES: [&str; 2] = ["ws://", "tcp://"];

/// What a program has to do, and what its client cannot.
struct Walk {
    /// Every transport with every serializer that the client has.
    links: &'static [&'static str],
    /// How many steps are taken with each of them.
    steps: usize,
    /// The steps that the client cannot take, over any link.
    never: &'static [&'static str],
    /// The steps that it cannot take over one.
    not_there: &'static [&'static str],
}

const PYTHON: Walk = Walk {
    links: &["ws/json", "ws/msgpack", "ws/cbor", "tcp/json", "tcp/msgpack", "tcp/cbor"],
    steps: 77,
    never: &["progressive_invocations"],
    not_there: &[],
};

const JAVASCRIPT: Walk = Walk {
    links: &["ws/json", "ws/msgpack", "ws/cbor", "tcp/json"],
    steps: 74,
    never: &[
        "aCallKilledWithoutWaitingEndsAtOnce",
        "aSkippedCallEndsAtOnce",
        "integersOf64Bits",
        "progressiveInvocations",
    ],
    not_there: &["tcp/json/binaryDataComesThrough"],
};

impl Walk {
    /// The program took every step, and could take all but those that are known.
    fn check(&self, finished: &Finished, router: &Router) {
        let Finished { code, stdout, stderr } = finished;
        let said = router.said().join("\n");
        let all = format!("{stdout}{stderr}\nThe router said:\n{said}");
        assert_eq!(*code, Some(0), "the walk failed:\n{all}");
        let ok = steps(stdout, "ok ");
        let not_possible = steps(stdout, "n/a ");
        let never = self
            .links
            .iter()
            .flat_map(|link| self.never.iter().map(move |step| format!("{link}/{step}")));
        let expected = never.chain(self.not_there.iter().map(|step| (*step).to_owned()));
        assert_eq!(not_possible, expected.collect(), "{all}");
        for link in self.links {
            let start = format!("{link}/");
            let taken = ok.iter().chain(&not_possible).filter(|step| step.starts_with(&start));
            assert_eq!(taken.count(), self.steps, "steps with {link}:\n{all}");
        }
        assert_eq!(ok.len() + not_possible.len(), self.steps * self.links.len(), "{all}");
    }
}

/// The steps whose lines begin with this word.
fn steps(stdout: &str, word: &str) -> BTreeSet<String> {
    let lines = stdout.lines().filter_map(|line| line.strip_prefix(word));
    lines.map(|line| line.split(':').next().unwrap_or(line).to_owned()).collect()
}

#[tokio::test]
async fn autobahn_python_takes_all_steps_it_can() -> Result<()> {
    let modules = ["autobahn", "argon2", "base58", "ecdsa", "nacl", "passlib"];
    let Some(python) = Python::with(&modules).await? else { return Ok(()) };
    let router = Router::start(CONFIG, &SCHEMES).await?;
    PYTHON.check(&python.run("wamp_tour.py", &router.urls()).await?, &router);
    Ok(())
}

#[tokio::test]
async fn autobahn_js_takes_all_steps_it_can() -> Result<()> {
    let Some(node) = Node::with(&["autobahn", "when"]).await? else { return Ok(()) };
    let router = Router::start(CONFIG, &SCHEMES).await?;
    JAVASCRIPT.check(&node.run("wamp_tour.mjs", &router.urls()).await?, &router);
    Ok(())
}

/// Takes the steps of JavaScript in a process of its own, with these settings and no others.
async fn with_settings(settings: &[&str]) -> Result<Finished> {
    let this = std::env::current_exe().context("finding the running program")?;
    let this = this.to_str().context("the path of the running program is no text")?;
    let test = "wamp_interop::autobahn_js_takes_all_steps_it_can";
    let args = [settings, &[this, "--exact", test]].concat();
    run_to_end(Path::new("/usr/bin/env"), &args, "").await
}

// The shell takes `-e` as Node.js does, and finds no packages.
const WITHOUT_PACKAGES: &str = "BLACK_BOX_NODE=/bin/sh";

#[tokio::test]
async fn without_its_packages_the_walk_is_skipped_and_says_why() -> Result<()> {
    for (settings, reason) in [
        (&[WITHOUT_PACKAGES][..], "`/bin/sh` does not find all of [\"autobahn\", \"when\"]"),
        (&["BLACK_BOX_NODE=/no/such/node"], "`/no/such/node` does not run"),
        (&[], "`BLACK_BOX_NODE` does not name a Node.js"),
    ] {
        let skipped = with_settings(settings).await?;
        assert_eq!(skipped.code, Some(0), "{skipped:?}");
        assert!(skipped.stdout.contains("1 passed"), "{skipped:?}");
        let start = "skipped: wamp_interop::autobahn_js_takes_all_steps_it_can: ";
        let said = skipped.stdout.lines().find_map(|line| line.split_once(start));
        let (_, said) = said.with_context(|| format!("nothing was said: {skipped:?}"))?;
        assert!(said.starts_with(reason), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn in_ci_the_walk_is_never_skipped() -> Result<()> {
    for settings in [&["CI=true", WITHOUT_PACKAGES][..], &["CI=true"]] {
        let failed = with_settings(settings).await?;
        assert_eq!(failed.code, Some(101), "{failed:?}");
        assert!(failed.stdout.contains("with `CI` set no test may be skipped"), "{failed:?}");
    }
    Ok(())
}
