//! Questions and answers: by a person at a terminal, or line by line from a script.

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use dialoguer::Password;

/// Where answers come from and lines go to; tests put their own there.
pub(super) struct Dialog {
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
    /// Whether a person types, from whom passwords are to be hidden.
    is_terminal: bool,
}

impl fmt::Debug for Dialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialog").field("is_terminal", &self.is_terminal).finish_non_exhaustive()
    }
}

impl Dialog {
    /// The program's own input and output.
    pub(super) fn of_the_program() -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        let input = Box::new(io::BufReader::new(io::stdin()));
        Self { input, output: Box::new(io::stdout()), is_terminal }
    }

    /// A script's answers.
    #[cfg(test)]
    pub(super) fn of(
        input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> Self {
        Self { input: Box::new(input), output: Box::new(output), is_terminal: false }
    }

    /// Prints a line.
    pub(super) fn say(&mut self, line: &str) -> Result<()> {
        self.print(&format!("{line}\n"))
    }

    /// Prints at once, also when the line is not complete yet.
    pub(super) fn print(&mut self, text: &str) -> Result<()> {
        let written = self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush());
        written.context("cannot write to standard output")
    }

    /// Asks a question.
    pub(super) fn ask(&mut self, question: &str) -> Result<String> {
        self.print(&format!("{question}: "))?;
        let answer = self.line()?;
        self.end_question()?;
        Ok(answer)
    }

    /// The question's line ends where a person would have pressed a key.
    fn end_question(&mut self) -> Result<()> {
        if self.is_terminal { Ok(()) } else { self.say("") }
    }

    /// Asks for an e-mail address.
    pub(super) fn ask_email(&mut self, question: &str) -> Result<String> {
        let email = self.ask(question)?;
        if !crate::model::is_email(&email) {
            bail!("`{email}` is no e-mail address, start again");
        }
        Ok(email)
    }

    /// Asks whether to do something; only a yes is one, and silence is none.
    pub(super) fn confirm(&mut self, question: &str) -> Result<bool> {
        self.print(&format!("{question} [y/N]: "))?;
        let answer = self.next_line()?.unwrap_or_default();
        self.end_question()?;
        Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a password twice, hidden.
    pub(super) fn ask_new_password(&mut self) -> Result<String> {
        let first = self.ask_hidden("Please enter password for this user")?;
        let second = self.ask_hidden("Please confirm password for this user")?;
        if first != second {
            bail!("the passwords are not the same, start again");
        }
        if first.is_empty() {
            bail!("the password is empty, start again");
        }
        Ok(first)
    }

    /// Asks for something that nobody may read over a person's shoulder.
    pub(super) fn ask_hidden(&mut self, question: &str) -> Result<String> {
        if self.is_terminal {
            let password = Password::new().with_prompt(question).allow_empty_password(true);
            return password.interact().context("cannot read the password");
        }
        self.ask(question)
    }

    /// The next line of the input.
    pub(super) fn line(&mut self) -> Result<String> {
        self.next_line()?.context("standard input has ended, an answer was expected")
    }

    /// The same; none when the input has ended.
    fn next_line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let read = self.input.read_line(&mut line).context("cannot read standard input")?;
        Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}
