//! JavaScript programs that try our router as others would: with packages of others.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::program::{Finished, run_to_end, run_to_end_with};
use crate::skipped::skipped;

/// Names the program. `.ci/run` installs the packages.
const VARIABLE: &str = "BLACK_BOX_NODE";

/// Node.js, and the packages a test needs beside its programs.
#[derive(Debug, Clone)]
pub struct Node {
    program: PathBuf,
}

impl Node {
    /// The program of the variable `BLACK_BOX_NODE`, if these packages are there.
    ///
    /// Without one the test is skipped, and this has said so.
    ///
    /// # Errors
    /// When a test that must not be skipped cannot run.
    pub async fn with(packages: &[&str]) -> Result<Option<Self>> {
        let reason = match std::env::var_os(VARIABLE) {
            None => format!("`{VARIABLE}` does not name a Node.js"),
            Some(program) => {
                let found = Self { program: program.into() };
                match found.lacks(packages).await {
                    None => return Ok(Some(found)),
                    Some(reason) => reason,
                }
            }
        };
        let advice = "run `npm ci` in `tests/js` as `.ci/run` does";
        skipped(VARIABLE, &format!("{reason}; {advice}, and name Node.js by `{VARIABLE}`"))?;
        Ok(None)
    }

    /// Runs a program of `tests/js` to its end.
    ///
    /// # Errors
    /// When it cannot be started or does not end.
    pub async fn run(&self, script: &str, args: &[&str]) -> Result<Finished> {
        self.run_with(script, args, &[]).await
    }

    /// The same with these variables.
    ///
    /// # Errors
    /// When it cannot be started or does not end.
    pub async fn run_with(
        &self,
        script: &str,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Finished> {
        let script = programs().join(script);
        let mut all = vec![script.as_os_str()];
        all.extend(args.iter().map(|arg| arg.as_ref() as &std::ffi::OsStr));
        run_to_end_with(&self.program, &all, variables, "").await
    }

    /// What is lacking, without importing anything.
    async fn lacks(&self, packages: &[&str]) -> Option<String> {
        let shown = self.program.display();
        let dir = programs();
        let program = "const [dir, ...names] = process.argv.slice(1);\n\
                       names.forEach((name) => require.resolve(name, { paths: [dir] }));";
        let mut args = vec!["-e".as_ref(), program.as_ref(), dir.as_os_str()];
        args.extend(packages.iter().map(|name| name.as_ref() as &std::ffi::OsStr));
        match run_to_end(&self.program, &args, "").await {
            Ok(finished) if finished.code == Some(0) => None,
            Ok(_) => Some(format!("`{shown}` does not find all of {packages:?}")),
            Err(error) => Some(format!("`{shown}` does not run ({error:#})")),
        }
    }
}

/// Where the programs lie, and the packages beside them.
fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("js")
}
