//! The game Div as its users know it: who plays where, and what is stored.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::binaries::Binaries;
use crate::program::{Finished, run_to_end};
use crate::rest::Rest;
use crate::service::{DEADLINE, Service};
use crate::target::{Elsewhere, Target};
use crate::wamp::{Answer, Event, Login, Wamp};

/// A running Div service and the staff's access to its data.
#[derive(Debug)]
pub struct Div {
    /// The process.
    pub service: Service,
    /// The Games API with the staff account.
    pub rest: Rest,
    /// The root of all topics and procedures.
    pub root: String,
}

/// One run with everything in it that tests ask for.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The run.
    pub run: u64,
    /// The phases by name.
    pub phases: BTreeMap<String, u64>,
    /// The roles by name.
    pub roles: BTreeMap<String, u64>,
    /// The worlds in the order of their creation.
    pub worlds: Vec<WorldPks>,
    /// The runusers by e-mail.
    pub runusers: BTreeMap<String, Value>,
}

/// A world with the path down to its first period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldPks {
    /// The world.
    pub world: u64,
    /// Its scenario.
    pub scenario: u64,
    /// The scenario's first period.
    pub period: u64,
}

/// What is stored of one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// The operands by role, in the order of their creation.
    pub operands: Vec<(u64, f64)>,
    /// The quotients of all results.
    pub quotients: Vec<f64>,
}

/// Somebody of a run, logged in.
#[derive(Debug)]
pub struct Member {
    /// The session.
    pub wamp: Wamp,
    /// The user.
    pub user: u64,
    /// The runuser.
    pub runuser: u64,
    /// The own world, if this is a player.
    pub world: Option<WorldPks>,
    /// The own role, if this is a player.
    pub role: Option<u64>,
    root: String,
}

impl Div {
    /// Starts a service with the default environment.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start(args: &[&str]) -> Result<Self> {
        Self::on(Service::start(args).await?)
    }

    /// Starts a service with the default environment on a target.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start_on(target: Target, args: &[&str]) -> Result<Self> {
        Self::on(Service::start_on(target, true, args).await?)
    }

    /// Starts a service on a target where there is no game yet.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start_empty_on(target: Target, args: &[&str]) -> Result<Self> {
        Self::on(Service::start_on(target, false, args).await?)
    }

    /// Wraps a service that runs already.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn on(service: Service) -> Result<Self> {
        let rest = Rest::staff(service.api_url())?;
        Ok(Self { service, rest, root: "world.simpl.sims.div".to_owned() })
    }

    /// Starts the service again and goes to its new address.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn restart(&mut self) -> Result<()> {
        self.service.restart().await?;
        self.rest = Rest::staff(self.service.api_url())?;
        Ok(())
    }

    /// Runs the seed command against this service.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn seed(&self, args: &[&str], input: &str) -> Result<Finished> {
        let mut all = vec!["--games-url", self.service.api_url()];
        all.extend(args);
        run_to_end(&Binaries::get()?.seed, &all, input).await
    }

    /// The URI of something below the model, such as `run.1.advance_phase`.
    #[must_use]
    pub fn uri(&self, path: &str) -> String {
        format!("{}.model.{path}", self.root)
    }

    /// Reads the newest run of this name over REST.
    ///
    /// # Errors
    /// When it does not exist or is not complete.
    pub async fn environment(&self, name: &str) -> Result<Environment> {
        Environment::read(&self.rest, name).await
    }

    /// Logs in somebody whose password is the local part of the address, as all seeded ones are.
    ///
    /// # Errors
    /// When the service refuses.
    pub async fn login(&self, email: &str) -> Result<Wamp> {
        let ticket = email.split('@').next().unwrap_or_default();
        Wamp::login(&self.service.ws_url(), Login::Ticket { authid: email, ticket }).await
    }

    /// Logs in somebody of a run.
    ///
    /// # Errors
    /// When the service refuses, or the person is not in the run.
    pub async fn member(&self, environment: &Environment, email: &str) -> Result<Member> {
        let runuser = environment.runusers.get(email);
        let runuser = runuser.with_context(|| format!("`{email}` is not in the run"))?;
        let world = runuser["world"].as_u64();
        Ok(Member {
            wamp: self.login(email).await?,
            user: pk(&runuser["user"])?,
            runuser: pk(&runuser["id"])?,
            world: environment.worlds.iter().find(|pks| Some(pks.world) == world).copied(),
            role: runuser["role"].as_u64(),
            root: self.root.clone(),
        })
    }

    /// Reads what is stored of one period.
    ///
    /// # Errors
    /// When something stored has not the shape of Div.
    pub async fn round(&self, period: u64) -> Result<Round> {
        let mut operands = Vec::new();
        for decision in self.rest.list(&format!("decisions/?period={period}")).await? {
            ensure!(decision["name"] == "decision", "a decision of another name: {decision}");
            operands.push((pk(&decision["role"])?, number(&decision["data"]["operand"])?));
        }
        let mut quotients = Vec::new();
        for result in self.rest.list(&format!("results/?period={period}")).await? {
            ensure!(result["name"] == "result", "a result of another name: {result}");
            ensure!(result["role"].is_null(), "a result with a role: {result}");
            quotients.push(number(&result["data"]["quotient"])?);
        }
        Ok(Round { operands, quotients })
    }

    /// Changes some fields of a row, in the way that every Games API knows: by replacing it.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub async fn change(&self, path: &str, fields: &Value) -> Result<Value> {
        let mut row = self.rest.get(path).await?;
        for (name, value) in fields.as_object().context("fields are an object")? {
            row[name] = value.clone();
        }
        self.rest.put(path, &row).await
    }

    /// Waits until the service knows all runusers, worlds and periods of a run that are stored, as
    /// it does at once only where the Games API is part of it.
    ///
    /// # Errors
    /// When it does not learn of them in time.
    pub async fn caught_up(&self, name: &str) -> Result<Environment> {
        let environment = self.environment(name).await?;
        let caught_up = tokio::time::timeout(DEADLINE, async {
            loop {
                if self.knows_all(&environment).await? {
                    return anyhow::Ok(());
                }
            }
        });
        caught_up.await.context("the service does not know what is stored")??;
        Ok(environment)
    }

    async fn knows_all(&self, environment: &Environment) -> Result<bool> {
        let leader = environment.runusers.iter().find(|(_, runuser)| runuser["leader"] == true);
        let (leader, _) = leader.context("a run without leader")?;
        let Ok(mut wamp) = self.login(leader).await else { return Ok(false) };
        let path = self.uri(&format!("run.{}.get_active_runusers", environment.run));
        let Answer::Result { args, .. } = wamp.call(&path, json!([false])).await? else {
            return Ok(false);
        };
        let known = args.first().and_then(Value::as_array).map_or(0, Vec::len);
        if known < environment.runusers.len() {
            return Ok(false);
        }
        for world in &environment.worlds {
            let path = self.uri(&format!("period.{}.get_scope", world.period));
            if wamp.call(&path, json!([])).await?.error_uri().is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The Games API beside the service.
    ///
    /// # Errors
    /// When it is part of the service.
    pub fn elsewhere(&mut self) -> Result<&mut Elsewhere> {
        self.service.elsewhere()
    }

    /// Lists the periods of a scenario as (pk, order), by order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn periods(&self, scenario: u64) -> Result<Vec<(u64, i64)>> {
        let mut periods = Vec::new();
        for period in self.rest.list(&format!("periods/?scenario={scenario}")).await? {
            periods.push((pk(&period["id"])?, period["order"].as_i64().context("no order")?));
        }
        periods.sort_by_key(|(_, order)| *order);
        Ok(periods)
    }
}

impl Environment {
    async fn read(rest: &Rest, name: &str) -> Result<Self> {
        let runs = rest.list(&format!("runs/?game_slug=div&name={name}")).await?;
        let run = runs.last().with_context(|| format!("there is no run `{name}`"))?;
        let run = pk(&run["id"])?;
        let scenarios = rest.list(&format!("scenarios/?world__run={run}")).await?;
        let periods = rest.list(&format!("periods/?scenario__world__run={run}&order=1")).await?;
        let scenario_of = by(&scenarios, "world")?;
        let period_of = by(&periods, "scenario")?;
        let mut worlds = Vec::new();
        for world in rest.list(&format!("worlds/?run={run}")).await? {
            let world = pk(&world["id"])?;
            let scenario = *scenario_of.get(&world).context("a world without scenario")?;
            let period = *period_of.get(&scenario).context("a scenario without first period")?;
            worlds.push(WorldPks { world, scenario, period });
        }
        let mut runusers = BTreeMap::new();
        for runuser in rest.list(&format!("runusers/?run={run}")).await? {
            let email = runuser["email"].as_str().context("a runuser without e-mail")?;
            runusers.insert(email.to_owned(), runuser.clone());
        }
        let named = |items: Vec<Value>| -> Result<BTreeMap<String, u64>> {
            let entry = |item: &Value| {
                Ok((item["name"].as_str().context("no name")?.to_owned(), pk(&item["id"])?))
            };
            items.iter().map(entry).collect()
        };
        Ok(Self {
            run,
            phases: named(rest.list("phases/?game_slug=div").await?)?,
            roles: named(rest.list("roles/?game_slug=div").await?)?,
            worlds,
            runusers,
        })
    }
}

impl Member {
    /// The own world.
    ///
    /// # Errors
    /// When this is no player.
    pub fn own_world(&self) -> Result<WorldPks> {
        self.world.context("this member has no world")
    }

    /// Subscribes to the changes of a scope, in the form of the stock browser.
    ///
    /// # Errors
    /// When one of the subscriptions is refused.
    pub async fn follow(&mut self, scope: &str) -> Result<()> {
        for action in ["add_child", "update_child", "remove_child"] {
            let topic = format!("{}.model.{scope}.{action}", self.root);
            self.wamp.subscribe(&topic, "prefix").await?.id()?;
        }
        Ok(())
    }

    /// Follows what the stock page of a player follows: the own runuser and the own world.
    ///
    /// # Errors
    /// When one of the subscriptions is refused.
    pub async fn follow_own(&mut self) -> Result<()> {
        self.follow(&format!("runuser.{}", self.runuser)).await?;
        if let Some(world) = self.world {
            self.follow(&format!("world.{}", world.world)).await?;
        }
        Ok(())
    }

    /// Calls a procedure below the model, such as `world.1.get_scope_tree`.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn call(&mut self, path: &str, args: Value) -> Result<Answer> {
        self.wamp.call(&format!("{}.model.{path}", self.root), args).await
    }

    /// Submits an operand in a period.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn submit(&mut self, period: u64, operand: impl Into<Value>) -> Result<Answer> {
        self.call(&format!("period.{period}.submit_decision"), json!([operand.into()])).await
    }

    /// Submits an operand and expects `ok`.
    ///
    /// # Errors
    /// When the answer is anything else.
    pub async fn play(&mut self, period: u64, operand: impl Into<Value>) -> Result<()> {
        let answer = self.submit(period, operand).await?.value()?;
        ensure!(answer == "ok", "the decision was answered with {answer}");
        Ok(())
    }

    /// All changes up to now: whatever was published before this is called is among them.
    ///
    /// Who is online is left out, since it changes whenever a test lets somebody in.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn changes_so_far(&mut self) -> Result<Vec<Event>> {
        // Its answer takes the same way as the events and so arrives behind them.
        self.call("game.get_phases", json!([])).await?.value()?;
        let mut events = self.wamp.take_events();
        events.retain(|event| event.object().get("online").is_none());
        Ok(events)
    }

    /// The same in brief: topic and resource of each.
    ///
    /// # Errors
    /// When the connection ends or the router breaks the protocol.
    pub async fn events_so_far(&mut self) -> Result<Vec<String>> {
        Ok(self.changes_so_far().await?.iter().map(Event::brief).collect())
    }
}

/// Maps objects by the value of a field that points to another object.
fn by(items: &[Value], field: &str) -> Result<BTreeMap<u64, u64>> {
    items.iter().map(|item| Ok((pk(&item[field])?, pk(&item["id"])?))).collect()
}

fn pk(value: &Value) -> Result<u64> {
    value.as_u64().with_context(|| format!("`{value}` is no id"))
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().with_context(|| format!("`{value}` is no number"))
}
