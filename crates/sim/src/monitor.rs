//! What the staff of a service see of it, besides the figures that machines read.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sim_engine::{Engine, Missed};
use sim_games_server::GamesApi;
use sim_games_types::{Change, RunPk, Timestamp, UserPk};
use sim_ui::RunEvent;
use sim_wamp::{FailedCall, Payload, Session};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::access::Engines;
use crate::health::Health;
use crate::realm::Window;

/// How many failed calls are remembered.
pub(crate) const FAILURES: usize = 100;

/// How many sessions, registrations and subscriptions are listed of each.
const LISTED: usize = 200;

/// How long one status is good for, however many people look at it.
const FRESH: Duration = Duration::from_secs(1);

/// The service as its staff see it.
pub(crate) struct Monitor {
    engines: Engines,
    health: Arc<Health>,
    api: Option<GamesApi>,
    /// What is to be seen of the realm.
    realm: OnceLock<Window>,
    last: Mutex<Option<(Instant, Value)>>,
}

impl Monitor {
    pub(crate) fn new(engines: Engines, health: Arc<Health>, api: Option<&GamesApi>) -> Self {
        let (realm, last) = (OnceLock::new(), Mutex::default());
        Self { engines, health, api: api.cloned(), realm, last }
    }

    /// Watches a realm.
    pub(crate) fn look_through(&self, window: Window) {
        // There is one realm only.
        drop(self.realm.set(window));
    }

    /// Everything at one moment.
    pub(crate) async fn status(&self) -> Value {
        let mut last = self.last.lock().await;
        if let Some((at, status)) = &*last
            && at.elapsed() < FRESH
        {
            return status.clone();
        }
        let status = self.look().await;
        *last = Some((Instant::now(), status.clone()));
        status
    }

    async fn look(&self) -> Value {
        let failures = self.realm.get().map(Window::failed_calls);
        let failures: Vec<_> = failures.iter().flatten().map(|it| self.failure(it)).collect();
        json!({
            "at": Timestamp::now(),
            "problems": self.health.problems().await,
            "sessions": self.listed("session", &[]).await,
            "registrations": self.listed("registration", &["count_callees"]).await,
            "subscriptions": self.listed("subscription", &["count_subscribers"]).await,
            "games": self.engines().map(|(root, engine)| game(root, engine)).collect::<Vec<_>>(),
            "webhooks": self.webhooks().await,
            "failures": failures,
            "figures": self.health.figures().map(|text| samples(&text)),
        })
    }

    fn engines(&self) -> impl Iterator<Item = &(String, Engine)> {
        self.engines.get().into_iter().flatten()
    }

    /// The e-mail address of somebody who plays, for people who do not know all keys by heart.
    fn email(&self, authid: &str) -> Option<String> {
        let user = UserPk(authid.parse().ok()?);
        self.engines().find_map(|(_, engine)| engine.email(user))
    }

    fn failure(&self, failed: &FailedCall) -> Value {
        let at = failed.at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let at = Timestamp::from_micros(i64::try_from(at.as_micros()).unwrap_or(i64::MAX));
        json!({
            "at": at,
            "authid": failed.authid,
            "email": self.email(&failed.authid),
            "procedure": failed.procedure,
            "error": failed.error,
            "text": failed.text,
        })
    }

    /// What the realm has of one kind: how many, and the first of them with what is told of each.
    async fn listed(&self, kind: &str, counts: &[&str]) -> Value {
        let session = self.realm.get().and_then(Window::session);
        let Some(session) = &session else { return Value::Null };
        let mut ids = match ask::<Value>(session, &format!("wamp.{kind}.list"), None).await {
            Some(Value::Array(ids)) => ids,
            // Registrations and subscriptions are listed by how they match.
            Some(Value::Object(lists)) => lists
                .into_iter()
                .flat_map(|(_, ids)| ids.as_array().cloned().unwrap_or_default())
                .collect(),
            _ => return Value::Null,
        };
        ids.sort_by_key(Value::as_u64);
        let total = ids.len();
        let mut list = Vec::new();
        for id in ids.iter().take(LISTED).filter_map(Value::as_u64) {
            // What has gone meanwhile is not there any more.
            let Some(mut details) =
                ask::<Value>(session, &format!("wamp.{kind}.get"), Some(id)).await
            else {
                continue;
            };
            if let Some(authid) = details["authid"].as_str() {
                details["email"] = json!(self.email(authid));
            }
            for name in counts {
                let count = ask::<Value>(session, &format!("wamp.{kind}.{name}"), Some(id)).await;
                details["count"] = json!(count);
            }
            list.push(details);
        }
        let order = |it: &Value| (it["uri"].to_string(), it["joined"].to_string());
        list.sort_by_key(order);
        json!({"total": total, "list": list})
    }

    /// The webhooks of the embedded Games API; null when the games are kept elsewhere.
    async fn webhooks(&self) -> Value {
        let Some(api) = &self.api else { return Value::Null };
        let states = api.webhooks().await.unwrap_or_default();
        states
            .into_iter()
            .map(|it| {
                json!({
                    "id": it.pk, "event": it.event, "host": it.host, "connected": it.connected,
                    "erroring": it.erroring, "behind": it.behind,
                })
            })
            .collect()
    }

    /// A run with all below it, as JSON text.
    pub(crate) fn tree(&self, run: i64) -> Option<String> {
        self.engines().find_map(|(_, engine)| engine.run_tree(RunPk(run)))
    }

    /// The changes of a run in memory from now on.
    pub(crate) fn changes(&self, run: i64) -> Option<BoxStream<'static, RunEvent>> {
        let pk = RunPk(run);
        let loaded = |engine: &Engine| engine.runs().iter().any(|run| run.pk == pk);
        let (_, engine) = self.engines().find(|(_, engine)| loaded(engine))?;
        let told = |change: Result<Arc<Change>, Missed>| match change {
            Ok(change) => RunEvent::Change(change_text(&change)),
            Err(Missed(changes)) => RunEvent::Missed(changes),
        };
        Some(engine.changes(pk).map(told).boxed())
    }
}

/// Asks the router; nothing when it refuses or has ended.
async fn ask<T: DeserializeOwned>(session: &Session, uri: &str, id: Option<u64>) -> Option<T> {
    let payload = match id {
        Some(id) => Payload::new(&[id], None::<&()>).ok()?,
        None => Payload::empty(),
    };
    let answer = session.call(uri, payload).await.ok()?;
    let [value]: [T; 1] = serde_json::from_str(answer.args_json()).ok()?;
    Some(value)
}

fn game(root: &str, engine: &Engine) -> Value {
    let runs: Vec<_> = engine
        .runs()
        .into_iter()
        .map(|run| {
            json!({
                "id": run.pk, "name": run.name, "active": run.active, "phase": run.phase,
                "worlds": run.worlds, "members": run.members, "online": run.online,
            })
        })
        .collect();
    let (slug, installed) = (engine.slug(), engine.is_installed());
    json!({
        "slug": slug, "root": root, "installed": installed, "waiting": engine.waiting(),
        "runs": runs,
    })
}

/// A change as JSON text, without the fields that players never see.
fn change_text(change: &Change) -> String {
    let record = &change.object.record;
    let fields = json!({
        "seq": change.seq, "at": change.at, "action": change.action,
        "resource_name": record.resource(), "pk": record.pk(), "actor": change.actor,
        "cause": change.cause,
    });
    let fields = fields.to_string();
    let fields = fields.strip_suffix('}').unwrap_or(&fields);
    format!(r#"{fields},"data":{}}}"#, change.object.for_players())
}

/// The figures without what is said about them.
fn samples(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect()
}
