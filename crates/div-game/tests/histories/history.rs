//! One history: its operations are carried out, and now and then all comes to rest and is checked.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sim::types::Resource;
use sim::wamp::CallError;
use tokio::task::JoinHandle;

use crate::arena::{Arena, Cast, ROOT, Unit};
use crate::browser::{Tab, ask, refused};
use crate::checks;
use crate::ledger::{Acknowledged, Ledger};
use crate::op::{Op, Play, Round};
use crate::rows::{Key, Rows, is, link};

/// Errors with which a call may be answered while others write.
const EXPECTED: [&str; 5] = [
    "wamp.error.not_authorized",
    "wamp.error.invalid_argument",
    "application.error.conflict",
    "application.error.change_phase",
    "application.error.not_found",
];

/// What is asked of a scope.
struct Question {
    scope: Key,
    name: &'static str,
    args: Value,
    /// What it stores when it is accepted, if it is a submission.
    claim: Option<Acknowledged>,
    /// By which the service knows repetitions of a submission.
    key: Option<String>,
}

/// A call whose answer nobody has looked at yet.
struct Asked {
    uri: String,
    scope: Key,
    user: i64,
    session: u64,
    claim: Option<Acknowledged>,
    key: Option<String>,
    answer: JoinHandle<Result<Value, CallError>>,
}

/// A submission that can be repeated.
#[derive(Clone)]
struct Keyed {
    period: i64,
    key: String,
}

/// What happens between two states in which nothing is under way.
pub(crate) struct History<'a> {
    pub(crate) arena: &'a mut Arena,
    pub(crate) cast: Cast,
    pub(crate) runs: Vec<i64>,
    pub(crate) rows: Rows,
    pub(crate) ledger: Ledger,
    pub(crate) tabs: Vec<Tab>,
    asked: Vec<Asked>,
    edits: Vec<JoinHandle<Result<()>>>,
    /// The last submission of each user that carried a key.
    keyed: HashMap<i64, Keyed>,
    /// The keys of submissions that were accepted.
    accepted: HashSet<String>,
    pub(crate) counter: u32,
}

/// Plays a history from its beginning to the last check.
pub(crate) async fn play(arena: &mut Arena, ops: &[Op]) -> Result<()> {
    let cast = arena.begin().await?;
    let runs = vec![cast.run];
    let ledger = Ledger::new(arena.roles);
    let mut history = History {
        arena,
        cast,
        runs,
        rows: Rows::default(),
        ledger,
        tabs: Vec::new(),
        asked: Vec::new(),
        edits: Vec::new(),
        keyed: HashMap::new(),
        accepted: HashSet::new(),
        counter: 0,
    };
    history.check().await?;
    for user in 0..5 {
        history.open(user).await?;
    }
    for (number, op) in ops.iter().enumerate() {
        history.step(*op).await.with_context(|| format!("at operation {number}, {op:?}"))?;
    }
    history.end().await.context("at the end")
}

impl History<'_> {
    async fn step(&mut self, op: Op) -> Result<()> {
        match op {
            Op::Open { user } => self.open(user).await?,
            Op::Close { tab } => {
                if let Some(index) = usize::from(tab).checked_rem(self.tabs.len()) {
                    // Its calls under way are answered, or withdrawn by the router.
                    self.answers().await?;
                    self.tabs.remove(index).session.leave().await;
                }
            }
            Op::Check => self.check().await?,
            Op::Rest => {
                self.check().await?;
                for tab in self.tabs.drain(..) {
                    tab.session.leave().await;
                }
                self.arena.quiet().await?;
                self.arena.core().rest_now().await;
            }
            Op::Restart => {
                self.check().await?;
                let users: Vec<_> = self.tabs.drain(..).map(|tab| tab.user).collect();
                self.arena.restart().await?;
                for user in users {
                    self.tabs.push(Tab::open(self.arena, &self.rows, user).await?);
                }
                self.check().await?;
            }
            Op::AddRun => {
                if self.runs.len() == 1 {
                    let (unit, run) = self.arena.second_run(&self.cast);
                    let made = self.arena.store(unit).await?;
                    self.runs.push(made.references[&run]);
                    self.check().await?;
                }
            }
            _ if self.begin_call(op) => {}
            _ => self.begin_edit(op),
        }
        Ok(())
    }

    async fn open(&mut self, user: u8) -> Result<()> {
        let user = self.cast.users[usize::from(user) % self.cast.users.len()];
        if self.tabs.len() < 8 {
            self.tabs.push(Tab::open(self.arena, &self.rows, user).await?);
        }
        Ok(())
    }

    /// Begins a call, if the operation is one.
    fn begin_call(&mut self, op: Op) -> bool {
        let (tab, scope, name) = match op {
            Op::Submit { tab, period, play } => {
                self.submit(tab, period, play);
                return true;
            }
            Op::Repeat { tab, operand } => {
                self.repeat(tab, operand);
                return true;
            }
            Op::SubmitFor { tab, period, role, play } => {
                self.submit_for(tab, period, role, play);
                return true;
            }
            Op::Phase { tab, forward } => {
                let name = if forward { "advance_phase" } else { "rollback_phase" };
                (tab, self.scope(Resource::Run, tab), name)
            }
            Op::Round { tab, period, round } => {
                let name = if round == Round::Reopen { "reopen" } else { "close" };
                (tab, self.scope(Resource::Period, period), name)
            }
            Op::World { tab, world } => (tab, self.scope(Resource::World, world), "step"),
            Op::Rounds { tab, round } => {
                let name = match round {
                    Round::Close => "close",
                    Round::Reopen => "reopen",
                    Round::Step => "step",
                };
                (tab, self.scope(Resource::Run, tab), name)
            }
            _ => return false,
        };
        if let Some(scope) = scope {
            self.ask(tab, Question { scope, name, args: json!([]), claim: None, key: None });
        }
        true
    }

    fn scope(&self, resource: Resource, which: u8) -> Option<Key> {
        self.rows.pick(resource, which).map(|pk| (resource, pk))
    }

    /// The page of this number; the first is the leader's, as long as it is open.
    fn tab(&self, tab: u8) -> Option<&Tab> {
        self.tabs.get(usize::from(tab).checked_rem(self.tabs.len())?)
    }

    fn ask(&mut self, tab: u8, question: Question) {
        let Some((user, session)) = self.tab(tab).map(|tab| (tab.user, tab.session.clone())) else {
            return;
        };
        let Question { scope, name, args, claim, key } = question;
        let uri = format!("{ROOT}.model.{}.{}.{name}", scope.0, scope.1);
        let kwargs = key.as_ref().map(|key| json!({"idempotency_key": key}));
        let asked = uri.clone();
        let id = session.info().session;
        let answer = tokio::spawn(async move { ask(&session, &asked, args, kwargs).await });
        self.asked.push(Asked { uri, scope, user, session: id, claim, key, answer });
    }

    /// A player submits, every other time so that the call can be repeated.
    fn submit(&mut self, tab: u8, period: u8, play: Play) {
        let Some((user, session)) = self.who(tab) else { return };
        let Some(pk) = self.aim(user, period) else { return };
        self.counter += 1;
        let key = self.counter.is_multiple_of(2).then(|| format!("key {}", self.counter));
        if let Some(key) = key.clone() {
            self.keyed.insert(user, Keyed { period: pk, key });
        }
        let arg = argument(play);
        let claim = arg.as_f64().and_then(|operand| self.claim(user, session, pk, operand));
        let (scope, args) = ((Resource::Period, pk), json!([arg]));
        self.ask(tab, Question { scope, name: "submit_decision", args, claim, key });
    }

    /// What is stored if a player's own submission is accepted.
    fn claim(&self, user: i64, session: u64, period: i64, operand: f64) -> Option<Acknowledged> {
        let (member, fields) = self.member_at(user, period)?;
        Some(Acknowledged { slot: (period, link(fields, "role")?), operand, session, member })
    }

    /// A page does not know what came of a submission, and sends it again.
    fn repeat(&mut self, tab: u8, operand: i8) {
        let Some((user, session)) = self.who(tab) else { return };
        let Some(Keyed { period, key }) = self.keyed.get(&user).cloned() else { return };
        // Calls of other sessions under way may be handled in any order.
        let others =
            self.asked.iter().any(|it| it.key.as_ref() == Some(&key) && it.session != session);
        if others {
            return;
        }
        let operand = f64::from(operand);
        let claim = self.claim(user, session, period, operand);
        let (scope, args) = ((Resource::Period, period), json!([operand]));
        self.ask(tab, Question { scope, name: "submit_decision", args, claim, key: Some(key) });
    }

    /// A leader submits for a player.
    fn submit_for(&mut self, tab: u8, period: u8, role: u8, play: Play) {
        let Some((user, session)) = self.who(tab) else { return };
        let Some(pk) = self.aim(user, period) else { return };
        let role = self.arena.roles[usize::from(role)];
        let meant = self.rows.all(Resource::RunUser).find(|(_, fields)| {
            link(fields, "role") == Some(role) && self.rows.visible((Resource::Period, pk), fields)
        });
        let Some((member, _)) = meant else { return };
        let arg = argument(play);
        let claim =
            arg.as_f64().map(|operand| Acknowledged { slot: (pk, role), operand, session, member });
        let (scope, args) = ((Resource::Period, pk), json!([member, arg]));
        self.ask(tab, Question { scope, name: "submit_for", args, claim, key: None });
    }

    /// The user of a page, and its session.
    fn who(&self, tab: u8) -> Option<(i64, u64)> {
        self.tab(tab).map(|tab| (tab.user, tab.session.info().session))
    }

    /// Mostly a period that the user sees, sometimes any.
    fn aim(&self, user: i64, which: u8) -> Option<i64> {
        let mut seen: Vec<_> = self.rows.all(Resource::Period).map(|(pk, _)| pk).collect();
        if which < 224 {
            seen.retain(|pk| {
                self.member_at(user, *pk)
                    .is_some_and(|(_, member)| self.rows.visible((Resource::Period, *pk), member))
            });
        }
        seen.get(usize::from(which).checked_rem(seen.len())?).copied()
    }

    /// The user's membership in the run of a period.
    fn member_at(&self, user: i64, period: i64) -> Option<(i64, &crate::rows::Fields)> {
        let (_, run) = *self.rows.line((Resource::Period, period)).last()?;
        self.rows.memberships(user).find(|(_, fields)| link(fields, "run") == Some(run))
    }

    /// Begins to store something: as a REST client, or as a part of the service would.
    pub(crate) fn store(&mut self, unit: Unit) {
        let unit = unit.into_work();
        self.edits.push(if self.counter.is_multiple_of(2) {
            let rest = self.arena.rest().clone();
            tokio::spawn(async move { rest.change(unit).await })
        } else {
            let api = self.arena.api().clone();
            tokio::spawn(async move {
                // What an edit was about may have gone.
                drop(api.commit(unit).await);
                Ok(())
            })
        });
    }

    /// Waits for all calls, and takes note of what was accepted.
    async fn answers(&mut self) -> Result<()> {
        for Asked { uri, scope, user, claim, key, answer, .. } in std::mem::take(&mut self.asked) {
            match answer.await? {
                // A repetition is answered as the first time, and stores nothing.
                Ok(_) if key.as_ref().is_some_and(|key| self.accepted.contains(key)) => {}
                Ok(Value::String(text)) if text == "ok" => {
                    self.accepted.extend(key);
                    // Nobody knows in which role somebody played who was given another seat.
                    if self.ledger.seated.contains(&user) {
                        self.touch(scope);
                        continue;
                    }
                    let claim = claim.with_context(|| format!("`{uri}` was accepted"))?;
                    self.ledger.acknowledged.push(claim);
                }
                Ok(_) => {}
                Err(error) => {
                    ensure!(EXPECTED.contains(&error.uri.as_str()), refused(&uri, &error));
                }
            }
        }
        Ok(())
    }

    /// Lets everything come to rest, and checks it.
    pub(crate) async fn check(&mut self) -> Result<()> {
        self.answers().await?;
        for edit in std::mem::take(&mut self.edits) {
            edit.await??;
        }
        self.touch_fellows();
        self.arena.quiet().await?;
        self.rows = Rows::read(self.arena.api(), &self.runs).await?;
        self.catch_up().await?;
        self.ledger.check_heard(&self.rows, &mut self.tabs)?;
        self.ledger.check_rules(&self.rows)?;
        checks::pages(self).await?;
        self.ledger.seat(&self.rows);
        Ok(())
    }

    /// Lets pages load and follow what they have heard of, until they have nothing left to do.
    async fn catch_up(&mut self) -> Result<()> {
        for _ in 0..4 {
            let mut busy = false;
            for tab in &mut self.tabs {
                tab.caught_up().await?;
                tab.drain();
                busy |= tab.catch_up(&self.rows).await?;
            }
            if !busy {
                return Ok(());
            }
            self.arena.quiet().await?;
        }
        bail!("the pages do not come to rest")
    }

    /// Looks at the trees of all members, also of those who have no page, and deletes the runs.
    async fn end(&mut self) -> Result<()> {
        self.check().await?;
        let members = self.rows.all(Resource::RunUser).filter_map(|(_, it)| link(it, "user"));
        let users: std::collections::BTreeSet<_> = members.collect();
        for user in users {
            if self.tabs.iter().all(|tab| tab.user != user) {
                self.tabs.push(Tab::open(self.arena, &self.rows, user).await?);
            }
        }
        self.check().await?;
        for run in self.runs.clone() {
            self.arena.store(Unit::delete(Resource::Run, run)).await?;
        }
        self.arena.quiet().await?;
        for tab in &mut self.tabs {
            tab.caught_up().await?;
            tab.drain();
            let left: Vec<_> =
                tab.view.iter().filter(|(_, it)| !is(it, "leader")).map(|(key, _)| *key).collect();
            let left: Vec<_> =
                left.into_iter().filter(|key| checks::must_vanish(tab, *key)).collect();
            ensure!(left.is_empty(), "user {} still has {left:?} after the run has gone", tab.user);
        }
        for tab in self.tabs.drain(..) {
            tab.session.leave().await;
        }
        self.arena.quiet().await
    }
}

fn argument(play: Play) -> Value {
    match play {
        Play::Number(number) => json!(number),
        Play::Extreme(large) => json!(if large { 1e300 } else { 1e-300 }),
        Play::Junk => json!("much"),
    }
}
