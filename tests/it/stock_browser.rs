//! The stock browser pages against the service, under `--legacy-auth` as they need it.

use anyhow::{Context, Result};
use black_box::{Div, Environment, Page, Target};
use serde_json::{Value, json};

struct Stage {
    div: Div,
    environment: Environment,
}

impl Stage {
    async fn start(target: Target) -> Result<Self> {
        let div = Div::start_on(target, &["--legacy-auth"]).await?;
        let environment = div.environment("default").await?;
        Ok(Self { div, environment })
    }

    fn field(&self, email: &str, field: &str) -> Result<u64> {
        let runuser = self.environment.runusers.get(email).context("nobody of this name")?;
        runuser[field].as_u64().with_context(|| format!("{email} has no {field}"))
    }

    async fn player(&self, email: &str) -> Result<Page> {
        let user = self.field(email, "user")?;
        let (runuser, world) = (self.field(email, "id")?, self.field(email, "world")?);
        let url = &self.div.service.ws_url();
        let page = Page::player(url, &self.div.root, user, runuser, world).await;
        page.with_context(|| format!("the page of {email}"))
    }

    async fn leader(&self) -> Result<Page> {
        let user = self.field("leader@div.edu", "user")?;
        let url = &self.div.service.ws_url();
        Page::leader(url, &self.div.root, user, &[self.environment.run]).await
    }
}

async fn two_pages_mount_play_and_show_the_quotient(target: Target) -> Result<()> {
    let stage = Stage::start(target).await?;
    let mut dividend = stage.player("s1@div.edu").await?;
    let mut divisor = stage.player("s2@div.edu").await?;
    let mut leader = stage.leader().await?;
    for page in [&dividend, &divisor] {
        assert_eq!(page.store.list("phase").len(), 2);
        assert_eq!(page.store.list("role").len(), 2);
        assert_eq!(page.store.list("world").len(), 1);
        assert_eq!(page.first_period()?, stage.environment.worlds[0].period);
        assert_eq!(page.quotient(), None);
    }

    assert_eq!(dividend.play("10").await?, "");
    assert_eq!(divisor.play("4").await?, "");
    for page in [&mut dividend, &mut divisor, &mut leader] {
        page.until(|page| !page.store.list("result").is_empty()).await?;
    }
    assert_eq!((dividend.quotient(), divisor.quotient()), (Some(2.5), Some(2.5)));
    assert_eq!(leader.store.list("result")[0]["data"], json!({"quotient": 2.5}));

    // The page goes on with the first period, also when the next one has arrived.
    assert_eq!(divisor.play("5").await?, "");
    dividend.until(|page| page.quotient() == Some(2.0)).await?;
    divisor.settle().await?;
    assert_eq!(divisor.quotient(), Some(2.0));
    assert_eq!(divisor.store.list("period").len(), 2);
    Ok(())
}

async fn a_page_that_is_loaded_again_shows_the_same_round(target: Target) -> Result<()> {
    let stage = Stage::start(target).await?;
    stage.player("s1@div.edu").await?.play("10").await?;
    stage.player("s2@div.edu").await?.play("4").await?;
    let page = stage.player("s1@div.edu").await?;
    assert_eq!(page.first_period()?, stage.environment.worlds[0].period);
    assert_eq!(page.quotient(), Some(2.5));
    Ok(())
}

async fn a_refusal_is_a_text_below_the_form(target: Target) -> Result<()> {
    let stage = Stage::start(target).await?;
    let mut divisor = stage.player("s2@div.edu").await?;
    assert_eq!(divisor.play("0").await?, "Cannot divide by zero");
    assert_eq!(divisor.play("abc").await?, "Please enter a number.");
    divisor.settle().await?;
    assert_eq!(divisor.store.errors, Vec::<String>::new());
    Ok(())
}

async fn the_leader_sees_the_own_runuser_and_all_worlds_and_opens_the_table(
    target: Target,
) -> Result<()> {
    let stage = Stage::start(target).await?;
    let mut leader = stage.leader().await?;
    assert_eq!(leader.store.list("world").len(), 2);
    let path = format!("{}.model.run.{}.get_scope_tree", stage.div.root, stage.environment.run);
    let tree = leader.wamp.call(&path, json!([null])).await?.value()?;
    let children = tree["children"].as_array().context("no children")?;
    let runusers: Vec<&Value> =
        children.iter().filter(|child| child["resource_name"] == "runuser").collect();
    assert_eq!(runusers.len(), 1);
    assert_eq!(runusers[0]["data"]["email"], "leader@div.edu");

    leader.open_run(stage.environment.run).await?;
    assert_eq!(leader.store.list("runuser").len(), 5);
    let mut player = stage.player("s3@div.edu").await?;
    player.play("6").await?;
    leader.until(|page| !page.store.list("decision").is_empty()).await?;
    assert_eq!(leader.store.list("decision")[0]["data"], json!({"operand": 6.0}));
    Ok(())
}

async fn the_phase_moves_on_every_page(target: Target) -> Result<()> {
    let stage = Stage::start(target).await?;
    let mut player = stage.player("s1@div.edu").await?;
    let mut leader = stage.leader().await?;
    let debrief = stage.environment.phases["Debrief"];
    let uri = format!("{}.model.run.{}.advance_phase", stage.div.root, stage.environment.run);
    let id = leader.wamp.send_call(&uri, None, None).await?;
    assert_eq!(leader.wamp.answer(id).await?.value()?, Value::Null);
    for page in [&mut player, &mut leader] {
        page.until(|page| page.store.list("run")[0]["phase"] == debrief).await?;
    }
    Ok(())
}

async fn presence_follows_the_session_and_not_a_polite_message(target: Target) -> Result<()> {
    let stage = Stage::start(target).await?;
    let mut leader = stage.leader().await?;
    let runuser = stage.field("s1@div.edu", "id")?;
    let online = move |page: &Page| {
        let found = page.store.first("runuser", "pk", runuser);
        found.and_then(|runuser| runuser.get("online")?.as_bool())
    };
    assert_eq!(online(&leader), Some(false));
    let first = stage.player("s1@div.edu").await?;
    leader.until(|page| online(page) == Some(true)).await?;
    drop(first);
    leader.until(|page| online(page) == Some(false)).await?;

    // It never gets into what is stored.
    let stored = stage.div.rest.get(&format!("runusers/{runuser}/")).await?;
    assert_eq!(stored.get("online"), None);
    Ok(())
}

async fn one_of_two_tabs_may_close(target: Target) -> Result<()> {
    let stage = Stage::start(target).await?;
    let (first, second) = (stage.player("s1@div.edu").await?, stage.player("s1@div.edu").await?);
    drop(first);
    let mut leader = stage.div.member(&stage.environment, "leader@div.edu").await?;
    let path = format!("run.{}.get_active_runusers", stage.environment.run);
    let runusers = leader.call(&path, json!([false])).await?.value()?;
    let runuser = stage.field("s1@div.edu", "id")?;
    let found = runusers.as_array().and_then(|all| all.iter().find(|one| one["pk"] == runuser));
    assert_eq!(found.context("s1 is not listed")?["data"]["online"], true);
    drop(second);
    Ok(())
}

async fn errors_reach_their_own_user_and_not_one_whose_id_begins_alike(
    target: Target,
) -> Result<()> {
    let mut stage = Stage::start(target).await?;
    let seeded = stage.div.seed(&["--worlds", "50"], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    stage.environment = stage.div.caught_up("default").await?;

    // With a hundred users some id is the beginning of another one, such as 3 and 31.
    let players: Vec<(String, String)> = stage
        .environment
        .runusers
        .iter()
        .filter(|(_, runuser)| runuser["leader"] == false)
        .map(|(email, runuser)| (email.clone(), runuser["user"].to_string()))
        .collect();
    let pair = players.iter().find_map(|(short, id)| {
        let long = players.iter().find(|(_, other)| other != id && other.starts_with(id))?;
        Some((short.clone(), long.0.clone()))
    });
    let (short, long) = pair.context("no two ids begin alike")?;
    let (mut short, mut long) = (stage.player(&short).await?, stage.player(&long).await?);

    let period = long.first_period()?;
    let uri = format!("{}.model.period.{period}.submit_decision", stage.div.root);
    let answer = long.wamp.call(&uri, json!([1, 2])).await?;
    assert_eq!(answer.error_uri(), Some("wamp.error.invalid_argument"));
    long.until(|page| !page.store.errors.is_empty()).await?;
    short.settle().await?;
    assert_eq!(short.store.errors, Vec::<String>::new());
    Ok(())
}

tests_on!(
    every,
    [
        two_pages_mount_play_and_show_the_quotient,
        a_page_that_is_loaded_again_shows_the_same_round,
        a_refusal_is_a_text_below_the_form,
        the_leader_sees_the_own_runuser_and_all_worlds_and_opens_the_table,
        the_phase_moves_on_every_page,
        presence_follows_the_session_and_not_a_polite_message,
        one_of_two_tabs_may_close,
        errors_reach_their_own_user_and_not_one_whose_id_begins_alike,
    ]
);
