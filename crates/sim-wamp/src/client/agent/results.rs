//! The results of a call that come one after the other.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use serde::de::DeserializeOwned;

use super::values::first;
use crate::{Call, CallError, Payload, uri};

/// The results of a call as they come, each read from its first argument; dropping it before the
/// last cancels the call.
///
/// The last result is an item like the others, except that one without any argument only ends the
/// stream. An error ends it, too.
#[derive(Debug)]
#[must_use = "dropping it cancels the call"]
pub struct Results<T> {
    /// Nothing once there is nothing more to come.
    call: Option<Call>,
    procedure: Arc<str>,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Results<T> {
    pub(super) fn new(call: Call, procedure: Arc<str>) -> Self {
        Self { call: Some(call), procedure, item: PhantomData }
    }
}

impl<T: DeserializeOwned> Stream for Results<T> {
    type Item = Result<T, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(call) = &mut self.call else { return Poll::Ready(None) };
        let next = std::task::ready!(Pin::new(call).poll_next(cx));
        let is_last = !matches!(&next, Some(Ok(result)) if result.progress);
        let item = match next {
            Some(Ok(result)) if is_last && !has_arguments(&result.payload) => None,
            Some(Ok(result)) => Some(read(&self.procedure, &result.payload)),
            Some(Err(error)) => Some(Err(error)),
            None => None,
        };
        if is_last || matches!(item, Some(Err(_))) {
            self.call = None;
        }
        Poll::Ready(item)
    }
}

/// Reads a result from its first argument.
pub(super) fn read<T: DeserializeOwned>(procedure: &str, result: &Payload) -> Result<T, CallError> {
    first(result).map_err(|_| {
        let text = format!("a result of `{procedure}` is not of the wanted type");
        CallError::new(uri::PAYLOAD_NOT_SUPPORTED, &text)
    })
}

fn has_arguments(payload: &Payload) -> bool {
    payload.args::<Vec<serde::de::IgnoredAny>>().is_ok_and(|args| !args.is_empty())
}
