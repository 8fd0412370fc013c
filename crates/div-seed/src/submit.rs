//! Submitting a decision through the Games API, by the rules by which players submit.

use anyhow::{Result, anyhow, bail};
use divide::rules::{self, DIVIDEND, DIVISOR, Round};
use serde_json::{Value, json};
use sim_games_client::{Client, Error};
use sim_games_types::{
    Decision, Fields, Idempotency, Lookup, Object, Operation, Period, Precondition, Resource, Role,
    RolePk, Run, Scenario, ScenarioPk, Timestamp, UnitOfWork, UserPk,
};
use uuid::Uuid;

const DECISION: &str = "decision";
const RESULT: &str = "result";

/// How often it is tried when players keep changing what the submission relies on.
const ATTEMPTS: usize = 5;

/// A decision to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The scenario; its period of the highest order is the current one.
    pub scenario: ScenarioPk,
    /// The name of the role that decides.
    pub role: String,
    /// The operand as it was typed.
    pub value: String,
    /// Whether a complete period opens the next one.
    pub step_periods: bool,
}

/// Stores a decision on the scenario's current period and, once both roles have decided, the
/// quotient, which is returned.
///
/// A server of ours stores all of it or nothing. Another one gets one request after the other in an
/// order in which the same submission, repeated, completes what an interrupted one began.
///
/// # Errors
/// When scenario or role do not exist, the rules refuse the operand (the text is the one that a
/// player reads, and nothing is stored), or the Games API refuses a request.
pub async fn submit(client: &Client, submission: &Submission) -> Result<Option<f64>> {
    let operand = rules::read_operand(&submission.value)?;
    let key = Uuid::new_v4().to_string();
    let mut attempt = 1;
    loop {
        let scene = Scene::read(client, submission).await?;
        let writes = scene.writes(operand, submission)?;
        match scene.store(client, &writes, &key).await {
            // Somebody has submitted meanwhile: what was read holds no more.
            Err(error) if is_conflict(&error) && attempt < ATTEMPTS => attempt += 1,
            stored => return stored.map(|()| writes.quotient),
        }
    }
}

fn is_conflict(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Conflict { .. }))
}

/// What a submission is about, as it stands.
struct Scene {
    run: Run,
    in_play: bool,
    role: Role,
    /// The two roles, if the game has both.
    sides: [Option<RolePk>; 2],
    periods: Vec<Period>,
    current: Period,
    decisions: Vec<Decision>,
}

/// What a submission stores.
struct Writes {
    decision: Fields,
    quotient: Option<f64>,
    next_order: Option<i64>,
}

impl Scene {
    async fn read(client: &Client, submission: &Submission) -> Result<Self> {
        let scenario = client.scenarios().get(submission.scenario).await;
        let scenario = scenario.map_err(|error| unknown_scenario(submission.scenario, error))?;
        let run = run_of(client, &scenario).await?;
        let in_play = match run.phase {
            Some(phase) => client.phases().get(phase).await?.name == rules::PLAY,
            None => false,
        };
        let roles = client.roles().filter(&Lookup::new().with("game", run.game)).await?;
        let side = |name| roles.iter().find(|role| role.name == name).map(|role| role.id);
        let sides = [side(DIVIDEND), side(DIVISOR)];
        let role = roles.into_iter().find(|role| role.name == submission.role);
        let Some(role) = role.filter(|role| sides.contains(&Some(role.id))) else {
            bail!("no role `{}` decides in Div; name {DIVIDEND} or {DIVISOR}", submission.role);
        };
        let periods = client.periods().filter(&Lookup::new().with("scenario", scenario.id)).await?;
        let current = periods.iter().max_by_key(|period| period.order).cloned();
        let current = current.ok_or_else(|| {
            anyhow!("scenario {} has no period; complete it with `div-seed`", scenario.id)
        })?;
        let lookup = Lookup::new().with("period", current.id);
        let decisions = client.decisions().filter(&lookup).await?;
        Ok(Self { run, in_play, role, sides, periods, current, decisions })
    }

    /// Applies the rules.
    fn writes(&self, operand: f64, submission: &Submission) -> Result<Writes> {
        let closed = self.current.data.get("closed") == Some(&Value::Bool(true));
        Round { in_play: self.in_play, closed }.accept(&self.role.name, operand)?;
        let [dividend, divisor] = self.sides.map(|side| {
            if side == Some(self.role.id) { Some(operand) } else { self.decided(side?) }
        });
        let quotient = rules::outcome(dividend, divisor)?;
        // Fields that the stored decision has and ours lacks survive.
        let stored = self.decision(self.role.id).and_then(|decision| decision.data.as_object());
        let mut decision = stored.cloned().unwrap_or_default();
        decision.insert("operand".to_owned(), json!(operand));
        let steps = submission.step_periods && quotient.is_some();
        Ok(Writes { decision, quotient, next_order: steps.then_some(self.current.order + 1) })
    }

    /// The first of several counts: an original database may hold doubles.
    fn decision(&self, role: RolePk) -> Option<&Decision> {
        self.decisions.iter().find(|it| it.role == Some(role) && it.name == DECISION)
    }

    fn decided(&self, role: RolePk) -> Option<f64> {
        self.decision(role)?.data.get("operand")?.as_f64()
    }

    async fn store(&self, client: &Client, writes: &Writes, key: &str) -> Result<()> {
        match client.commit(&self.unit(writes, key)).await {
            // Nothing in the unit can be missing, so it is the path: this server has no units.
            Err(Error::NotFound { .. } | Error::Refused { status: 404 | 405, .. }) => {
                self.store_one_by_one(client, writes).await
            }
            stored => Ok(stored.map(drop)?),
        }
    }

    fn unit(&self, writes: &Writes, key: &str) -> UnitOfWork {
        let period = self.current.id;
        let mut operations = vec![leaf(
            Resource::Decision,
            self.key(Some(self.role.id), DECISION),
            &writes.decision,
        )];
        if let Some(quotient) = writes.quotient {
            let data = fields([("quotient", json!(quotient))]);
            operations.push(leaf(Resource::Result, self.key(None, RESULT), &data));
        }
        if let Some(order) = writes.next_order {
            let key = fields([("scenario", json!(self.current.scenario)), ("order", json!(order))]);
            operations.push(Operation::GetOrCreate {
                resource: Resource::Period,
                key,
                defaults: Fields::new(),
                reference: None,
            });
        }
        UnitOfWork {
            cause: Some("div-seed submit".to_owned()),
            preconditions: self.preconditions(),
            operations,
            idempotency: Some(Idempotency {
                // The server takes the account's.
                user: UserPk(0),
                scope: format!("div-seed submit {period}"),
                key: key.to_owned(),
                answer: "null".to_owned(),
            }),
            ..UnitOfWork::default()
        }
    }

    /// All that the rules have looked at.
    fn preconditions(&self) -> Vec<Precondition> {
        let (period, scenario) = (&self.current, self.current.scenario);
        let mut all = vec![
            unchanged(&self.run, self.run.id.0, self.run.updated),
            unchanged(period, period.id.0, period.updated),
            children(
                Resource::Period,
                (Resource::Scenario, scenario.0),
                self.periods.iter().map(|it| it.id.0),
            ),
            children(
                Resource::Decision,
                (Resource::Period, period.id.0),
                self.decisions.iter().map(|it| it.id.0),
            ),
        ];
        let decisions = self.decisions.iter();
        all.extend(decisions.map(|decision| unchanged(decision, decision.id.0, decision.updated)));
        all
    }

    fn key(&self, role: Option<RolePk>, name: &str) -> Fields {
        fields([("period", json!(self.current.id)), ("role", json!(role)), ("name", json!(name))])
    }

    /// The order of the service: whoever sees the next period sees the result, too.
    async fn store_one_by_one(&self, client: &Client, writes: &Writes) -> Result<()> {
        let period = self.current.id;
        let lookup = Lookup::new().with("period", period).with("role", self.role.id);
        let lookup = lookup.with("name", DECISION);
        let data = json!({ "data": writes.decision });
        client.decisions().create_or_update(&lookup, &data).await?;
        if let Some(quotient) = writes.quotient {
            self.store_result(client, quotient).await?;
        }
        if let Some(order) = writes.next_order {
            let lookup = Lookup::new().with("scenario", self.current.scenario);
            let lookup = lookup.with("order", order);
            client.periods().get_or_create(&lookup, &json!({})).await?;
        }
        Ok(())
    }

    /// A filter cannot ask for "no role", so the period's results are looked through.
    async fn store_result(&self, client: &Client, quotient: f64) -> Result<()> {
        let data = json!({ "quotient": quotient });
        let results =
            client.results().filter(&Lookup::new().with("period", self.current.id)).await?;
        let stored = results.into_iter().find(|it| it.role.is_none() && it.name == RESULT);
        match stored {
            Some(result) if result.data == data => {}
            Some(mut result) => {
                result.data = data;
                client.results().save(&result).await?;
            }
            None => {
                let mut new = self.key(None, RESULT);
                new.insert("data".to_owned(), data);
                client.results().create(&new).await?;
            }
        }
        Ok(())
    }
}

fn unknown_scenario(pk: ScenarioPk, error: Error) -> anyhow::Error {
    match error {
        Error::NotFound { .. } => {
            anyhow!("there is no scenario {pk}; give the key of a world's or a player's with -s")
        }
        error => error.into(),
    }
}

async fn run_of(client: &Client, scenario: &Scenario) -> Result<Run> {
    let run = match (scenario.world, scenario.runuser) {
        (Some(world), _) => client.worlds().get(world).await?.run,
        (None, Some(runuser)) => client.runusers().get(runuser).await?.run,
        (None, None) => bail!("scenario {} belongs to no world and no player", scenario.id),
    };
    Ok(client.runs().get(run).await?)
}

fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Fields {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn leaf(resource: Resource, key: Fields, data: &Fields) -> Operation {
    let fields = fields([("data", json!(data))]);
    Operation::Upsert { resource, key, fields, reference: None }
}

fn unchanged<T: Object>(_: &T, pk: i64, updated: Timestamp) -> Precondition {
    Precondition::Unchanged { resource: T::RESOURCE, pk, updated }
}

fn children(
    resource: Resource,
    (parent, pk): (Resource, i64),
    children: impl Iterator<Item = i64>,
) -> Precondition {
    let mut children: Vec<_> = children.collect();
    children.sort_unstable();
    Precondition::Children { resource, parent: parent.name().to_owned(), pk, children }
}
