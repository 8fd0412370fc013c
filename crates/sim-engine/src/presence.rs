//! Who is online: counted by sessions, never stored with an object.

use std::collections::{HashMap, HashSet};

use sim_games_types::UserPk;

/// The sessions of each user who is online.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    sessions: HashMap<UserPk, HashSet<u64>>,
}

impl Presence {
    pub(crate) fn online(&self, user: UserPk) -> bool {
        self.sessions.contains_key(&user)
    }

    /// Notes that a session is there; true when the user was offline before.
    pub(crate) fn arrive(&mut self, user: UserPk, session: u64) -> bool {
        let sessions = self.sessions.entry(user).or_default();
        sessions.insert(session);
        sessions.len() == 1
    }

    /// Notes that a session is gone; true when it was the user's last.
    pub(crate) fn leave(&mut self, user: UserPk, session: u64) -> bool {
        let Some(sessions) = self.sessions.get_mut(&user) else { return false };
        sessions.remove(&session);
        let last = sessions.is_empty();
        if last {
            self.sessions.remove(&user);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: UserPk = UserPk(7);

    #[test]
    fn several_tabs_of_one_user_count_once() {
        let mut presence = Presence::default();
        assert!(presence.arrive(USER, 1));
        assert!(!presence.arrive(USER, 2));
        assert!(!presence.leave(USER, 1));
        assert!(presence.online(USER));
        assert!(presence.leave(USER, 2));
        assert!(!presence.online(USER));
    }

    #[test]
    fn leaving_twice_changes_nothing() {
        let mut presence = Presence::default();
        presence.arrive(USER, 1);
        assert!(presence.leave(USER, 1));
        assert!(!presence.leave(USER, 1));
    }
}
