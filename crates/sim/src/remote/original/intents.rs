//! What is to be saved by several requests, kept on disk until all of it is.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sim_games_types::{RunPk, Timestamp, UnitOfWork};
use uuid::Uuid;

/// A unit of work that may be saved in part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    /// The run that it belongs to, if it belongs to one.
    pub(super) run: Option<RunPk>,
    /// The unit.
    pub(super) unit: UnitOfWork,
}

/// The intents of one game, in the order in which they were written.
#[derive(Debug)]
pub(super) struct Intents {
    dir: PathBuf,
    pending: Mutex<Vec<(PathBuf, Arc<Intent>)>>,
}

impl Intents {
    /// Reads what an earlier process left in a directory, which need not exist.
    ///
    /// A file that cannot be read was never finished, so nothing of it was sent: it is set aside.
    pub(super) fn open(dir: PathBuf) -> io::Result<Self> {
        let mut paths = Vec::new();
        match fs::read_dir(&dir) {
            Ok(entries) => {
                for entry in entries {
                    paths.push(entry?.path());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        paths.retain(|path| path.extension().is_some_and(|it| it == "json"));
        // Their names begin with the time.
        paths.sort_unstable();
        let mut pending = Vec::new();
        for path in paths {
            match serde_json::from_slice::<Intent>(&fs::read(&path)?) {
                Ok(intent) => pending.push((path, Arc::new(intent))),
                Err(error) => {
                    tracing::warn!("`{}` is no intent, set aside: {error}", path.display());
                    set_aside(&path)?;
                }
            }
        }
        Ok(Self { dir, pending: Mutex::new(pending) })
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Vec<(PathBuf, Arc<Intent>)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an intent durably, and gives what to finish it by.
    pub(super) async fn write(&self, intent: Intent) -> io::Result<PathBuf> {
        let time = Timestamp::now().micros();
        let path = self.dir.join(format!("{time:020}-{}.json", Uuid::new_v4()));
        let (dir, file) = (self.dir.clone(), path.clone());
        let text = serde_json::to_vec(&intent)?;
        off_thread(move || {
            fs::create_dir_all(&dir)?;
            let mut written = File::create_new(&file)?;
            written.write_all(&text)?;
            written.sync_all()?;
            File::open(&dir)?.sync_all()
        })
        .await?;
        self.pending().push((path.clone(), Arc::new(intent)));
        Ok(path)
    }

    /// Forgets an intent that was carried out, or of which nothing was.
    pub(super) async fn finish(&self, path: PathBuf) {
        self.pending().retain(|(known, _)| *known != path);
        let removed = off_thread(move || fs::remove_file(&path)).await;
        if let Err(error) = removed {
            // It would be carried out again, which does no harm.
            tracing::warn!("a finished intent could not be removed: {error}");
        }
    }

    /// Keeps an intent that cannot be carried out for the operator to look at.
    pub(super) async fn give_up(&self, path: PathBuf) {
        self.pending().retain(|(known, _)| *known != path);
        if let Err(error) = off_thread(move || set_aside(&path)).await {
            tracing::warn!("an intent could not be set aside: {error}");
        }
    }

    /// The first intent of a run, if one is pending.
    pub(super) fn first_of(&self, run: Option<RunPk>) -> Option<(PathBuf, Arc<Intent>)> {
        self.pending().iter().find(|(_, intent)| intent.run == run).cloned()
    }

    /// The runs that have pending intents.
    pub(super) fn runs(&self) -> Vec<Option<RunPk>> {
        let mut runs: Vec<_> = self.pending().iter().map(|(_, intent)| intent.run).collect();
        runs.sort_unstable();
        runs.dedup();
        runs
    }
}

fn set_aside(path: &Path) -> io::Result<()> {
    fs::rename(path, path.with_extension("refused"))
}

async fn off_thread(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use sim_games_types::{Operation, Resource, Target};

    use super::*;

    fn intent(pk: i64) -> Intent {
        let operation = Operation::Delete { resource: Resource::Period, pk: Target::Pk(pk) };
        let unit = UnitOfWork { operations: vec![operation], ..UnitOfWork::default() };
        Intent { run: Some(RunPk(1)), unit }
    }

    #[tokio::test]
    async fn what_was_written_is_found_by_the_next_process_until_it_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pending");
        let intents = Intents::open(path.clone()).unwrap();
        assert_eq!(intents.runs(), []);
        let first = intents.write(intent(1)).await.unwrap();
        let intents = Intents::open(path.clone()).unwrap();
        assert_eq!(*intents.first_of(Some(RunPk(1))).unwrap().1, intent(1));
        assert!(intents.first_of(None).is_none());
        intents.finish(first).await;
        assert_eq!(Intents::open(path).unwrap().runs(), []);
    }

    #[tokio::test]
    async fn a_truncated_intent_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("half.json"), r#"{"run":1,"unit":{"oper"#).unwrap();
        let intents = Intents::open(dir.path().to_owned()).unwrap();
        assert_eq!(intents.runs(), []);
        assert!(dir.path().join("half.refused").exists());
    }
}
