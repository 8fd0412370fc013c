//! `wamp ping`.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::output::failure;
use super::{Joined, cli};
use crate::{Payload, uri};

/// The procedure that is called. Whatever the router answers, if only that this may not be called,
/// has gone there and back as any call does.
const PROCEDURE: &str = "wamp.session.count";

pub(super) async fn run(joined: &mut Joined, args: &cli::Ping) -> Result<()> {
    let measuring = async {
        let mut times = Vec::new();
        for _ in 0..args.count {
            let started = Instant::now();
            match joined.session.call(PROCEDURE, Payload::empty()).await {
                Err(error) if error.uri == uri::SESSION_ENDED => return Err(failure(error)),
                _ => times.push(started.elapsed()),
            }
        }
        Ok(times)
    };
    let times = joined.stop.unless_wanted(measuring).await??;
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let (min, max) = (times.iter().min().copied(), times.iter().max().copied());
    let (min, max) = (millis(min.unwrap_or_default()), millis(max.unwrap_or_default()));
    let avg = millis(times.iter().sum()) / f64::from(args.count);
    let line = json!({ "count": args.count, "min_ms": min, "avg_ms": avg, "max_ms": max });
    let text =
        format!("{} round trips: min {min:.3} ms, avg {avg:.3} ms, max {max:.3} ms", args.count);
    joined.output.fact(&line, &text)
}
