//! Lines, questions and a progress bar for people.

use std::io::{self, BufRead, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Output;

/// Up to this many worlds are done before a bar would be seen.
const WORLDS_WITHOUT_BAR: usize = 10;

/// Tells on two streams, and asks on the first; generic so that tests can look at both.
pub(crate) struct Terminal<I, O, E> {
    input: I,
    output: O,
    errors: E,
    color: bool,
    /// Absent where nobody would see it.
    bar: Option<ProgressBar>,
}

impl<I: BufRead + Send, O: Write + Send, E: Write + Send> Terminal<I, O, E> {
    pub(crate) fn new(input: I, output: O, errors: E) -> Self {
        Self { input, output, errors, color: false, bar: None }
    }

    /// Colors the labels if so wanted.
    pub(crate) fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Shows a bar on stderr if so wanted; it appears with the first world of many.
    pub(crate) fn bar(mut self, visible: bool) -> Self {
        self.bar = visible.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} worlds, {eta} left")
                .expect("the template is a valid constant, which a test uses");
            bar.with_style(style)
        });
        self
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        let Self { output, bar, .. } = self;
        let mut write = || {
            output.write_all(text.as_bytes())?;
            output.flush()
        };
        // The bar would otherwise be torn by lines on the same screen.
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl<I: BufRead + Send, O: Write + Send, E: Write + Send> Output for Terminal<I, O, E> {
    fn line(&mut self, label: &str, value: &str) -> io::Result<()> {
        let label = console::style(format!("{label}:")).green().force_styling(self.color);
        self.write(&format!("{label} {value}\n"))
    }

    fn busy(&mut self, text: &str) -> io::Result<()> {
        self.write(text)
    }

    fn done(&mut self) -> io::Result<()> {
        self.write("done\n")
    }

    fn warning(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.errors, "warning: {text}")
    }

    fn progress(&mut self, done: usize, total: usize) {
        let Some(bar) = &self.bar else { return };
        if total <= WORLDS_WITHOUT_BAR {
            return;
        }
        if done == 1 {
            bar.set_length(total as u64);
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_position(done as u64);
        if done == total {
            bar.finish_and_clear();
        }
    }

    fn confirm(&mut self, question: &str) -> io::Result<bool> {
        loop {
            self.write(&format!("{question} [y/N]: "))?;
            let mut answer = String::new();
            if self.input.read_line(&mut answer)? == 0 {
                self.write("\n")?;
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the input ended"));
            }
            match answer.trim().to_ascii_lowercase().as_str() {
                "y" | "yes" => return Ok(true),
                "" | "n" | "no" => return Ok(false),
                _ => self.write("Error: invalid input\n")?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a question and returns the answer with all that was written.
    fn ask(input: &str) -> (io::Result<bool>, String) {
        let mut written = Vec::new();
        let mut terminal = Terminal::new(input.as_bytes(), &mut written, io::sink());
        let answer = terminal.confirm("Sure?");
        (answer, String::from_utf8(written).unwrap())
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        for (input, expected) in
            [("y\n", true), ("YES\n", true), ("\n", false), ("n\n", false), ("no", false)]
        {
            let (answer, written) = ask(input);
            assert_eq!(answer.unwrap(), expected, "{input:?}");
            assert_eq!(written, "Sure? [y/N]: ");
        }
    }

    #[test]
    fn an_answer_that_is_none_is_asked_again() {
        let (answer, written) = ask("maybe\ny\n");
        assert!(answer.unwrap());
        assert_eq!(written, "Sure? [y/N]: Error: invalid input\nSure? [y/N]: ");
    }

    #[test]
    fn the_end_of_input_is_no_answer() {
        assert_eq!(ask("").0.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn only_the_label_is_green_and_only_if_wanted() {
        for (color, expected) in [
            (false, "getting or creating run: default\n"),
            (true, "\u{1b}[32mgetting or creating run:\u{1b}[0m default\n"),
        ] {
            let mut written = Vec::new();
            let mut terminal =
                Terminal::new(io::empty(), &mut written, io::sink()).color(color).bar(true);
            terminal.line("getting or creating run", "default").unwrap();
            terminal.progress(1, 2);
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }
}
