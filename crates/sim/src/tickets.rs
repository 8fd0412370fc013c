//! Tickets with which the pages join the realm.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sim_games_types::UserPk;
use tokio::time::Instant;

/// How long a ticket is good.
const GOOD: Duration = Duration::from_secs(60);

/// The most tickets that are good at a time; beyond it the oldest end before their time.
const MOST: usize = 100_000;

/// The tickets that are good. They are in memory only: a page asks for one whenever it connects.
#[derive(Debug, Default)]
pub(crate) struct Tickets(Mutex<HashMap<String, (UserPk, Instant)>>);

impl Tickets {
    /// A ticket for a user.
    pub(crate) fn give(&self, user: UserPk) -> String {
        let ticket = hex::encode(rand::random::<[u8; 16]>());
        let now = Instant::now();
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() >= MOST {
            let oldest = tickets.values().map(|(_, until)| *until).min();
            tickets.retain(|_, (_, until)| *until > now && Some(*until) != oldest);
        }
        tickets.insert(ticket.clone(), (user, now + GOOD));
        ticket
    }

    /// The user to whom a ticket was given, while it is good.
    ///
    /// Looking it up takes a time that says nothing of other tickets: the table's hashes have a
    /// secret of their own.
    pub(crate) fn user(&self, ticket: &str) -> Option<UserPk> {
        let now = Instant::now();
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tickets.get(ticket) {
            Some((user, until)) if *until > now => Some(*user),
            Some(_) => {
                tickets.remove(ticket);
                None
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ticket_is_good_for_a_minute_and_for_one_user() {
        let tickets = Tickets::default();
        let (one, two) = (tickets.give(UserPk(1)), tickets.give(UserPk(2)));
        assert_ne!(one, two);
        assert_eq!(tickets.user(&one), Some(UserPk(1)));
        tokio::time::advance(GOOD - Duration::from_secs(1)).await;
        assert_eq!(tickets.user(&two), Some(UserPk(2)));
        assert_eq!(tickets.user("00"), None);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((tickets.user(&one), tickets.user(&two)), (None, None));
    }
}
