//! What is logged while a call is handled tells whose it is.

use std::io::{self, Write};

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// The lines of a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// The line with a message, and the fields of all spans that it lies in.
    fn line(&self, message: &str) -> (Value, Value) {
        let log = String::from_utf8(lock(&self.0).clone()).unwrap();
        let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let line = lines.find(|line| line["message"] == message).unwrap_or_else(|| panic!("{log}"));
        let spans = line["spans"].as_array().unwrap().iter().flat_map(|it| it.as_object().unwrap());
        let fields = spans.map(|(name, value)| (name.clone(), value.clone())).collect();
        (line, Value::Object(fields))
    }
}

async fn tell(period: Scope<Period>, caller: Caller, play: Args<Play>) -> CallResult<bool> {
    tracing::info!("a game's own line");
    self::play(period, caller, play).await
}

#[tokio::test]
async fn every_line_of_a_call_tells_whose_it_is() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(log.clone());
    let _log = tracing::subscriber::set_default(subscriber.finish());
    let commit: Commit = Box::new(|_| {
        tracing::warn!("the store's own line");
        Ok(Committed::default())
    });
    let game = Game::new("div").scope(Period::handlers().rpc("tell", tell));
    let stand = Stand::start(game, Some(commit)).await;
    assert_eq!(stand.call(31, "period.61.tell", "[4]").await.unwrap(), "false");
    stand.engine.stop().await;
    for message in ["a game's own line", "the store's own line", "answered"] {
        let (_, spans) = log.line(message);
        assert_eq!(spans["call"], "31/1", "{message}");
        assert_eq!(spans["procedure"], "root.model.period.61.tell", "{message}");
        let (user, run) = (&spans["user.pk"], &spans["run.pk"]);
        assert_eq!((user, run), (&json!(131), &json!(5)), "{message}");
    }
    let (answered, _) = log.line("answered");
    assert_eq!(answered["outcome"], "ok");
    assert!(answered["elapsed_ms"].as_f64().unwrap() >= 0.0);
}
