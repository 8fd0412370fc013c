//! Where progress is told and questions are asked.

use std::io;

/// What `seed` needs of whoever called it; it prints nothing by itself.
pub trait Output: Send {
    /// Tells one step: a label such as `getting or creating run`, and the name it is about.
    ///
    /// # Errors
    /// When it cannot be told; seeding then ends.
    fn line(&mut self, label: &str, value: &str) -> io::Result<()>;

    /// Tells that something takes a while; [`Self::done`] follows.
    ///
    /// # Errors
    /// When it cannot be told; seeding then ends.
    fn busy(&mut self, text: &str) -> io::Result<()>;

    /// Tells that it is over.
    ///
    /// # Errors
    /// When it cannot be told; seeding then ends.
    fn done(&mut self) -> io::Result<()>;

    /// Tells something that somebody should look at.
    ///
    /// # Errors
    /// When it cannot be told; seeding then ends.
    fn warning(&mut self, text: &str) -> io::Result<()>;

    /// Tells how many of the worlds are complete.
    fn progress(&mut self, done: usize, total: usize);

    /// Asks a question to be answered with yes or no.
    ///
    /// # Errors
    /// When there is no answer; seeding then ends before anything is deleted.
    fn confirm(&mut self, question: &str) -> io::Result<bool>;
}

/// Tells nothing and answers every question with no.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Output for Silent {
    fn line(&mut self, _label: &str, _value: &str) -> io::Result<()> {
        Ok(())
    }

    fn busy(&mut self, _text: &str) -> io::Result<()> {
        Ok(())
    }

    fn done(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn warning(&mut self, _text: &str) -> io::Result<()> {
        Ok(())
    }

    fn progress(&mut self, _done: usize, _total: usize) {}

    fn confirm(&mut self, _question: &str) -> io::Result<bool> {
        Ok(false)
    }
}
