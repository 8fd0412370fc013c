//! What a session asks the router for, and what becomes of that.

use std::collections::HashMap;

use tokio::time::sleep;

use super::super::status::{Refused, RefusedKind};
use super::super::wishes::{Question, Want, Wish};
use super::{Done, Holding, Joined, State};
use crate::{CallError, uri};

impl Joined<'_> {
    /// Does what is left to do for a wish.
    pub(super) fn settle(&mut self, wish: &Wish) {
        let wishes = &self.shared.wishes;
        let is_withdrawn = self.is_closing && matches!(wish, Wish::Procedure(_));
        let want = if is_withdrawn { Want::Nobody } else { wishes.want(wish) };
        match (self.holdings.get(wish).map(|holding| holding.state), want) {
            (None, Want::Again | Want::Fresh | Want::FreshRetained)
            | (Some(State::Refused), Want::Fresh | Want::FreshRetained) => self.ask(wish, None),
            (Some(State::Held(_)), Want::Fresh) => wishes.granted(wish, 0, false),
            (Some(State::Held(id)), Want::FreshRetained) => self.ask(wish, Some(id)),
            (Some(State::Held(id)), Want::Nobody) => self.give_back(wish, id),
            (Some(State::Refused), Want::Nobody) => {
                self.holdings.remove(wish);
                self.report();
            }
            _ => {}
        }
    }

    fn ask(&mut self, wish: &Wish, held: Option<u64>) {
        if self.is_closing {
            return;
        }
        // Who withdraws a wish meanwhile has it settled again.
        let Some((question, youngest)) = self.shared.wishes.question(wish) else { return };
        let holding = self.holdings.entry(wish.clone()).or_insert_with(|| Holding {
            state: State::Refused,
            waits: self.backoff.waits(),
            refused: None,
            was_revoked: false,
            retries: 0,
        });
        holding.state = State::Asked(held);
        // Two who take a procedure from each other would do nothing else.
        let may_force = !holding.was_revoked;
        let (session, wish) = (self.session.clone(), wish.clone());
        self.asking += 1;
        self.pending.push(Box::pin(async move {
            let outcome = match question {
                Question::Register(uri, mut options) => {
                    options.force_reregister &= may_force;
                    session.register(&uri, options).await
                }
                Question::Subscribe(topic, options) => session.subscribe(&topic, options).await,
            };
            Done::Answered { wish, youngest, outcome }
        }));
    }

    fn give_back(&mut self, wish: &Wish, id: u64) {
        if let Some(holding) = self.holdings.get_mut(wish) {
            holding.state = State::Returned;
        }
        let (session, wish) = (self.session.clone(), wish.clone());
        self.asking += 1;
        self.pending.push(Box::pin(async move {
            let outcome = match wish {
                Wish::Procedure(_) => session.unregister(id).await,
                Wish::Topic(..) => session.unsubscribe(id).await,
            };
            if let Err(error) = outcome {
                tracing::debug!(%error, "what was given back was not there any more");
            }
            Done::Returned { wish, id }
        }));
    }

    pub(super) async fn done(&mut self, done: Done) {
        match done {
            Done::Due { wish, retry } => {
                let is_due = self.holdings.get(&wish).is_some_and(|holding| {
                    holding.state == State::Refused && holding.retries == retry
                });
                if is_due {
                    self.ask(&wish, None);
                }
                return;
            }
            Done::Answered { wish, youngest, outcome } => {
                self.asking -= 1;
                self.answered(&wish, youngest, outcome);
            }
            Done::Returned { wish, id } => {
                self.asking -= 1;
                self.holdings.remove(&wish);
                self.ids(&wish).remove(&id);
                self.settle(&wish);
            }
        }
        for event in std::mem::take(&mut self.early) {
            self.take(event).await;
        }
    }

    fn answered(&mut self, wish: &Wish, youngest: u64, outcome: Result<u64, CallError>) {
        let Some(holding) = self.holdings.get_mut(wish) else { return };
        let State::Asked(held) = holding.state else { return };
        match outcome {
            Ok(id) => {
                holding.state = State::Held(id);
                let was_refused = holding.refused.take().is_some();
                self.ids(wish).insert(id, wish.clone());
                self.shared.wishes.granted(wish, youngest, held.is_none());
                if was_refused {
                    self.report();
                }
            }
            // All is asked again in the next session.
            Err(error) if error.uri == uri::SESSION_ENDED => return,
            Err(error) => match (self.shared.wishes.refused(wish, youngest, &error), held) {
                (_, Some(id)) => holding.state = State::Held(id),
                (Some((kind, uri)), None) => self.retry(wish, Refused { kind, uri, error }),
                (None, None) => {
                    self.holdings.remove(wish);
                    self.report();
                }
            },
        }
        self.settle(wish);
    }

    /// Takes note that the router has taken something away.
    pub(super) fn revoked(&mut self, wish: &Wish, reason: String) {
        let Some(holding) = self.holdings.get_mut(wish) else { return };
        holding.was_revoked = true;
        match holding.state {
            State::Held(_) => {}
            State::Asked(_) => return holding.state = State::Asked(None),
            State::Returned | State::Refused => return,
        }
        let (kind, uri) = match self.shared.wishes.question(wish) {
            Some((Question::Register(uri, _), _)) => (RefusedKind::Registration, uri),
            Some((Question::Subscribe(topic, _), _)) => (RefusedKind::Subscription, topic),
            None => return drop(self.holdings.remove(wish)),
        };
        let error = CallError::new(reason, "the router has taken it away");
        self.retry(wish, Refused { kind, uri, error });
    }

    /// Asks again later.
    fn retry(&mut self, wish: &Wish, refused: Refused) {
        let Some(holding) = self.holdings.get_mut(wish) else { return };
        let (uri, error) = (&refused.uri, &refused.error);
        tracing::warn!(%uri, %error, "the router refuses what it granted before");
        holding.state = State::Refused;
        holding.refused = Some(refused);
        holding.retries += 1;
        let (wait, wish, retry) = (holding.waits.next_wait(), wish.clone(), holding.retries);
        self.pending.push(Box::pin(async move {
            sleep(wait).await;
            Done::Due { wish, retry }
        }));
        self.report();
    }

    fn report(&self) {
        let refused = self.holdings.values().filter_map(|holding| holding.refused.clone());
        let mut refused: Vec<Refused> = refused.collect();
        refused.sort_by(|one, other| one.uri.cmp(&other.uri));
        self.shared.report(refused);
    }

    fn ids(&mut self, wish: &Wish) -> &mut HashMap<u64, Wish> {
        match wish {
            Wish::Procedure(_) => &mut self.registrations,
            Wish::Topic(..) => &mut self.subscriptions,
        }
    }
}
