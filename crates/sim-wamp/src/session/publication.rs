//! An event on its way to the router.

use std::collections::HashSet;
use std::hash::Hash;
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

    /// Prepares the lists for many questions.
    pub(crate) fn audience(&self) -> Audience<'_> {
        Audience {
            exclude: Listed::of(self.exclude.iter().copied()),
            exclude_authid: Listed::of(self.exclude_authid.iter().map(String::as_str)),
            exclude_authrole: Listed::of(self.exclude_authrole.iter().map(String::as_str)),
            eligible: self.eligible.as_ref().map(|list| Listed::of(list.iter().copied())),
            eligible_authid: self
                .eligible_authid
                .as_ref()
                .map(|list| Listed::of(list.iter().map(|authid| &**authid))),
            eligible_authrole: self
                .eligible_authrole
                .as_ref()
                .map(|list| Listed::of(list.iter().map(String::as_str))),
        }
    }
}

/// To whom a publication goes, as far as its lists say it.
#[derive(Debug)]
pub(crate) struct Audience<'a> {
    exclude: Listed<u64>,
    exclude_authid: Listed<&'a str>,
    exclude_authrole: Listed<&'a str>,
    eligible: Option<Listed<u64>>,
    eligible_authid: Option<Listed<&'a str>>,
    eligible_authrole: Option<Listed<&'a str>>,
}

impl Audience<'_> {
    /// Says whether the lists let a session receive the event.
    pub(crate) fn includes(&self, info: &SessionInfo) -> bool {
        let (authid, authrole) = (&*info.authid, &*info.authrole);
        !self.exclude.has(&info.session)
            && !self.exclude_authid.has(&authid)
            && !self.exclude_authrole.has(&authrole)
            && self.eligible.as_ref().is_none_or(|list| list.has(&info.session))
            && self.eligible_authid.as_ref().is_none_or(|list| list.has(&authid))
            && self.eligible_authrole.as_ref().is_none_or(|list| list.has(&authrole))
    }
}

/// A list in which many are looked for; the publisher chooses how long it is.
#[derive(Debug)]
enum Listed<T> {
    Few(Vec<T>),
    Many(HashSet<T>),
}

impl<T: Eq + Hash> Listed<T> {
    /// Up to how many a search is as fast as a hash.
    const FEW: usize = 16;

    fn of(items: impl ExactSizeIterator<Item = T>) -> Self {
        if items.len() <= Self::FEW {
            Self::Few(items.collect())
        } else {
            Self::Many(items.collect())
        }
    }

    fn has(&self, item: &T) -> bool {
        match self {
            Self::Few(items) => items.contains(item),
            Self::Many(items) => items.contains(item),
        }
    }
}
