//! An event on its way to the router.

use std::sync::Arc;

use crate::{Passthru, Payload, SessionInfo};

/// What is published, and to whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// The concrete topic.
    pub topic: Arc<str>,
    /// The arguments of the event.
    pub payload: Payload,
    /// Asks the router to answer.
    pub acknowledge: bool,
    /// Withholds the event from the publisher, as is the default.
    pub exclude_me: bool,
    /// Asks the router to disclose the publisher where it does not do so anyway.
    pub disclose_me: bool,
    /// Keeps the event for those who subscribe later and ask for it, in place of the topic's last.
    pub retain: bool,
    /// Withholds the event from these sessions.
    pub exclude: Vec<u64>,
    /// Withholds the event from sessions of these authids.
    pub exclude_authid: Vec<String>,
    /// Withholds the event from sessions of these roles.
    pub exclude_authrole: Vec<String>,
    /// Sends the event to these sessions only.
    pub eligible: Option<Vec<u64>>,
    /// Sends the event to sessions of these authids only. Shared, because one list often serves
    /// many publications.
    pub eligible_authid: Option<Arc<[Arc<str>]>>,
    /// Sends the event to sessions of these roles only.
    pub eligible_authrole: Option<Vec<String>>,
    /// How the payload is packed, if it is.
    pub passthru: Option<Box<Passthru>>,
}

impl Publication {
    /// Makes a publication to everybody but oneself, without acknowledgment.
    #[must_use]
    pub fn new(topic: impl Into<Arc<str>>, payload: Payload) -> Self {
        Self {
            topic: topic.into(),
            payload,
            acknowledge: false,
            exclude_me: true,
            disclose_me: false,
            retain: false,
            exclude: Vec::new(),
            exclude_authid: Vec::new(),
            exclude_authrole: Vec::new(),
            eligible: None,
            eligible_authid: None,
            eligible_authrole: None,
            passthru: None,
        }
    }

    /// Asks the router to answer.
    #[must_use]
    pub fn acknowledged(mut self) -> Self {
        self.acknowledge = true;
        self
    }

    /// Sends the event to the publisher, too.
    #[must_use]
    pub fn including_me(mut self) -> Self {
        self.exclude_me = false;
        self
    }

    /// Keeps the event for those who subscribe later and ask for it.
    #[must_use]
    pub fn retained(mut self) -> Self {
        self.retain = true;
        self
    }

    /// Says whether every subscriber but perhaps the publisher receives the event.
    pub(crate) fn is_for_all(&self) -> bool {
        self.exclude.is_empty()
            && self.exclude_authid.is_empty()
            && self.exclude_authrole.is_empty()
            && self.eligible.is_none()
            && self.eligible_authid.is_none()
            && self.eligible_authrole.is_none()
    }

    /// Says whether the lists let a session receive the event.
    pub(crate) fn is_for(&self, info: &SessionInfo) -> bool {
        let named = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
        !self.exclude.contains(&info.session)
            && !named(&self.exclude_authid, &info.authid)
            && !named(&self.exclude_authrole, &info.authrole)
            && self.eligible.as_ref().is_none_or(|list| list.contains(&info.session))
            && self.eligible_authid.as_ref().is_none_or(|list| list.contains(&info.authid))
            && self.eligible_authrole.as_ref().is_none_or(|list| named(list, &info.authrole))
    }
}
