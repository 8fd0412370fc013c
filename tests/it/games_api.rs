//! What staff change over REST is there for the players at once.

use anyhow::{Context, Result};
use black_box::{Div, Environment, Member};
use serde_json::{Value, json};

struct Scene {
    div: Div,
    environment: Environment,
    player: Member,
    leader: Member,
}

impl Scene {
    async fn start() -> Result<Self> {
        let div = Div::start(&[]).await?;
        let environment = div.environment("default").await?;
        let mut player = div.member(&environment, "s1@div.edu").await?;
        player.follow_own().await?;
        let mut leader = div.member(&environment, "leader@div.edu").await?;
        leader.follow_own().await?;
        leader.follow(&format!("run.{}", environment.run)).await?;
        Ok(Self { div, environment, player, leader })
    }

    /// The player's view of a change in the own world.
    fn seen(&self, action: &str, resource: &str) -> Vec<String> {
        let world = self.environment.worlds[0].world;
        vec![
            format!("world.{world}.{action} {resource}"),
            format!("runuser.{}.{action} {resource}", self.player.runuser),
        ]
    }
}

fn pk(object: &Value) -> Result<u64> {
    object["id"].as_u64().context("an object without id")
}

#[tokio::test]
async fn a_new_period_is_announced_and_can_be_played_at_once() -> Result<()> {
    let mut scene = Scene::start().await?;
    let scenario = scene.environment.worlds[0].scenario;
    let body = json!({"scenario": scenario, "order": 2});
    let period = scene.div.rest.create("periods/", &body).await?;
    scene.player.play(pk(&period)?, 3).await?;
    let mut expected = scene.seen("add_child", "period");
    expected.extend(scene.seen("add_child", "decision"));
    assert_eq!(scene.player.events_so_far().await?, expected);
    Ok(())
}

#[tokio::test]
async fn a_new_world_is_announced_to_the_leader_and_can_be_called_at_once() -> Result<()> {
    let mut scene = Scene::start().await?;
    let run = scene.environment.run;
    let body = json!({"run": run, "name": "World 3"});
    let world = pk(&scene.div.rest.create("worlds/", &body).await?)?;
    let scope = scene.leader.call(&format!("world.{world}.get_scope"), json!([])).await?.value()?;
    assert_eq!(scope["data"]["name"], "World 3");
    let expected = vec![format!("run.{run}.add_child world")];
    assert_eq!(scene.leader.events_so_far().await?, expected);
    let answer = scene.player.call(&format!("world.{world}.get_scope"), json!([])).await?;
    assert_eq!(answer.error_uri(), Some("wamp.error.not_authorized"));
    assert_eq!(scene.player.events_so_far().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_changed_object_reaches_who_may_see_it() -> Result<()> {
    let mut scene = Scene::start().await?;
    let world = scene.environment.worlds[0];
    let path = format!("periods/{}/", world.period);
    scene.div.rest.patch(&path, &json!({"data": {"note": "by PATCH"}})).await?;
    assert_eq!(scene.player.events_so_far().await?, scene.seen("update_child", "period"));

    let mut period = scene.div.rest.get(&path).await?;
    period["data"] = json!({"note": "by PUT"});
    scene.div.rest.put(&path, &period).await?;
    let events = scene.player.changes_so_far().await?;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].object()["data"], json!({"note": "by PUT"}));

    let other = format!("periods/{}/", scene.environment.worlds[1].period);
    scene.div.rest.patch(&other, &json!({"data": {"note": "elsewhere"}})).await?;
    assert_eq!(scene.player.events_so_far().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_deleted_object_is_removed_everywhere() -> Result<()> {
    let mut scene = Scene::start().await?;
    let world = scene.environment.worlds[0];
    scene.player.play(world.period, 3).await?;
    scene.player.events_so_far().await?;
    let decisions = scene.div.rest.list(&format!("decisions/?period={}", world.period)).await?;
    scene.div.rest.delete(&format!("decisions/{}/", pk(&decisions[0])?)).await?;
    assert_eq!(scene.player.events_so_far().await?, scene.seen("remove_child", "decision"));

    let path = format!("world.{}.get_scope_tree", world.world);
    let tree = scene.player.call(&path, json!([null])).await?.value()?;
    assert_eq!(tree["children"][0]["children"][0]["children"], json!([]));
    scene.player.play(world.period, 4).await
}

#[tokio::test]
async fn a_deleted_period_takes_what_is_below_it_along() -> Result<()> {
    let mut scene = Scene::start().await?;
    let world = scene.environment.worlds[0];
    scene.player.play(world.period, 3).await?;
    scene.player.events_so_far().await?;
    scene.div.rest.delete(&format!("periods/{}/", world.period)).await?;
    let mut expected = scene.seen("remove_child", "decision");
    expected.extend(scene.seen("remove_child", "period"));
    assert_eq!(scene.player.events_so_far().await?, expected);
    let answer = scene.player.submit(world.period, 4).await?;
    assert_eq!(answer.error_uri(), Some("wamp.error.not_authorized"));
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_switched_off_takes_no_decisions_until_it_is_on_again() -> Result<()> {
    let mut scene = Scene::start().await?;
    let period = scene.environment.worlds[0].period;
    let path = format!("runs/{}/", scene.environment.run);
    scene.div.rest.patch(&path, &json!({"active": false})).await?;
    let answer = scene.player.submit(period, 3).await?;
    assert!(answer.error_uri().is_some(), "{answer:?}");
    assert_eq!(scene.div.round(period).await?.operands, []);
    scene.div.rest.patch(&path, &json!({"active": true})).await?;
    scene.player.play(period, 3).await
}

#[tokio::test]
async fn a_new_player_logs_in_and_plays_at_once() -> Result<()> {
    let scene = Scene::start().await?;
    let rest = &scene.div.rest;
    let user =
        json!({"email": "new@div.edu", "password": "new", "first_name": "N", "last_name": "E"});
    let user = pk(&rest.create("users/", &user).await?)?;
    let world = scene.environment.worlds[0];
    let role = scene.environment.roles["Divisor"];
    let runuser =
        json!({"user": user, "run": scene.environment.run, "world": world.world, "role": role});
    rest.create("runusers/", &runuser).await?;
    let environment = scene.div.environment("default").await?;
    scene.div.member(&environment, "new@div.edu").await?.play(world.period, 4).await
}

#[tokio::test]
async fn players_read_their_own_over_rest_and_change_nothing() -> Result<()> {
    let scene = Scene::start().await?;
    let base = scene.div.service.api_url();
    let s1 = black_box::Rest::new(base, "s1@div.edu", "s1")?;
    assert_eq!(s1.list("users/?email=s1@div.edu").await?.len(), 1);
    let own = s1.list(&format!("runusers/?user={}", scene.player.user)).await?;
    assert_eq!(own.len(), 1);
    let body = json!({"name": "mine"});
    let path = format!("runs/{}/", scene.environment.run);
    let reply = s1.send(reqwest::Method::PATCH, &path, Some(&body)).await?;
    assert_eq!(reply.status, 403);
    let wrong = black_box::Rest::new(base, "s1@div.edu", "s2")?;
    assert_eq!(wrong.send(reqwest::Method::GET, "runs/", None).await?.status, 401);
    Ok(())
}
