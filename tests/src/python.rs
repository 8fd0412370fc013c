//! Python programs that try our service as others would: with packages of others.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::program::{Finished, run_to_end};
use crate::skipped::skipped;

/// Names the interpreter. `.ci/run` makes one that has all packages.
const VARIABLE: &str = "BLACK_BOX_PYTHON";

/// A Python interpreter that has the packages a test needs.
#[derive(Debug, Clone)]
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// The interpreter of the variable `BLACK_BOX_PYTHON`, if it can import these modules.
    ///
    /// Without one the test is skipped, and this has said so.
    ///
    /// # Errors
    /// When a test that must not be skipped cannot run.
    pub async fn with(modules: &[&str]) -> Result<Option<Self>> {
        let reason = match std::env::var_os(VARIABLE) {
            None => format!("`{VARIABLE}` does not name a Python interpreter"),
            Some(interpreter) => {
                let found = Self { interpreter: interpreter.into() };
                match found.lacks(modules).await {
                    None => return Ok(Some(found)),
                    Some(reason) => reason,
                }
            }
        };
        let advice =
            "install the files `tests/python/requirements*.txt` into one as `.ci/run` does";
        skipped(VARIABLE, &format!("{reason}; {advice}, and name it by `{VARIABLE}`"))?;
        Ok(None)
    }

    pub(crate) fn interpreter(&self) -> &Path {
        &self.interpreter
    }

    /// Runs a script of `tests/python` to its end.
    ///
    /// # Errors
    /// When it cannot be started or does not end.
    pub async fn run(&self, script: &str, args: &[&str]) -> Result<Finished> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
        // Without `-B` it would leave its compiled modules beside the sources.
        let mut all = vec!["-B".as_ref(), script.as_os_str()];
        all.extend(args.iter().map(|arg| arg.as_ref() as &std::ffi::OsStr));
        run_to_end(&self.interpreter, &all, "").await
    }

    /// What the interpreter lacks, without importing anything.
    async fn lacks(&self, modules: &[&str]) -> Option<String> {
        let shown = self.interpreter.display();
        let program = "import importlib.util, sys\n\
                       sys.exit(any(importlib.util.find_spec(it) is None for it in sys.argv[1:]))";
        let mut args = vec!["-c", program];
        args.extend(modules);
        match run_to_end(&self.interpreter, &args, "").await {
            Ok(finished) if finished.code == Some(0) => None,
            Ok(_) => Some(format!("`{shown}` does not have all of {modules:?}")),
            Err(error) => Some(format!("`{shown}` does not run ({error:#})")),
        }
    }
}
