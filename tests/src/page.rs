//! The stock browser page: it mounts, follows and plays exactly as that page does.

mod store;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::wamp::{Answer, Login, Wamp};
pub use store::Store;

/// What every stock page signs its challenge with.
const STOCK_SECRET: &str = "nopassword";

/// An open page of one user.
#[derive(Debug)]
pub struct Page {
    /// The session below the page.
    pub wamp: Wamp,
    /// What the page has loaded.
    pub store: Store,
    root: String,
    user: u64,
    topics: Vec<String>,
    subscriptions: Vec<u64>,
}

/// What an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Expected {
    ActiveRunusers,
    RunAndPhase,
    ScopeTree,
    Scenarios,
    Phases,
    Roles,
}

impl Page {
    /// Opens the page of a player, who follows the own runuser and the own world.
    ///
    /// # Errors
    /// When the stock page would stay blank.
    pub async fn player(
        url: &str,
        root: &str,
        user: u64,
        runuser: u64,
        world: u64,
    ) -> Result<Self> {
        let topics = vec![format!("model.runuser.{runuser}"), format!("model.world.{world}")];
        Self::mount(url, root, user, topics).await
    }

    /// Opens the page of a leader, who follows the runs.
    ///
    /// # Errors
    /// When the stock page would stay blank.
    pub async fn leader(url: &str, root: &str, user: u64, runs: &[u64]) -> Result<Self> {
        let topics = runs.iter().map(|run| format!("model.run.{run}")).collect();
        Self::mount(url, root, user, topics).await
    }

    async fn mount(url: &str, root: &str, user: u64, topics: Vec<String>) -> Result<Self> {
        let authid = user.to_string();
        let login = Login::Cra { authid: &authid, secret: STOCK_SECRET };
        let mut wamp = Wamp::login(url, login).await?;
        wamp.use_random_request_ids();
        let (root, store) = (root.to_owned(), Store::default());
        let mut page = Self { wamp, store, root, user, topics, subscriptions: Vec::new() };
        page.load().await?;
        page.subscribe().await?;
        Ok(page)
    }

    /// Sends everything at once and takes the answers as they come.
    async fn load(&mut self) -> Result<()> {
        let mut open = BTreeMap::new();
        let mut order = Vec::new();
        for topic in self.topics.clone() {
            let topic = format!("{}.{topic}", self.root);
            self.wamp.publish_quietly(&format!("{topic}.connected"), json!([])).await?;
            for (name, args, expected) in [
                ("get_active_runusers", json!([false]), Expected::ActiveRunusers),
                ("get_current_run_and_phase", json!([]), Expected::RunAndPhase),
                ("get_scope_tree", json!([null]), Expected::ScopeTree),
            ] {
                let id = self.wamp.send_call(&format!("{topic}.{name}"), Some(args), None).await?;
                open.insert(id, expected);
                order.push(id);
            }
        }
        for (name, expected) in [("get_phases", Expected::Phases), ("get_roles", Expected::Roles)] {
            let uri = format!("{}.model.game.{name}", self.root);
            let id = self.wamp.send_call(&uri, Some(json!([])), None).await?;
            open.insert(id, expected);
            order.push(id);
        }
        self.take_answers(open, order).await
    }

    /// Takes the answers in the order of the calls, asking for the scenarios on the way.
    ///
    /// That they also arrive in this order is checked on the frames: the stock page renders too
    /// early, and dies, when the phases overtake the tree.
    async fn take_answers(
        &mut self,
        open: BTreeMap<u64, Expected>,
        mut order: Vec<u64>,
    ) -> Result<()> {
        let mut next = 0;
        while let Some(id) = order.get(next).copied() {
            next += 1;
            let expected = open.get(&id).copied().unwrap_or(Expected::Scenarios);
            let value = self.wamp.answer(id).await?.value();
            let value = value.with_context(|| format!("the answer to {expected:?}"))?;
            if let Some(uri) = self.take(expected, &value)? {
                // The stock page sends this call without an element for the arguments.
                order.push(self.wamp.send_call(&uri, None, None).await?);
            }
        }
        let answered: Vec<u64> = self
            .wamp
            .received()
            .iter()
            .filter(|frame| frame[0] == 50)
            .filter_map(|frame| frame[1].as_u64())
            .collect();
        ensure!(answered == order, "the answers overtook each other: {answered:?} for {order:?}");
        Ok(())
    }

    /// Stores one answer; returns the call that follows from it.
    fn take(&mut self, expected: Expected, value: &Value) -> Result<Option<String>> {
        match expected {
            Expected::ActiveRunusers => {
                let mut own = None;
                for scope in value.as_array().context("the runusers are no list")? {
                    self.store.load(scope)?;
                    if scope["data"]["user"] == self.user {
                        let pk = &scope["pk"];
                        own = Some(format!("{}.model.runuser.{pk}.get_scenarios", self.root));
                    }
                }
                ensure!(own.is_some(), "the page throws without its own runuser");
                Ok(own)
            }
            Expected::RunAndPhase => {
                self.store.load(&value["run"])?;
                ensure!(value["phase"]["pk"].is_u64(), "the page throws without a phase");
                Ok(None)
            }
            Expected::ScopeTree => {
                self.store.load(value)?;
                if value["resource_name"] == "run" {
                    self.add_topics(value);
                }
                Ok(None)
            }
            Expected::Scenarios => {
                for scope in value.as_array().context("the scenarios are no list")? {
                    self.store.load(scope)?;
                }
                Ok(None)
            }
            Expected::Phases => self.store.replace("phase", value).map(|()| None),
            Expected::Roles => self.store.replace("role", value).map(|()| None),
        }
    }

    /// A loaded run makes the page follow each of its children.
    fn add_topics(&mut self, tree: &Value) {
        for child in tree["children"].as_array().into_iter().flatten() {
            let resource = child["resource_name"].as_str().unwrap_or_default();
            self.topics.push(format!("model.{resource}.{}", child["pk"]));
        }
    }

    async fn subscribe(&mut self) -> Result<()> {
        let mut topics = vec![format!("{}.error.{}", self.root, self.user)];
        for topic in &self.topics {
            for action in ["add_child", "update_child", "remove_child"] {
                topics.push(format!("{}.{topic}.{action}", self.root));
            }
        }
        let mut requests = Vec::new();
        for topic in topics {
            requests.push(self.wamp.send_subscribe(&topic, "prefix").await?);
        }
        self.subscriptions.clear();
        for request in requests {
            self.subscriptions.push(self.wamp.answer(request).await?.id()?);
        }
        Ok(())
    }

    /// Ends all subscriptions and makes them anew, as the page does whenever its topics change.
    ///
    /// # Errors
    /// When the router refuses one of them.
    pub async fn resubscribe(&mut self) -> Result<()> {
        let mut ended = self.subscriptions.clone();
        // The same topic twice is one subscription to the router.
        ended.sort_unstable();
        ended.dedup();
        for subscription in ended {
            ensure!(self.wamp.unsubscribe(subscription).await? == Answer::Done(None));
        }
        self.subscribe().await
    }

    /// Opens a leader's table of a run and follows what it loaded.
    ///
    /// # Errors
    /// When the answer has not the shape the page understands.
    pub async fn open_run(&mut self, run: u64) -> Result<()> {
        let uri = format!("{}.model.run.{run}.get_run_data", self.root);
        let value = self.wamp.call(&uri, json!([null])).await?.value()?;
        self.store.load(&value)?;
        for scope in value["runusers"].as_array().context("no runusers in the run's data")? {
            ensure!(scope["data"]["online"].is_boolean(), "a runuser without presence: {scope}");
            self.store.load(scope)?;
        }
        self.add_topics(&value);
        self.resubscribe().await
    }

    /// Types a number into the form; returns the text shown below it, empty for `ok`.
    ///
    /// # Errors
    /// When the answer would blank the page.
    pub async fn play(&mut self, typed: &str) -> Result<String> {
        let period = self.first_period()?;
        let uri = format!("{}.model.period.{period}.submit_decision", self.root);
        match self.wamp.call(&uri, json!([typed])).await?.value()? {
            Value::String(text) if text == "ok" => Ok(String::new()),
            Value::String(text) => Ok(text),
            other => bail!("the page cannot show {other}"),
        }
    }

    /// The period that the page plays: the first it has of the first scenario of the world.
    ///
    /// # Errors
    /// When there is none, which blanks the page.
    pub fn first_period(&self) -> Result<u64> {
        let world = &self.store.list("world").first().context("no world in the page")?["pk"];
        let world = world.as_u64().context("the world has no pk")?;
        let scenario = self.store.first("scenario", "world", world).context("no scenario")?;
        let scenario = scenario["pk"].as_u64().context("the scenario has no pk")?;
        let period = self.store.first("period", "scenario", scenario).context("no period")?;
        period["pk"].as_u64().context("the period has no pk")
    }

    /// The quotient that the page shows.
    #[must_use]
    pub fn quotient(&self) -> Option<f64> {
        let result = self.store.first("result", "period", self.first_period().ok()?)?;
        result["data"]["quotient"].as_f64()
    }

    /// Takes events until the page is as wanted.
    ///
    /// # Errors
    /// When it does not get so in time.
    pub async fn until(&mut self, mut wanted: impl FnMut(&Self) -> bool) -> Result<()> {
        while !wanted(self) {
            let event = self.wamp.next_event().await?;
            self.store.apply(&event)?;
        }
        Ok(())
    }

    /// Takes all events up to now.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn settle(&mut self) -> Result<()> {
        let uri = format!("{}.model.game.get_phases", self.root);
        self.wamp.call(&uri, json!([])).await?;
        for event in self.wamp.take_events() {
            self.store.apply(&event)?;
        }
        Ok(())
    }
}
