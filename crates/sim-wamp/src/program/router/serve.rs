//! Serving until the program is told to stop.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::{Config, Realm};
use super::listen::{Bounds, Open};
use super::questions::Questions;
use super::rights::{Rights, Users};
use crate::Router;
use crate::program::print;
use crate::program::stop::Stop;

pub(super) async fn run(config: Config) -> Result<()> {
    let mut stop = Stop::listen().context("cannot wait for signals")?;
    allow_files(config.limits.connections);
    let bounds = Bounds { patience: config.limits.handshake, most: config.limits.connections };
    let mut listeners = Vec::new();
    let mut ready = String::new();
    for listen in config.listeners {
        let open = Open::new(listen).await?;
        ready += &format!("listening on {}\n", open.url()?);
        listeners.push(open);
    }
    let mut builder = Router::builder()
        .limits(config.limits)
        .attempts(config.attempts)
        .uri_rule(config.uris)
        .disclose(config.disclose);
    for history in config.history {
        builder = builder.history(&history.uri, history.policy, history.limit);
    }
    let (mut users, mut rights) = (Users::default(), Rights::default());
    let mut all_questions = Vec::new();
    for realm in config.realms {
        let Realm { name, users: its_users, rules, authenticator, authorizers } = realm;
        builder = builder.realm(name.as_str());
        let questions = Arc::new(Questions::default());
        all_questions.push((name.clone(), questions.clone()));
        users.insert(name.clone(), its_users, authenticator.map(|it| (it, questions.clone())));
        rights.insert(name, rules, authorizers, questions);
    }
    let router = builder.authenticator(Arc::new(users)).authorizer(Arc::new(rights)).start();
    for (realm, questions) in all_questions {
        questions.join(&router, &realm).await.context("cannot join a realm of this router")?;
    }

    let closing = CancellationToken::new();
    let mut serving = JoinSet::new();
    for open in listeners {
        serving.spawn(open.serve(router.clone(), bounds, closing.clone()));
    }
    if let Err(error) = print(&ready) {
        // Those who connect know the addresses without being told.
        tracing::warn!("{error:#}");
    }
    let failed = tokio::select! {
        () = stop.wanted() => None,
        ended = serving.join_next() => Some(ended),
    };
    tracing::info!("saying goodbye to all sessions; another signal ends the program at once");
    closing.cancel();
    tokio::select! {
        () = router.shutdown() => {}
        () = stop.wanted() => tracing::warn!("some sessions were cut off"),
    }
    serving.shutdown().await;
    match failed {
        None => Ok(()),
        Some(ended) => bail!("a listener ended by itself: {ended:?}"),
    }
}

/// Takes all the open files that the system allows: what it gives unasked is often 1024, and each
/// connection is one.
fn allow_files(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!("the limit of open files cannot be raised: {error}");
    }
    let allowed = getrlimit(Resource::Nofile).current;
    if let Some(files) = allowed.filter(|files| *files <= connections as u64) {
        tracing::info!(
            "the system allows {files} open files: that many connections at most, and not \
             {connections} as `limits.connections` says"
        );
    }
}
