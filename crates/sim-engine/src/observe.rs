//! What those who operate a service see of an engine: its runs, all of a run, and how it changes.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt};
use sim_games_types::{Change, Resource, RunPk, UserPk};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::engine::Engine;
use crate::model::{LoadedRun, Model};
use crate::sync::read;

/// A run in memory, in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its key.
    pub pk: RunPk,
    /// Its name.
    pub name: String,
    /// Whether it is active.
    pub active: bool,
    /// The name of its phase, if it is in one.
    pub phase: Option<String>,
    /// How many worlds it has.
    pub worlds: usize,
    /// How many members it has, leaders included.
    pub members: usize,
    /// How many of them are online.
    pub online: usize,
}

/// An onlooker was too slow: so many changes were not kept for it, of whichever run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed(pub u64);

impl Engine {
    /// The runs in memory, in the order of their keys.
    #[must_use]
    pub fn runs(&self) -> Vec<RunSummary> {
        let model = &self.inner.model;
        let mut runs: Vec<_> = model.loaded().iter().map(|run| summary(model, run)).collect();
        runs.sort_unstable_by_key(|run| run.pk);
        runs
    }

    /// How much of what the sessions have asked for is not done.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.waiting()
    }

    /// A member's e-mail address; nothing for users who play in no loaded run.
    #[must_use]
    pub fn email(&self, user: UserPk) -> Option<String> {
        self.inner.model.email(user)
    }

    /// A run in memory with all below it, whoever may see it, as JSON text: `{"seq", "tree"}`. The
    /// tree has the form that `get_scope_tree` answers, without the fields that players never see;
    /// changes up to the number `seq` are in it, and perhaps later ones.
    #[must_use]
    pub fn run_tree(&self, run: RunPk) -> Option<String> {
        // Read before the tree, so that nothing is missing in it.
        let seq = *self.inner.applied.borrow();
        let run = self.inner.model.run(run)?;
        let tree = read(&run.tree);
        let mut out = format!(r#"{{"seq":{seq},"tree":"#);
        tree.write_whole_tree(&mut out, (Resource::Run, tree.run().id.0));
        out.push('}');
        Some(out)
    }

    /// The changes of a run from now on, as they are applied. Nobody waits for whoever reads them:
    /// who is too slow is told so, and then nothing more.
    #[must_use]
    pub fn changes(&self, run: RunPk) -> BoxStream<'static, Result<Arc<Change>, Missed>> {
        let seen = self.inner.seen.subscribe();
        let next = move |seen: Option<Receiver<Arc<Change>>>| async move {
            let mut seen = seen?;
            loop {
                match seen.recv().await {
                    Ok(change) if change.run == Some(run) => return Some((Ok(change), Some(seen))),
                    Ok(_) => {}
                    Err(RecvError::Lagged(missed)) => return Some((Err(Missed(missed)), None)),
                    Err(RecvError::Closed) => return None,
                }
            }
        };
        stream::unfold(Some(seen), next).boxed()
    }
}

fn summary(model: &Model, run: &LoadedRun) -> RunSummary {
    let tree = read(&run.tree);
    let phase = tree.run().phase;
    let phase = phase.and_then(|pk| Some(read(&model.game).phases.get(&pk)?.name.clone()));
    RunSummary {
        pk: tree.run().id,
        name: tree.run().name.clone(),
        active: tree.run().active,
        phase,
        worlds: tree.worlds().count(),
        members: tree.runusers().count(),
        online: tree.runusers().filter(|node| model.online(node.entry.user)).count(),
    }
}
