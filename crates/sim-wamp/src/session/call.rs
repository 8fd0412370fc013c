//! A call that is under way.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use super::replies::Waiting;
use super::{Link, unexpected};
use crate::message::{Answer, CallMessage, Message};
use crate::{CallError, CallOptions, CancelMode, Passthru, Payload};

/// A call that is under way; dropping it before the final result cancels it.
#[derive(Debug)]
pub struct Call {
    link: Arc<Link>,
    request: u64,
    procedure: Arc<str>,
    waiting: Waiting,
    progress: Option<mpsc::Receiver<Answer>>,
    /// Whether the router has not answered for good yet.
    is_open: bool,
    more: bool,
}

/// A result of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallResult {
    /// The values.
    pub payload: Payload,
    /// Says that more results follow.
    pub progress: bool,
    /// How the payload is packed, if it is.
    pub passthru: Option<Box<Passthru>>,
}

impl Call {
    pub(super) async fn start(
        link: Arc<Link>,
        request: u64,
        waiting: (Waiting, Option<mpsc::Receiver<Answer>>),
        procedure: Arc<str>,
        payload: Payload,
        options: CallOptions,
    ) -> Result<Self, CallError> {
        let (waiting, progress) = waiting;
        let more = options.progress;
        let procedure_again = Arc::clone(&procedure);
        // From here on a dropped future cancels what the router may have got already.
        let call = Self {
            link,
            request,
            procedure: procedure_again,
            waiting,
            progress,
            is_open: true,
            more,
        };
        let message = CallMessage { request, options, procedure, payload };
        call.link.send(Message::Call(Box::new(message))).await?;
        Ok(call)
    }

    /// Sends more arguments of a call that was started with [`CallOptions::progress`]; `last` says
    /// that no others follow.
    ///
    /// # Errors
    /// That the last arguments were sent already, or the session has ended.
    pub async fn send(&mut self, payload: Payload, last: bool) -> Result<(), CallError> {
        if !self.more {
            let text = "the last arguments of the call were sent already";
            return Err(CallError::new(crate::uri::INVALID_ARGUMENT, text));
        }
        self.more = !last;
        let (request, procedure) = (self.request, Arc::clone(&self.procedure));
        let options = CallOptions { progress: !last, ..CallOptions::default() };
        let message = CallMessage { request, options, procedure, payload };
        self.link.send(Message::Call(Box::new(message))).await
    }

    /// Waits for the next result; nothing after the final one.
    ///
    /// Nothing is lost when the returned future is dropped.
    ///
    /// # Errors
    /// The ERROR of the callee or of the router; nothing comes after it.
    pub async fn next(&mut self) -> Option<Result<CallResult, CallError>> {
        if !self.is_open {
            return None;
        }
        if let Some(progress) = &mut self.progress {
            // The final answer takes the sender away, after all other results were put in.
            if let Some(answer) = progress.recv().await {
                return Some(Ok(CallResult::new(answer)));
            }
            self.progress = None;
        }
        let outcome = self.waiting.answer().await;
        self.is_open = false;
        Some(match outcome {
            Ok(Message::Result { answer, .. }) => Ok(CallResult::new(answer)),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error),
        })
    }

    /// Waits for the final result and drops those before it.
    ///
    /// # Errors
    /// The ERROR of the callee or of the router.
    pub async fn result(mut self) -> Result<CallResult, CallError> {
        loop {
            match self.next().await {
                Some(Ok(result)) if result.progress => {}
                Some(outcome) => return outcome,
                None => return Err(CallError::new(crate::uri::CANCELED, "the call was canceled")),
            }
        }
    }

    /// Asks the router to cancel the call; what comes of it is the next result, usually
    /// `wamp.error.canceled`.
    ///
    /// # Errors
    /// That the session has ended.
    pub async fn cancel(&self, mode: CancelMode) -> Result<(), CallError> {
        self.link.send(Message::Cancel { request: self.request, mode }).await
    }
}

/// The same as [`Call::next`].
impl Stream for Call {
    type Item = Result<CallResult, CallError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Nothing is lost when such a future is dropped, and the call remembers who waits.
        pin!(self.get_mut().next()).poll(cx)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.is_open {
            let cancel = Message::Cancel { request: self.request, mode: CancelMode::KillNoWait };
            self.link.send_later(cancel);
        }
    }
}

impl CallResult {
    fn new(answer: Answer) -> Self {
        let Answer { payload, progress, passthru } = answer;
        Self { payload, progress, passthru }
    }
}
