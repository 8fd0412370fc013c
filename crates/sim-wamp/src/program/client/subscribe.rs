//! `wamp subscribe`.

use anyhow::{Result, bail};

use super::output::failure;
use super::{Joined, cli};
use crate::program::note;
use crate::{SessionEvent, SubscribeOptions};

pub(super) async fn run(joined: &mut Joined, args: &cli::Subscribe) -> Result<()> {
    let options = SubscribeOptions { policy: args.policy, get_retained: args.get_retained };
    let subscribed = joined.session.subscribe(&args.uri, options);
    joined.stop.unless_wanted(subscribed).await?.map_err(failure)?;
    note(format_args!("subscribed to `{}`", args.uri));
    let mut left = args.count;
    while left != Some(0) {
        let received = tokio::select! {
            received = joined.incoming.recv() => received,
            () = joined.stop.wanted() => return Ok(()),
        };
        match received {
            Some(SessionEvent::Event(event)) => {
                joined.output.event(&event)?;
                left = left.map(|left| left - 1);
            }
            Some(SessionEvent::Unsubscribed { reason, .. }) => {
                bail!("the router has ended the subscription: {reason}");
            }
            Some(SessionEvent::Goodbye { reason }) => {
                bail!("the router has ended the session: {reason}");
            }
            Some(_) => {}
            None => bail!("the session has ended"),
        }
    }
    Ok(())
}
