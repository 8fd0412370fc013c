//! Creates or completes what is planned.

use anyhow::{Context as _, Result};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use sim_games_client::{Client, Endpoint};
use sim_games_types::{
    GamePk, Lookup, Object, PhasePk, RolePk, Run, RunPk, RunUserPk, ScenarioPk, UserPk, World,
    WorldPk,
};

use crate::plan::{
    FIRST_PERIOD, PHASES, Person, ROLES, TEST_SCENARIO, WORLD_SCENARIO, WorldPlan, leader,
    world_lines, worlds,
};
use crate::{Output, Reset, SeedOptions};

/// Up to this many worlds are completed one after the other, so that all keys grow in the order of
/// the names; beyond it, several at a time.
const FEW_WORLDS: usize = 10;

/// How many worlds are completed at a time when there are many.
const AT_A_TIME: usize = 8;

/// What is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The game.
    pub game: GamePk,
    /// The run.
    pub run: RunPk,
    /// How many worlds were looked after.
    pub worlds: usize,
    /// How many objects had to be created.
    pub created: usize,
}

/// Creates or completes the environment: what is there is left alone, except that the run's phase
/// is set to the first, and that members in a wrong place are corrected.
///
/// # Errors
/// When the Games API refuses a request or cannot be reached, or the output fails. What was created
/// until then stays, and a further call completes it.
pub async fn seed(
    client: &Client,
    options: &SeedOptions,
    output: &mut dyn Output,
) -> Result<Summary> {
    let mut seeder = Seeder { client, created: 0 };

    output.line("getting or creating game", &options.game_name)?;
    let game = seeder.game(options).await?;
    if options.reset != Reset::No {
        reset(client, game, options, output).await?;
    }

    let mut roles = [RolePk(0); ROLES.len()];
    for (role, name) in roles.iter_mut().zip(ROLES) {
        output.line("getting or creating role", name)?;
        *role = seeder.role(game, name).await?;
    }
    let mut phases = [PhasePk(0); PHASES.len()];
    for (phase, (name, order)) in phases.iter_mut().zip(PHASES) {
        output.line("getting or creating phase", name)?;
        *phase = seeder.phase(game, name, order).await?;
    }

    output.line("getting or creating run", options.run.as_str())?;
    let run = seeder.run(game, options, output).await?;
    output.line("setting run to phase", PHASES[0].0)?;
    set_phase(client, &run, phases[0]).await?;

    let leader = leader();
    let user = seeder.user(&leader).await?;
    let position = json!({ "leader": true, "world": null, "role": null });
    seeder.runuser(&leader, user, run.id, position).await?;

    let plan = worlds(options);
    let ground = Ground { client, run: run.id, roles, test_scenarios: options.test_scenarios };
    let created = seeder.created + all_worlds(&ground, &plan, output).await?;
    Ok(Summary { game, run: run.id, worlds: plan.len(), created })
}

/// Deletes all runs of the name, if there are any and that is wanted.
async fn reset(
    client: &Client,
    game: GamePk,
    options: &SeedOptions,
    output: &mut dyn Output,
) -> Result<()> {
    let runs = runs(client, game, options).await?;
    if runs.is_empty() {
        return Ok(());
    }
    let question = format!(
        "Are you sure you want to delete the \"{}\" game run and recreate from scratch?",
        options.run
    );
    let agreed = options.reset == Reset::Yes
        || output.confirm(&question).context("aborted, nothing was deleted")?;
    if !agreed {
        return Ok(());
    }
    output.busy(&format!("Resetting the {} game run... ", options.game_name))?;
    for run in runs {
        let pk = run.id;
        client.runs().delete(pk).await.with_context(|| format!("cannot delete run {pk}"))?;
    }
    Ok(output.done()?)
}

async fn runs(client: &Client, game: GamePk, options: &SeedOptions) -> Result<Vec<Run>> {
    let lookup = Lookup::new().with("game", game).with("name", &options.run);
    let runs = client.runs().filter(&lookup).await;
    runs.with_context(|| format!("cannot look up run `{}`", options.run))
}

async fn set_phase(client: &Client, run: &Run, phase: PhasePk) -> Result<()> {
    let run = Run { phase: Some(phase), ..run.clone() };
    let saved = client.runs().save(&run).await;
    saved.with_context(|| format!("cannot set the phase of run `{}`", run.name)).map(drop)
}

/// What all worlds of a run have in common.
struct Ground<'a> {
    client: &'a Client,
    run: RunPk,
    roles: [RolePk; 2],
    test_scenarios: bool,
}

/// Completes the worlds and tells of them in their order; returns how many objects were created.
async fn all_worlds(
    ground: &Ground<'_>,
    plan: &[WorldPlan],
    output: &mut dyn Output,
) -> Result<usize> {
    let at_a_time = if plan.len() > FEW_WORLDS { AT_A_TIME } else { 1 };
    // The worlds themselves are created one by one, because tables of worlds are sorted by key;
    // what is in them is not.
    let mut complete = stream::iter(0..plan.len())
        .then(|index| async move { (index, world(ground, &plan[index]).await) })
        .map(|(index, world)| async move {
            let (world, is_new) = world?;
            let created = fill_world(ground, &plan[index], world.id).await?;
            Ok::<_, anyhow::Error>(created + usize::from(is_new))
        })
        .buffered(at_a_time)
        .boxed();
    let mut created = 0;
    for (index, world) in plan.iter().enumerate() {
        created += complete.try_next().await?.unwrap_or_default();
        for (label, value) in world_lines(world, ground.test_scenarios) {
            output.line(label, &value)?;
        }
        output.progress(index + 1, plan.len());
    }
    Ok(created)
}

async fn world(ground: &Ground<'_>, plan: &WorldPlan) -> Result<(World, bool)> {
    let lookup = Lookup::new().with("run", ground.run).with("name", &plan.name);
    get_or_create(&ground.client.worlds(), &lookup, &json!({})).await
}

async fn fill_world(ground: &Ground<'_>, plan: &WorldPlan, world: WorldPk) -> Result<usize> {
    let mut seeder = Seeder { client: ground.client, created: 0 };
    let lookup = Lookup::new().with("world", world).with("name", WORLD_SCENARIO);
    seeder.scenario(&lookup).await?;
    for (player, role) in plan.players.iter().zip(ground.roles) {
        let user = seeder.user(player).await?;
        let position = json!({ "leader": false, "world": world, "role": role });
        let runuser = seeder.runuser(player, user, ground.run, position).await?;
        if ground.test_scenarios {
            let lookup = Lookup::new().with("runuser", runuser).with("name", TEST_SCENARIO);
            seeder.scenario(&lookup).await?;
        }
    }
    Ok(seeder.created)
}

/// Gets or creates one object at a time, and counts what it creates.
struct Seeder<'a> {
    client: &'a Client,
    created: usize,
}

impl Seeder<'_> {
    async fn game(&mut self, options: &SeedOptions) -> Result<GamePk> {
        let lookup = Lookup::new().with("slug", &options.game_slug);
        let name = json!({ "name": options.game_name });
        let game = get_or_create(&self.client.games(), &lookup, &name).await?;
        Ok(self.count(game).id)
    }

    async fn role(&mut self, game: GamePk, name: &str) -> Result<RolePk> {
        let lookup = Lookup::new().with("game", game).with("name", name);
        let role = get_or_create(&self.client.roles(), &lookup, &json!({})).await?;
        Ok(self.count(role).id)
    }

    async fn phase(&mut self, game: GamePk, name: &str, order: i64) -> Result<PhasePk> {
        let lookup = Lookup::new().with("game", game).with("name", name);
        let order = json!({ "order": order });
        let phase = get_or_create(&self.client.phases(), &lookup, &order).await?;
        Ok(self.count(phase).id)
    }

    /// The newest run of the name: names of runs are not unique.
    async fn run(
        &mut self,
        game: GamePk,
        options: &SeedOptions,
        output: &mut dyn Output,
    ) -> Result<Run> {
        let name = &options.run;
        let runs = runs(self.client, game, options).await?;
        let count = runs.len();
        if let Some(newest) = runs.into_iter().max_by_key(|run| (run.created, run.id)) {
            if count > 1 {
                let pk = newest.id;
                let text = format!("{count} runs are named `{name}`; using the newest, run {pk}");
                output.warning(&text)?;
            }
            return Ok(newest);
        }
        let fields = json!({ "game": game, "name": name.as_str() });
        let run = self.client.runs().create(&fields).await;
        let run = run.with_context(|| format!("cannot create run `{name}`"))?;
        Ok(self.count((run, true)))
    }

    /// A scenario and its first period.
    async fn scenario(&mut self, lookup: &Lookup) -> Result<ScenarioPk> {
        let scenario = get_or_create(&self.client.scenarios(), lookup, &json!({})).await?;
        let scenario = self.count(scenario).id;
        let lookup = Lookup::new().with("scenario", scenario).with("order", FIRST_PERIOD);
        let period = get_or_create(&self.client.periods(), &lookup, &json!({})).await?;
        self.count(period);
        Ok(scenario)
    }

    /// A user, looked up by e-mail address alone: a password has no business in a URL.
    async fn user(&mut self, person: &Person) -> Result<UserPk> {
        let Person { email, password, first_name, last_name } = person;
        let lookup = Lookup::new().with("email", email);
        let fields =
            json!({ "password": password, "first_name": first_name, "last_name": last_name });
        let user = get_or_create(&self.client.users(), &lookup, &fields).await?;
        Ok(self.count(user).id)
    }

    /// A membership, corrected if it is not in this position.
    async fn runuser(
        &mut self,
        person: &Person,
        user: UserPk,
        run: RunPk,
        position: Value,
    ) -> Result<RunUserPk> {
        let lookup = Lookup::new().with("user", user).with("run", run);
        let runuser = self.client.runusers().create_or_update(&lookup, &position).await;
        let runuser =
            runuser.with_context(|| format!("cannot place `{}` in the run", person.email))?;
        Ok(self.count(runuser).id)
    }

    fn count<T>(&mut self, (object, is_new): (T, bool)) -> T {
        self.created += usize::from(is_new);
        object
    }
}

async fn get_or_create<T: Object>(
    endpoint: &Endpoint<T>,
    lookup: &Lookup,
    defaults: &Value,
) -> Result<(T, bool)> {
    let result = endpoint.get_or_create(lookup, defaults).await;
    result.with_context(|| format!("cannot get or create the {} with {lookup}", T::RESOURCE))
}
