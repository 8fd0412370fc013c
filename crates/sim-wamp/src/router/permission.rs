//! What a command may do beyond being let through.

use crate::access::{Pattern, Permission};

/// The terms on which a gate has let a command through.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Granted {
    /// Discloses who calls or publishes, whether asked to or not.
    pub(crate) disclose: bool,
    /// Delivers only the events of this pattern.
    pub(crate) only: Option<Box<Pattern>>,
}

impl From<&Permission> for Granted {
    fn from(permission: &Permission) -> Self {
        Self { disclose: permission.disclose, only: permission.only.clone().map(Box::new) }
    }
}
