//! The unpacked image, started in its own root and played against.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Who the image says that it runs as.
const USER: &str = "10001:10001";

/// How long an orderly stop may take.
const STOPPING: Duration = Duration::from_secs(10);

/// Starts the service, lets bots of the same image play rounds, asks it whether it is well, and
/// stops it.
pub(super) fn play(root: &Path) -> Result<()> {
    for name in ["div-seed", "games-api", "div-bots", "sim-router", "div-service"] {
        let output = inside(root, &[]).arg(format!("/{name}")).arg("--version").output()?;
        ensure!(output.status.success(), "`{name} --version` failed: {output:?}");
    }
    let mut service = Service::start(root)?;
    let played = inside(root, &[("SIMPL_GAMES_URL", &service.games)])
        .args(["/div-bots", "--url", &service.pages, "--rounds", "3"])
        .output()
        .context("starting the bots")?;
    let said = String::from_utf8_lossy(&played.stdout);
    ensure!(
        played.status.success(),
        "the bots did not play: {said}{}",
        String::from_utf8_lossy(&played.stderr)
    );
    print!("{said}");
    let port = service.pages.rsplit(':').next().and_then(|it| it.strip_suffix("/ws"));
    let address = format!("127.0.0.1:{}", port.context("no port")?);
    let well = inside(root, &[("DIV_BIND", &address)]).args(["/div-service", "health"]).status()?;
    ensure!(well.success(), "`div-service health` says that the service is not well");
    let seconds = service.stop()?;
    println!("the image was played against, and stopped within {seconds:.2} s");
    Ok(())
}

/// A command in the root, as the image's user, with its settings and nothing else around it.
fn inside(root: &Path, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new("chroot");
    command
        .arg(format!("--userspec={USER}"))
        .arg(root)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("DIV_DATA_DIR", "/data")
        .envs(env.iter().copied());
    command
}

struct Service {
    child: Child,
    pages: String,
    games: String,
}

impl Service {
    /// Starts it on free ports, and waits until it is ready.
    fn start(root: &Path) -> Result<Self> {
        let mut command = inside(root, &[]);
        command.args(["/div-service", "--bind", "127.0.0.1:0", "--games-bind", "127.0.0.1:0"]);
        command.stdout(Stdio::piped());
        let mut child = command.spawn().context("`chroot` needs to be called by root")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let (mut pages, mut games) = (None, None);
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(address) = line.strip_prefix("listening on ") {
                let address = address.split_whitespace().next().unwrap_or_default().to_owned();
                match address.starts_with("ws") {
                    true => pages = Some(address),
                    false => games = Some(address.trim_end_matches('/').to_owned()),
                }
            }
            if line.starts_with("ready") {
                let (pages, games) = (pages.context("no address")?, games.context("no address")?);
                return Ok(Self { child, pages, games });
            }
        }
        bail!("the service ended with {}", child.wait()?)
    }

    /// Asks it to stop, and tells after how many seconds it has.
    fn stop(&mut self) -> Result<f64> {
        let asked = Instant::now();
        let pid = self.child.id().to_string();
        ensure!(Command::new("kill").arg(&pid).status()?.success(), "cannot signal {pid}");
        let status = self.child.wait()?;
        let took = asked.elapsed();
        ensure!(status.success(), "the service ended with {status}");
        ensure!(took < STOPPING, "the service took {took:?} to stop");
        Ok(took.as_secs_f64())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended in good order already, or is not needed any more.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
