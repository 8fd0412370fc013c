//! `wamp call`.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::timeout;

use super::output::{Output, failure};
use super::{Joined, cli};
use crate::CallOptions;

/// How much longer than the router the program waits: the router's own answer says more.
const GRACE: Duration = Duration::from_secs(2);

pub(super) async fn run(joined: &mut Joined, args: &cli::Call) -> Result<()> {
    let payload = args.arguments.payload()?;
    let options = CallOptions {
        disclose_me: args.disclose_me,
        timeout: args.timeout,
        receive_progress: args.progress,
        ..CallOptions::default()
    };
    let call = joined.session.start_call(&args.uri, payload, options);
    let printing = print_results(call, joined.output);
    let printing = async {
        match args.timeout {
            // Not all routers know of time-outs.
            Some(limit) => match timeout(limit + GRACE, printing).await {
                Ok(printed) => printed,
                Err(_) => bail!("no result after {limit:?}"),
            },
            None => printing.await,
        }
    };
    tokio::select! {
        printed = printing => printed,
        // Dropping the call cancels it.
        () = joined.stop.wanted() => bail!("interrupted before the call had its result"),
    }
}

async fn print_results(
    call: impl Future<Output = Result<crate::Call, crate::CallError>>,
    output: Output,
) -> Result<()> {
    let mut call = call.await.map_err(failure)?;
    while let Some(result) = call.next().await {
        let result = result.map_err(failure)?;
        output.result(&result.payload, result.progress)?;
    }
    Ok(())
}
