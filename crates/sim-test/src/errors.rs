//! What a service logs as errors while a test runs, so that the test can fail for it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing::subscriber::DefaultGuard;

/// Collects the errors that are logged on this thread. `#[tokio::test]` runs all tasks of a test
/// on one thread.
#[derive(Debug)]
pub(crate) struct Errors {
    logged: Buffer,
    expected: bool,
    _guard: DefaultGuard,
}

impl Errors {
    pub(crate) fn collect() -> Self {
        let logged = Buffer::default();
        let writer = logged.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::ERROR)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        Self { logged, expected: false, _guard: guard }
    }

    /// Lets the test pass although errors are logged.
    pub(crate) fn expect(&mut self) {
        self.expected = true;
    }

    /// What was logged so far.
    pub(crate) fn logged(&self) -> String {
        let bytes = self.logged.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Errors {
    /// Fails the test, unless it fails already.
    fn drop(&mut self) {
        let logged = self.logged();
        if !logged.is_empty() && !self.expected && !std::thread::panicking() {
            panic!("the service logged errors that the test did not expect:\n{logged}");
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
