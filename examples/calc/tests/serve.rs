//! A game served with its default environment, as its binary does it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::path::Path;

use sim::types::{Lookup, Period, RunUser, Scenario};
use sim::{Client, Player, Service, Serving, Setup, SetupError};

async fn serve(data_dir: &Path) -> Service {
    let free = "127.0.0.1:0".parse().unwrap();
    let serving = Serving {
        game: calc::game(),
        setup: calc::environment(),
        bind: free,
        games_bind: free,
        data_dir: data_dir.to_owned(),
    };
    sim::serve(serving).await.unwrap()
}

fn client(service: &Service) -> Client {
    let url = format!("http://{}/apis/", service.games_address().unwrap());
    Client::builder(url).basic("simpl@simpl.world", "simpl").build().unwrap()
}

#[tokio::test]
async fn the_first_start_makes_a_class_and_the_next_one_leaves_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path()).await;
    let members = client(&service).endpoint::<RunUser>().list().await.unwrap();
    let emails: Vec<_> = members.iter().map(|member| &*member.email).collect();
    assert_eq!(emails, ["leader@calc.edu", "s1@calc.edu", "s2@calc.edu"]);
    assert!(members[0].leader && !members[1].leader);
    client(&service).endpoint::<RunUser>().delete(members[2].id).await.unwrap();
    service.stop().await;

    let service = serve(dir.path()).await;
    let members = client(&service).endpoint::<RunUser>().list().await.unwrap();
    assert_eq!(members.len(), 2, "what was deleted stays so");
    service.stop().await;
}

#[tokio::test]
async fn every_player_of_the_class_finds_a_scenario() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path()).await;
    service.core().settled().await;
    let client = client(&service);
    assert_eq!(client.endpoint::<Scenario>().list().await.unwrap().len(), 2);
    assert_eq!(client.endpoint::<Period>().list().await.unwrap().len(), 2);
    service.stop().await;
}

#[tokio::test]
async fn a_setup_that_is_made_again_creates_nothing_and_a_reset_makes_a_new_run() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path()).await;
    let client = client(&service);
    let again = calc::environment().apply(&client).await.unwrap();
    assert_eq!(again.created, 0);
    let reset = calc::environment().reset(&client).await.unwrap();
    assert_eq!(reset.game, again.game);
    assert_ne!(reset.run, again.run);
    let of_old = Lookup::new().with("run", again.run);
    assert!(client.endpoint::<RunUser>().filter(&of_old).await.unwrap().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn worlds_roles_and_scenarios_are_made_as_declared() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path()).await;
    let client = client(&service);
    let player = Player::new("p@other.edu", "p").in_world("West").as_role("Guest");
    let setup = Setup::new("other", "Other").worlds(["West"]).world_scenario("W");
    let setup = setup.private_scenario("P").player(player);
    let Err(SetupError::Undeclared { kind, name, .. }) = setup.apply(&client).await else {
        panic!("the role is not declared");
    };
    assert_eq!((kind, &*name), ("role", "Guest"));

    let made = setup.roles(["Guest"]).apply(&client).await.unwrap();
    let of_run = Lookup::new().with("run", made.run);
    let member = client.endpoint::<RunUser>().find(&of_run).await.unwrap();
    assert_eq!(member.role_name.as_deref(), Some("Guest"));
    let of_world = Lookup::new().with("world", member.world.unwrap());
    assert_eq!(client.endpoint::<Scenario>().find(&of_world).await.unwrap().name, "W");
    let of_member = Lookup::new().with("runuser", member.id);
    assert_eq!(client.endpoint::<Scenario>().find(&of_member).await.unwrap().name, "P");
    service.stop().await;
}
