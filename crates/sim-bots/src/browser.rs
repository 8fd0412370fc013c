//! One session that does what a browser does: logs in, loads, keeps its view up to date, calls.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use serde_json::{Value, json};
use sim_games_types::Resource;
use sim_wamp::{
    Connection, Credentials, Event, Incoming, MatchPolicy, Payload, Publication, Session,
    SessionEvent,
};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{Object, Seat, Trouble, Venue, View};

/// What a page subscribes to on each of its topics.
const EVENTS: [&str; 3] = ["add_child", "update_child", "remove_child"];

/// A page in a browser.
pub(crate) struct Browser<'a> {
    venue: &'a Venue,
    seat: &'a Seat,
    session: Session,
    incoming: Incoming,
    connection: Connection,
    /// Events that came before the tree was there.
    backlog: Option<Vec<Event>>,
    pub(crate) view: View,
    /// When the event that told of an object first came.
    pub(crate) told: HashMap<(Resource, i64), Instant>,
    /// The first thing seen that this player must not see.
    pub(crate) foreign: Option<String>,
}

/// What an answer at load is.
enum Part {
    Tree(Value),
    Forest(Value),
    List(Resource, Value),
    Nothing,
}

type Loading = BoxFuture<'static, Result<Part, Trouble>>;

impl<'a> Browser<'a> {
    /// Logs in with e-mail address and password.
    pub(crate) async fn login(venue: &'a Venue, seat: &'a Seat) -> Result<Self, Trouble> {
        let credentials =
            Credentials::Ticket { authid: seat.email.clone(), ticket: seat.password.clone() };
        let (session, incoming, connection) = venue.connect(&credentials).await?.split();
        Ok(Self {
            venue,
            seat,
            session,
            incoming,
            connection,
            backlog: Some(Vec::new()),
            view: View::default(),
            told: HashMap::new(),
            foreign: None,
        })
    }

    /// Says goodbye.
    pub(crate) async fn close(self) {
        self.connection.close().await;
    }

    /// Asks for all that a page needs, in the stock browser's order and without waiting for one
    /// answer before the next question, and takes it once all of it has arrived.
    pub(crate) async fn load(&mut self) -> Result<(), Trouble> {
        let errors = format!("{}.error.{}", self.venue.root, self.seat.user);
        let mut questions = vec![self.subscription(errors)];
        for topic in self.topics() {
            let scope = |name: &str| self.venue.uri(&format!("{topic}.{name}"));
            let scenarios = format!("runuser.{}.get_scenarios", self.seat.runuser);
            questions.extend([
                self.announcement(scope("connected")),
                self.question(scope("get_active_runusers"), Some(json!([false])), Part::Forest),
                self.question(self.venue.uri(&scenarios), None, Part::Forest),
                self.question(scope("get_current_run_and_phase"), Some(json!([])), |_| {
                    Part::Nothing
                }),
                self.question(scope("get_scope_tree"), Some(json!([null])), Part::Tree),
            ]);
            questions.extend(EVENTS.map(|event| self.subscription(scope(event))));
        }
        for (name, resource) in [("get_phases", Resource::Phase), ("get_roles", Resource::Role)] {
            let uri = self.venue.uri(&format!("game.{name}"));
            let part = move |list| Part::List(resource, list);
            questions.push(self.question(uri, Some(json!([])), part));
        }
        self.take_answers(questions).await?;
        Ok(())
    }

    /// Closes the gap that the stock browser has: what happened after its trees were made and
    /// before it had subscribed. From now on, events tell everything.
    pub(crate) async fn catch_up(&mut self) -> Result<(), Trouble> {
        let questions = self.trees();
        self.take_answers(questions).await?;
        for event in self.backlog.take().into_iter().flatten() {
            self.apply(&event);
        }
        Ok(())
    }

    /// What the server shows now to whoever loads the page.
    pub(crate) async fn reload(&mut self) -> Result<View, Trouble> {
        let questions = self.trees();
        let mut view = View::default();
        for part in self.answers(questions).await? {
            take(&mut view, part);
        }
        // Roles never change; checks look them up.
        for role in self.view.all(Resource::Role) {
            view.put(Resource::Role, role.clone());
        }
        Ok(view)
    }

    /// Calls a procedure below the root, with a key if the call may be repeated.
    pub(crate) async fn call(
        &mut self,
        name: &str,
        args: &[Value],
        key: Option<&str>,
    ) -> Result<Value, Trouble> {
        let uri = self.venue.uri(name);
        let kwargs = key.map(|key| json!({"idempotency_key": key}));
        let question = ask(self.session.clone(), uri.clone(), Some(json!(args)), kwargs);
        self.attend(question, &uri).await?
    }

    /// Follows the events until the view is as wanted, for so long at most.
    pub(crate) async fn wait_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut is_so: impl FnMut(&View) -> bool,
    ) -> Result<(), Trouble> {
        let deadline = Instant::now() + limit;
        while !is_so(&self.view) {
            let late = || Trouble::Late { what: what.to_owned(), limit };
            let event = timeout_at(deadline, self.incoming.recv()).await.map_err(|_| late())?;
            self.receive(event)?;
        }
        Ok(())
    }

    /// Follows the events for some time.
    pub(crate) async fn idle(&mut self, time: Duration) -> Result<(), Trouble> {
        match self.wait_until("nothing", time, |_| false).await {
            Err(Trouble::Late { .. }) => Ok(()),
            ended => ended,
        }
    }

    /// The topics of a player: their own, and their world's.
    fn topics(&self) -> Vec<String> {
        let world = self.seat.world.map(|world| format!("world.{world}"));
        [format!("runuser.{}", self.seat.runuser)].into_iter().chain(world).collect()
    }

    /// The questions whose answers show all scenarios.
    fn trees(&self) -> Vec<Loading> {
        let scenarios = self.venue.uri(&format!("runuser.{}.get_scenarios", self.seat.runuser));
        let mut questions = vec![self.question(scenarios, None, Part::Forest)];
        if let Some(world) = self.seat.world {
            let tree = self.venue.uri(&format!("world.{world}.get_scope_tree"));
            questions.push(self.question(tree, Some(json!([null])), Part::Tree));
        }
        questions
    }

    fn question(
        &self,
        uri: String,
        args: Option<Value>,
        part: impl FnOnce(Value) -> Part + Send + 'static,
    ) -> Loading {
        ask(self.session.clone(), uri, args, None).map(|answer| answer.map(part)).boxed()
    }

    fn subscription(&self, uri: String) -> Loading {
        let session = self.session.clone();
        let subscribe = async move {
            let subscribed = session.subscribe(&uri, MatchPolicy::Prefix).await;
            subscribed.map_err(|error| Trouble::Refused { uri, error })?;
            Ok(Part::Nothing)
        };
        subscribe.boxed()
    }

    fn announcement(&self, uri: String) -> Loading {
        let session = self.session.clone();
        let publish = async move {
            let publication = Publication::new(uri.as_str(), Payload::from_json(Some("[]"), None));
            let published = session.publish(publication).await;
            published.map_err(|error| Trouble::Refused { uri, error })?;
            Ok(Part::Nothing)
        };
        publish.boxed()
    }

    async fn take_answers(&mut self, questions: Vec<Loading>) -> Result<(), Trouble> {
        for part in self.answers(questions).await? {
            take(&mut self.view, part);
        }
        Ok(())
    }

    /// Asks all questions, in their order, and waits for all answers.
    async fn answers(&mut self, questions: Vec<Loading>) -> Result<Vec<Part>, Trouble> {
        let answers = self.attend(join_all(questions), "the page's data").await?;
        answers.into_iter().collect()
    }

    /// Follows the events until something is there. What came before it is applied before it is
    /// returned, because a session's messages come in order.
    async fn attend<T>(
        &mut self,
        wanted: impl Future<Output = T> + Send,
        what: &str,
    ) -> Result<T, Trouble> {
        let limit = self.venue.patience;
        let deadline = Instant::now() + limit;
        let mut wanted = pin!(wanted);
        loop {
            tokio::select! {
                biased;
                event = self.incoming.recv() => self.receive(event)?,
                wanted = &mut wanted => return Ok(wanted),
                () = sleep_until(deadline) => {
                    return Err(Trouble::Late { what: what.to_owned(), limit });
                }
            }
        }
    }

    fn receive(&mut self, event: Option<SessionEvent>) -> Result<(), Trouble> {
        match event {
            Some(SessionEvent::Event(event)) => match &mut self.backlog {
                Some(backlog) => backlog.push(event),
                None => self.apply(&event),
            },
            Some(SessionEvent::Goodbye { reason }) => return Err(Trouble::Ended(reason)),
            None => return Err(Trouble::Ended("goodbye".to_owned())),
            Some(_) => {}
        }
        Ok(())
    }

    fn apply(&mut self, event: &Event) {
        let name = event.topic.rsplit('.').next().unwrap_or_default();
        let Ok((pk, resource, fields)) = event.payload.args::<(i64, String, Value)>() else {
            return;
        };
        let Some(resource) = Resource::from_name(&resource) else { return };
        let object = Object { pk, fields };
        if self.view.is_foreign(self.seat, resource, &object) {
            let text =
                format!("`{}` told of {} {pk}, which is foreign", event.topic, resource.name());
            self.foreign.get_or_insert(text);
            return;
        }
        match name {
            "remove_child" => self.view.remove(resource, pk),
            "add_child" | "update_child" => {
                self.told.entry((resource, pk)).or_insert_with(Instant::now);
                self.view.put(resource, object);
            }
            _ => {}
        }
    }
}

fn take(view: &mut View, part: Part) {
    match part {
        Part::Tree(tree) => view.take_tree(&tree),
        Part::Forest(trees) => {
            for tree in trees.as_array().into_iter().flatten() {
                view.take_tree(tree);
            }
        }
        Part::List(resource, list) => view.take_list(resource, &list),
        Part::Nothing => {}
    }
}

/// Calls a procedure that answers with one value.
async fn ask(
    session: Session,
    uri: String,
    args: Option<Value>,
    kwargs: Option<Value>,
) -> Result<Value, Trouble> {
    let [args, kwargs] = [args, kwargs].map(|part| part.map(|part| part.to_string()));
    let payload = Payload::from_json(args, kwargs);
    match session.call(&uri, payload).await {
        Ok(answer) => match answer.args::<(Value,)>() {
            Ok((value,)) => Ok(value),
            Err(_) => Err(Trouble::Wrong(format!("`{uri}` was not answered with one value"))),
        },
        Err(error) => Err(Trouble::Refused { uri, error }),
    }
}
