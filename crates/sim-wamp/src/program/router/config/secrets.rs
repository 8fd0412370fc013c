//! Secrets of a configuration: in its text, or in files that it names.

use std::path::PathBuf;

use super::Context;
use super::reader::{Field, Section};
use crate::program::secret_file;

/// Where secrets were found.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    files: Vec<PathBuf>,
    in_text: bool,
}

impl Secrets {
    /// Notes a file with a secret.
    pub(super) fn note(&mut self, file: PathBuf) {
        if !self.files.contains(&file) {
            self.files.push(file);
        }
    }

    /// Returns the files, and whether there are secrets in the text itself.
    pub(super) fn into_files(self) -> (Vec<PathBuf>, bool) {
        (self.files, self.in_text)
    }
}

/// Reads a secret under its name, or from the file that stands under `file_key`; returns nothing
/// where there is none, and where it is wrong.
pub(super) fn read(
    section: &mut Section<'_>,
    context: &mut Context<'_>,
    key: &'static str,
    file_key: &'static str,
) -> Option<String> {
    let here = section.take(key);
    let file = section.take(file_key);
    match (here, file) {
        (Some(_), Some(_)) => {
            section.wrong(key, format_args!("and `{file_key}` are both there: leave one out"));
            None
        }
        (Some(here), None) => {
            context.secrets.in_text = true;
            here.text().map(str::to_owned)
        }
        (None, Some(file)) => {
            let path = context.directory.join(file.text()?);
            let secret = secret_file(&path).map_err(|error| wrong_file(&file, &path, &error)).ok();
            context.secrets.note(path);
            secret
        }
        (None, None) => None,
    }
}

fn wrong_file(field: &Field<'_>, path: &std::path::Path, error: &std::io::Error) {
    let path = path.display();
    field.wrong(format_args!("is `{path}`, which cannot be read ({error}): name another file"));
}
