//! A whole service with the default environment, on ports of its own.

use std::time::Duration;

use div_game::{Rules, game};
use div_seed::{SeedOptions, Silent, seed};
use sim::{Config, Database, GamesApiConfig, Played, RouterConfig, Runs, Service};
use sim_bots::{Arrivals, Class, Client, Venue};
use tempfile::TempDir;

const ROOT: &str = "world.simpl.sims.div";

pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) ws: String,
    pub(crate) rest: String,
    service: Service,
    _dir: TempDir,
}

impl Running {
    /// Starts a service and seeds a run with so many worlds.
    pub(crate) async fn start(run: &str, worlds: u32) -> Self {
        let dir = TempDir::new().unwrap();
        let played =
            Played { game: game("div", Rules { step_periods: true }), root_topic: ROOT.to_owned() };
        let config = Config {
            bind: "127.0.0.1:0".parse().unwrap(),
            games_api: GamesApiConfig::Embedded {
                bind: "127.0.0.1:0".parse().unwrap(),
                database: Database::Sqlite(dir.path().join("bots.sqlite3")),
            },
            load: Runs::Active,
            realm: "realm1".to_owned(),
            router: RouterConfig::default(),
            legacy_auth: false,
            games: vec![played],
            figures: None,
        };
        let service = Service::start(config).await.unwrap();
        let rest = format!("http://{}/apis", service.games_address().unwrap());
        let ws = format!("ws://{}/ws", service.address());
        let client = Client::builder(&rest).basic("simpl@simpl.world", "simpl").build().unwrap();
        let mut options = SeedOptions::new("div", "Div");
        options.run = run.parse().unwrap();
        options.worlds = worlds;
        seed(&client, &options, &mut Silent).await.unwrap();
        service.ready().await;
        Self { client, ws, rest, service, _dir: dir }
    }

    pub(crate) fn venue(&self) -> Venue {
        Venue {
            url: self.ws.clone(),
            realm: "realm1".to_owned(),
            root: ROOT.to_owned(),
            patience: Duration::from_secs(30),
        }
    }

    pub(crate) fn class(&self, rounds: usize, arrivals: Arrivals) -> Class {
        Class { venue: self.venue(), arrivals, rounds, think: Duration::ZERO, comes_back: false }
    }

    pub(crate) async fn stop(self) {
        self.service.stop().await;
    }
}
