//! The engine's store port on the embedded Games API: typed calls, no HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use sim_engine::{CallId, ChangeFeed, GameSnapshot, GamesStore, RunSnapshot, Runs, StoreError};
use sim_games_server::{GamesApi, StoreError as ApiError};
use sim_games_types::{Change, Committed, GamePk, Run, RunPk, UnitOfWork, UserPk};

/// The Games API of the same process.
#[derive(Debug)]
pub(crate) struct EmbeddedStore {
    api: GamesApi,
}

impl EmbeddedStore {
    pub(crate) fn new(api: GamesApi) -> Self {
        Self { api }
    }

    /// How far the journal has come.
    async fn seq(&self) -> Result<u64, StoreError> {
        self.api.last_seq().await.map_err(port_error)
    }
}

fn port_error(error: ApiError) -> StoreError {
    match error {
        ApiError::Unavailable { .. } | ApiError::Closed => {
            StoreError::Unavailable(error.to_string())
        }
        other => StoreError::Refused(other.to_string()),
    }
}

#[async_trait]
impl GamesStore for EmbeddedStore {
    async fn load_game(&self, slug: &str) -> Result<GameSnapshot, StoreError> {
        // Read before the game, so that a game created in between is seen as a change.
        let seq = self.seq().await?;
        let found = self.api.load_game(slug).await.map_err(port_error)?;
        Ok(match found {
            Some(found) => {
                let own = [found.game].into_iter();
                let objects = own.chain(found.phases).chain(found.roles).collect();
                GameSnapshot { seq: found.seq, objects }
            }
            None => GameSnapshot { seq, objects: Vec::new() },
        })
    }

    async fn load_runs(&self, game: GamePk, which: Runs) -> Result<RunSnapshot, StoreError> {
        let only_active = which == Runs::Active;
        let found = self.api.load_runs(game, only_active).await.map_err(port_error)?;
        Ok(RunSnapshot { seq: found.seq, objects: found.objects })
    }

    async fn load_run(&self, run: RunPk) -> Result<RunSnapshot, StoreError> {
        let seq = self.seq().await?;
        let found = self.api.load_run(run).await.map_err(port_error)?;
        Ok(match found {
            Some(found) => RunSnapshot { seq: found.seq, objects: found.objects },
            None => RunSnapshot { seq, objects: Vec::new() },
        })
    }

    async fn led_runs(&self, game: GamePk, user: UserPk) -> Result<Vec<Run>, StoreError> {
        self.api.led_runs(game, user).await.map_err(port_error)
    }

    async fn commit(
        &self,
        unit: UnitOfWork,
        _call: Option<CallId>,
    ) -> Result<Committed, StoreError> {
        match self.api.commit(unit).await {
            Ok(committed) => Ok(committed),
            Err(ApiError::PreconditionFailed { .. }) => {
                Err(StoreError::Conflict { seq: self.seq().await? })
            }
            Err(error) => Err(port_error(error)),
        }
    }

    async fn first_answer(
        &self,
        user: UserPk,
        scope: &str,
        key: &str,
    ) -> Result<Option<String>, StoreError> {
        self.api.answer(user, scope, key).await.map_err(port_error)
    }

    fn changes(&self, after: u64) -> Box<dyn ChangeFeed> {
        Box::new(EmbeddedFeed(self.api.subscribe(after)))
    }
}

struct EmbeddedFeed(sim_games_server::ChangeFeed);

#[async_trait]
impl ChangeFeed for EmbeddedFeed {
    async fn next(&mut self) -> Option<Arc<[Change]>> {
        self.0.next().await
    }
}
