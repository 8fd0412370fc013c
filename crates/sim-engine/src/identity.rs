//! What a call is known by, from the browser to the commit, and the spans that carry it in the log.
//!
//! These spans are of the level `debug`: made for every call they would cost a sixth of the service's
//! processor time. What is wrong with a call names it without them.

use std::fmt;

use tracing::Span;

use crate::call::Call;
use crate::inner::Inner;
use crate::work::Deed;

/// Which message of its session a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The CALL with this id, which its caller chose.
    Call(u64),
    /// The INVOCATION with this id, where the router does not tell the CALL's.
    Invocation(u64),
    /// The publication with this id, of a message to a topic.
    Publication(u64),
}

/// The identity of a call. Its browser, the router, the engine and the store know it alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId {
    /// The caller's session.
    pub session: u64,
    /// The session's message.
    pub request: Request,
}

impl fmt::Display for CallId {
    /// Writes `<session>/<request>`; ids that the caller has not chosen say what they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let session = self.session;
        match self.request {
            Request::Call(request) => write!(f, "{session}/{request}"),
            Request::Invocation(request) => write!(f, "{session}/invocation-{request}"),
            Request::Publication(publication) => write!(f, "{session}/publication-{publication}"),
        }
    }
}

impl Call {
    /// Its identity; none for what the service does by itself.
    #[must_use]
    pub fn id(&self) -> Option<CallId> {
        let session = self.peer.session;
        self.request.map(|request| CallId { session, request })
    }

    pub(crate) fn shown_id(&self) -> Option<tracing::field::DisplayValue<CallId>> {
        self.id().map(tracing::field::display)
    }
}

impl Inner {
    /// The span of a call, or of a message to a topic.
    pub(crate) fn span(&self, call: &Call) -> Span {
        let user = || call.peer.user.map(|user| user.0);
        if matches!(call.request, Some(Request::Publication(_))) {
            return tracing::debug_span!(
                "message",
                call = call.shown_id(),
                topic = &*call.uri,
                user.pk = user(),
                run.pk = self.run_of(call),
            );
        }
        tracing::debug_span!(
            "call",
            call = call.shown_id(),
            procedure = &*call.uri,
            user.pk = user(),
            run.pk = self.run_of(call),
        )
    }

    fn run_of(&self, call: &Call) -> Option<i64> {
        let address = self.options.root.parse(&call.uri)?;
        self.model.place_of(address.resource, address.pk?).map(|run| run.0)
    }
}

impl Deed<'_> {
    /// The span of what the service does by itself.
    pub(crate) fn span(&self) -> Span {
        tracing::debug_span!("deed", cause = self.cause, user.pk = self.by.map(|user| user.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_tells_whose_number_it_holds() {
        let shown = |request| CallId { session: 7, request }.to_string();
        assert_eq!(shown(Request::Call(42)), "7/42");
        assert_eq!(shown(Request::Invocation(42)), "7/invocation-42");
        assert_eq!(shown(Request::Publication(42)), "7/publication-42");
    }
}
