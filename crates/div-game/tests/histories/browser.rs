//! A page in a browser: it loads trees, follows topics and keeps its objects as the stock library
//! does: `add_child` adds or merges, `update_child` merges into what is known, `remove_child`
//! removes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Result, anyhow, ensure};
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sim::types::Resource;
use sim::wamp::{
    CallError, Event, Incoming, MatchPolicy, Payload, Publication, Session, SessionEvent,
};
use tokio::task::unconstrained;

use crate::arena::{Arena, REALM, ROOT};
use crate::rows::{Fields, Key, Rows, is, link};

const EVENTS: [&str; 3] = ["add_child", "update_child", "remove_child"];

/// The objects that a page has.
pub(crate) type View = BTreeMap<Key, Fields>;

/// An event as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) topic: String,
    pub(crate) key: Key,
    pub(crate) fields: Fields,
    /// It came by a subscription that the page means to end, or that it could not complete: the
    /// page does not go by it.
    stray: bool,
}

/// A page of a user, with a session of its own.
pub(crate) struct Tab {
    pub(crate) user: i64,
    pub(crate) session: Session,
    incoming: Incoming,
    pub(crate) view: View,
    /// The scopes whose topics the page follows, with its subscriptions.
    pub(crate) topics: BTreeMap<Key, Vec<u64>>,
    /// Subscriptions from before it was loaded last, which it has not ended yet: a moved player
    /// must hear nothing of the world that was left.
    lingering: Vec<u64>,
    /// Worlds that the page has heard of and does not follow yet.
    found: BTreeSet<Key>,
    /// Scopes that have gone, whose topics it follows no longer.
    lost: BTreeSet<Key>,
    /// Its memberships, with the world in which it knows to play.
    seats: HashMap<i64, Option<i64>>,
    /// The runs that the page believes inactive.
    pub(crate) asleep: BTreeSet<i64>,
    /// Whether the page loads itself anew as soon as it can.
    stale: bool,
    /// What came since the history looked last.
    pub(crate) heard: Vec<Heard>,
}

impl Tab {
    pub(crate) async fn open(arena: &Arena, rows: &Rows, user: i64) -> Result<Self> {
        let joined = arena
            .core()
            .router()
            .expect("it has a router")
            .attach_as(REALM, &user.to_string(), "browser")
            .await;
        let (session, incoming) =
            joined.map_err(|error| anyhow!("user {user} could not join: {error}"))?.split();
        let mut tab = Self {
            user,
            session,
            incoming,
            view: View::new(),
            topics: BTreeMap::new(),
            lingering: Vec::new(),
            found: BTreeSet::new(),
            lost: BTreeSet::new(),
            seats: HashMap::new(),
            asleep: BTreeSet::new(),
            stale: false,
            heard: Vec::new(),
        };
        tab.load(rows, false).await?;
        Ok(tab)
    }

    /// Loads the page. While others write, what it knows of its topics may be out of date: then it
    /// takes what it gets, and loads again later.
    async fn load(&mut self, rows: &Rows, quiet: bool) -> Result<()> {
        let old = std::mem::take(&mut self.topics).into_values().flatten().collect();
        for subscription in std::mem::replace(&mut self.lingering, old) {
            unsubscribe(&self.session, subscription).await;
        }
        self.view.clear();
        self.found.clear();
        self.lost.clear();
        self.seats.clear();
        self.asleep.clear();
        self.stale = false;
        for (pk, member) in rows.memberships(self.user) {
            if link(member, "run").is_some_and(|run| rows.is_active(run)) {
                self.seats.insert(pk, link(member, "world"));
            }
        }
        let followed = self.follow(&topics(rows, self.user)).await;
        self.lingering.retain(|it| !self.topics.values().flatten().any(|of| of == it));
        match followed {
            Err(error) if quiet => Err(error),
            followed => {
                self.stale |= followed.is_err();
                Ok(())
            }
        }
    }

    /// Follows scopes: subscribes to all, fetches all, and applies what came meanwhile.
    async fn follow(&mut self, topics: &[Key]) -> Result<()> {
        self.drain();
        for topic in topics {
            let mut subscriptions = Vec::new();
            for event in EVENTS {
                let uri = format!("{}.{event}", uri(*topic));
                let subscribed = self.session.subscribe(&uri, MatchPolicy::Prefix).await;
                subscriptions.push(subscribed.map_err(|error| refused(&uri, &error))?);
            }
            self.topics.insert(*topic, subscriptions);
        }
        let mut fetched = Vec::new();
        for topic in topics {
            let nothing = Payload::from_json(Some("[]"), None);
            let connected = Publication::new(format!("{}.connected", uri(*topic)), nothing);
            let published = self.session.publish(connected).await;
            published.map_err(|error| refused(&uri(*topic), &error))?;
            fetched.extend(fetch(&self.session, *topic).await?);
        }
        // What came before the answers is older than they are, or comes again in them.
        let backlog = self.receive();
        // A leader's page follows every world that the run's tree has.
        if topics.iter().any(|topic| topic.0 == Resource::Run) {
            self.found.extend(fetched.iter().map(|it| it.0).filter(|it| it.0 == Resource::World));
        }
        for (key, fields) in fetched {
            let known = self.view.entry(key).or_default();
            known.extend(fields);
        }
        for heard in backlog {
            let newer = self.view.get(&heard.key).is_none_or(|known| {
                updated(known) <= updated(&heard.fields) || heard.topic.ends_with("remove_child")
            });
            self.note(&heard);
            if newer {
                self.apply(&heard);
            }
            self.heard.push(heard);
        }
        Ok(())
    }

    /// Whether the page was loaded for this membership.
    pub(crate) fn knows(&self, membership: i64) -> bool {
        self.seats.contains_key(&membership)
    }

    /// Waits until the router has delivered what was published so far: an answer comes after it.
    pub(crate) async fn caught_up(&self) -> Result<()> {
        let uri = format!("{ROOT}.ready");
        ask(&self.session, &uri, json!([]), None).await.map_err(|error| refused(&uri, &error))?;
        Ok(())
    }

    /// Applies all events that have come.
    pub(crate) fn drain(&mut self) {
        for heard in self.receive() {
            self.note(&heard);
            self.apply(&heard);
            self.heard.push(heard);
        }
    }

    fn receive(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        // Without the limit that a task has, all that is there comes at once.
        while let Some(Some(event)) = unconstrained(self.incoming.recv()).now_or_never() {
            if let SessionEvent::Event(event) = event {
                let id = event.subscription;
                let stray = !self.topics.values().flatten().any(|it| *it == id);
                all.extend(read(&event).map(|heard| Heard { stray, ..heard }));
            }
        }
        all
    }

    fn apply(&mut self, Heard { topic, key, fields, stray }: &Heard) {
        if *stray {
            return;
        }
        match topic.rsplit('.').next() {
            Some("add_child") => self.view.entry(*key).or_default().extend(fields.clone()),
            Some("update_child") => {
                if let Some(known) = self.view.get_mut(key) {
                    known.extend(fields.clone());
                }
            }
            Some("remove_child") => {
                self.view.remove(key);
            }
            _ => {}
        }
    }

    /// Notes what an event means to the page itself: it is moved, its run sleeps, a world appears.
    fn note(&mut self, Heard { topic, key, fields, stray }: &Heard) {
        if *stray {
            return;
        }
        let removed = topic.ends_with("remove_child");
        match key.0 {
            Resource::RunUser => {
                if let Some(world) = self.seats.get(&key.1)
                    && (removed || *world != link(fields, "world"))
                {
                    self.stale = true;
                }
                if removed {
                    self.lost.insert(*key);
                }
            }
            Resource::Run if is(fields, "active") => {
                self.stale |= self.asleep.remove(&key.1);
            }
            Resource::Run => {
                self.asleep.insert(key.1);
            }
            Resource::World if topic.starts_with("run.") && topic.ends_with("add_child") => {
                self.found.insert(*key);
            }
            Resource::World if removed => {
                self.found.remove(key);
                self.lost.insert(*key);
            }
            _ => {}
        }
    }

    /// Follows new worlds, and loads anew when that is due; tells whether anything was to do.
    pub(crate) async fn catch_up(&mut self, rows: &Rows) -> Result<bool> {
        for gone in std::mem::take(&mut self.lost) {
            for subscription in self.topics.remove(&gone).into_iter().flatten() {
                unsubscribe(&self.session, subscription).await;
            }
        }
        if self.stale {
            self.load(rows, true).await?;
            return Ok(true);
        }
        let found = std::mem::take(&mut self.found);
        let mut busy = false;
        for world in found {
            if !self.topics.contains_key(&world) {
                match self.follow(&[world]).await {
                    // The run sleeps meanwhile: the page loads anew when it wakes.
                    Err(_) if !self.asleep.is_empty() => {}
                    followed => followed?,
                }
                busy = true;
            }
        }
        Ok(busy)
    }

    /// What a page with the same topics would fetch now.
    pub(crate) async fn fetch(&self) -> Result<View> {
        let mut view = View::new();
        for topic in self.topics.keys() {
            view.extend(fetch(&self.session, *topic).await?);
        }
        Ok(view)
    }
}

/// The topics of a user's page: for a leader the run, its worlds and its players; for a player
/// the own membership and world.
fn topics(rows: &Rows, user: i64) -> Vec<Key> {
    let mut topics = Vec::new();
    for (pk, member) in rows.memberships(user) {
        let Some(run) = link(member, "run").filter(|run| rows.is_active(*run)) else { continue };
        if !is(member, "leader") {
            topics.push((Resource::RunUser, pk));
            topics.extend(link(member, "world").map(|world| (Resource::World, world)));
            continue;
        }
        topics.push((Resource::Run, run));
        for kind in [Resource::World, Resource::RunUser] {
            let below = rows.all(kind).filter(|(_, fields)| link(fields, "run") == Some(run));
            topics.extend(below.map(|(pk, _)| (kind, pk)));
        }
    }
    topics
}

fn uri((resource, pk): Key) -> String {
    format!("{ROOT}.model.{resource}.{pk}")
}

/// What the stock library fetches for a topic.
async fn fetch(session: &Session, (resource, pk): Key) -> Result<View> {
    let names =
        ["get_active_runusers", "get_current_run_and_phase", "get_scope_tree", "get_scenarios"];
    let names = &names[..if resource == Resource::RunUser { 4 } else { 3 }];
    let uris: Vec<_> =
        names.iter().map(|name| format!("{ROOT}.model.{resource}.{pk}.{name}")).collect();
    let answers = join_all(uris.iter().map(|uri| ask(session, uri, json!([]), None))).await;
    let mut view = View::new();
    for (uri, answer) in uris.iter().zip(answers) {
        let answer = answer.map_err(|error| refused(uri, &error))?;
        match uri.rsplit('.').next() {
            Some("get_current_run_and_phase") => take(&mut view, answer.get("run"))?,
            Some("get_scope_tree") => take(&mut view, Some(&answer))?,
            _ => {
                for scope in answer.as_array().into_iter().flatten() {
                    take(&mut view, Some(scope))?;
                }
            }
        }
    }
    Ok(view)
}

/// Takes a scope with all below it.
fn take(view: &mut View, scope: Option<&Value>) -> Result<()> {
    let scope = scope.ok_or_else(|| anyhow!("a scope is missing in an answer"))?;
    let key = resource(&scope["resource_name"]).zip(scope["pk"].as_i64());
    let key = key.ok_or_else(|| anyhow!("no scope: {scope}"))?;
    let Value::Object(fields) = &scope["data"] else { return Err(anyhow!("no data: {scope}")) };
    ensure!(link(fields, "id") == Some(key.1), "a scope's key differs from its object's: {scope}");
    // The list of members has a field more than their trees.
    view.entry(key).or_default().extend(fields.clone());
    for child in scope["children"].as_array().into_iter().flatten() {
        take(view, Some(child))?;
    }
    Ok(())
}

fn resource(name: &Value) -> Option<Resource> {
    Resource::from_name(name.as_str()?)
}

fn read(event: &Event) -> Option<Heard> {
    let topic = event.topic.strip_prefix(ROOT)?.strip_prefix(".model.")?.to_owned();
    let (pk, name, fields) = event.payload.args::<(i64, Value, Fields)>().ok()?;
    Some(Heard { topic, key: (resource(&name)?, pk), fields, stray: false })
}

/// When an object was stored last. Times have one width, so that texts sort as times do.
fn updated(fields: &Fields) -> &str {
    fields.get("updated").and_then(Value::as_str).unwrap_or_default()
}

/// Calls a procedure.
pub(crate) async fn ask(
    session: &Session,
    uri: &str,
    args: Value,
    kwargs: Option<Value>,
) -> Result<Value, CallError> {
    let payload = Payload::from_json(Some(args.to_string()), kwargs.map(|it| it.to_string()));
    let answer = session.call(uri, payload).await?;
    let answers: Vec<Value> = serde_json::from_str(answer.args_json()).unwrap_or_default();
    Ok(answers.into_iter().next().unwrap_or_default())
}

pub(crate) fn refused(uri: &str, error: &CallError) -> anyhow::Error {
    anyhow!("`{uri}` was refused: {} {}", error.uri, error.payload.args_json())
}

/// A subscription may have gone with its run.
async fn unsubscribe(session: &Session, subscription: u64) {
    drop(session.unsubscribe(subscription).await);
}
