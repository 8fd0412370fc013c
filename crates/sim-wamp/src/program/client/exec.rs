//! One run of the command that answers a call.

use std::io;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};

use super::payload::Json;
use crate::{Payload, Value};

/// The most that a command may print as its result, in bytes.
const OUTPUT: u64 = 16 << 20;
/// How much of its standard error is kept, in bytes.
const ERRORS: u64 = 64 << 10;

/// The processes of a command; they are killed with this.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!("a command was not killed, it may have ended: {error}");
        }
    }
}

/// Runs a command with the arguments of a call; what goes wrong is for the caller to know.
/// Dropping the future kills the command, and what it has started.
pub(super) async fn run(command: &[String], procedure: &str, payload: &Payload) -> Result<Payload> {
    let Json { args, kwargs } = Json::of(payload)?;
    let input = json!({ "args": args, "kwargs": kwargs, "procedure": procedure }).to_string();
    let [program, arguments @ ..] = command else { bail!("there is no command") };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run `{program}`"))?;
    let id = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    let mut group = Group(id);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        bail!("the command has no pipes");
    };
    let (status, (), output, errors) = tokio::try_join!(
        child.wait(),
        write(stdin, &input),
        read(stdout, OUTPUT),
        read(stderr, ERRORS)
    )
    .with_context(|| format!("cannot talk with `{program}`"))?;
    // Its number may belong to somebody else from now on.
    group.0 = None;
    if !status.success() {
        let errors = String::from_utf8_lossy(&errors.bytes).into_owned();
        match errors.lines().map(str::trim).find(|line| !line.is_empty()) {
            Some(line) => bail!("{line}"),
            None => bail!("`{program}` failed: {status}"),
        }
    }
    if output.is_cut {
        bail!("`{program}` printed more than {OUTPUT} bytes");
    }
    let text = String::from_utf8(output.bytes);
    Ok(result(&text.with_context(|| format!("`{program}` printed no UTF-8"))?))
}

/// What a command printed, up to a limit.
struct Printed {
    bytes: Vec<u8>,
    is_cut: bool,
}

async fn write(mut stdin: ChildStdin, input: &str) -> io::Result<()> {
    match stdin.write_all(input.as_bytes()).await {
        // A command need not read what it does not care for.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

async fn read(mut pipe: impl AsyncRead + Unpin, limit: u64) -> io::Result<Printed> {
    let mut bytes = Vec::new();
    (&mut pipe).take(limit).read_to_end(&mut bytes).await?;
    // A command that nobody reads would never end.
    let rest = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok(Printed { bytes, is_cut: rest > 0 })
}

/// Makes the result of what was printed: JSON, a text where it is none, or no argument.
fn result(printed: &str) -> Payload {
    if printed.is_empty() {
        return Payload::empty();
    }
    if let Ok(json) = serde_json::from_str::<&RawValue>(printed) {
        return Payload::from_json(Some(format!("[{json}]")), None);
    }
    let text = printed.strip_suffix('\n').unwrap_or(printed);
    Payload::from_values([Value::from(text)], None)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str) -> Result<Payload> {
        let command = ["sh", "-c", script].map(str::to_owned);
        let payload = Payload::from_json(Some("[1,\"a\"]"), Some("{\"k\":null}"));
        run(&command, "com.example.p", &payload).await
    }

    #[tokio::test]
    async fn command_reads_the_call_and_prints_its_result() {
        let echoed = shell("cat").await.unwrap();
        let expected = r#"[{"args":[1,"a"],"kwargs":{"k":null},"procedure":"com.example.p"}]"#;
        assert_eq!(echoed.args_json(), expected);
        assert_eq!(shell("echo 7").await.unwrap().args_json(), "[7]");
        assert_eq!(shell("echo hello world").await.unwrap().args_json(), r#"["hello world"]"#);
        assert_eq!(shell("true").await.unwrap(), Payload::empty());
    }

    #[tokio::test]
    async fn failed_command_tells_why() {
        let error = shell("echo >&2; echo no such thing >&2; echo more >&2; exit 3").await;
        assert_eq!(error.unwrap_err().to_string(), "no such thing");
        let error = shell("exit 3").await.unwrap_err();
        assert_eq!(error.to_string(), "`sh` failed: exit status: 3");
        let error = shell("printf '\\377'").await.unwrap_err();
        assert_eq!(error.to_string(), "`sh` printed no UTF-8");
        let nothing = run(&["/no/such/command".to_owned()], "p", &Payload::empty()).await;
        assert_eq!(nothing.unwrap_err().to_string(), "cannot run `/no/such/command`");
    }

    #[tokio::test]
    async fn endless_output_is_thrown_away() {
        let error = shell("head -c 17000000 /dev/zero").await.unwrap_err();
        assert_eq!(error.to_string(), "`sh` printed more than 16777216 bytes");
    }
}
