//! `wamp publish`.

use anyhow::Result;
use serde_json::json;

use super::output::failure;
use super::{Joined, cli};
use crate::Publication;

pub(super) async fn run(joined: &mut Joined, args: &cli::Publish) -> Result<()> {
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let authids = args.eligible_authid.iter().map(|authid| authid.as_str().into());
    let publication = Publication {
        acknowledge: args.acknowledge,
        retain: args.retain,
        disclose_me: args.disclose_me,
        exclude: args.exclude.clone(),
        exclude_authid: args.exclude_authid.clone(),
        exclude_authrole: args.exclude_authrole.clone(),
        eligible: (!args.eligible.is_empty()).then(|| args.eligible.clone()),
        eligible_authid: (!args.eligible_authid.is_empty()).then(|| authids.collect()),
        eligible_authrole: some(&args.eligible_authrole),
        ..Publication::new(args.uri.as_str(), args.arguments.payload()?)
    };
    let published = joined.session.publish(publication);
    // What is not acknowledged is sent before the goodbye.
    match joined.stop.unless_wanted(published).await?.map_err(failure)? {
        Some(id) => {
            joined.output.fact(&json!({ "publication": id }), &format!("published as {id}"))
        }
        None => Ok(()),
    }
}
