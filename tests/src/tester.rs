//! Schemathesis, a program of others that reads an OpenAPI document and tries to break the service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::program::clean_command;
use crate::python::Python;

/// What every answer is held against.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,\
                      allow_header_conformance,unsupported_method,use_after_free,\
                      ensure_resource_availability";

/// A Python interpreter that has the tester.
#[derive(Debug, Clone)]
pub struct Tester {
    python: Python,
}

/// What is to be tried.
#[derive(Debug, Clone)]
pub struct Trial<'t> {
    /// The address of the document.
    pub document: &'t str,
    /// The account that asks, as `login:password`.
    pub account: &'t str,
    /// In what ways, as the tester calls them.
    pub phases: &'t str,
    /// Cases per operation, beside those that the document itself suggests.
    pub cases: u32,
    /// What the random choices follow from.
    pub seed: u64,
    /// How long it may take.
    pub limit: Duration,
}

/// The number of answers by operation and status, as `GET /apis/runs/` and `200`.
pub type Answers = BTreeMap<String, BTreeMap<u16, u64>>;

impl Tester {
    /// The tester of the interpreter that the variable `BLACK_BOX_PYTHON` names.
    ///
    /// Without one the test is skipped, and this has said so.
    ///
    /// # Errors
    /// When a test that must not be skipped cannot run.
    pub async fn find() -> Result<Option<Self>> {
        Ok(Python::with(&["schemathesis"]).await?.map(|python| Self { python }))
    }

    /// Tries the operations that `selection` selects, and counts the answers.
    ///
    /// # Errors
    /// When something is wrong with an answer; the text is what the tester said, with a command
    /// that repeats the request. Also when it cannot be run or takes too long.
    pub async fn run(&self, trial: &Trial<'_>, selection: &[&str]) -> Result<Answers> {
        // It keeps notes where it runs, which must not influence the next run.
        let dir = TempDir::new().context("making a directory for the tester")?;
        let (seed, cases) = (trial.seed.to_string(), trial.cases.to_string());
        let answers = dir.path().join("answers.json");
        let mut command = clean_command(self.python.interpreter());
        command
            .args(["-B", "-m", "schemathesis.cli", "--config-file"])
            .arg(beside("openapi_fuzz.toml"))
            .args(["run", trial.document, "--auth", trial.account, "--checks", CHECKS])
            .args([
                "--phases",
                trial.phases,
                "--max-examples",
                &cases,
                "--seed",
                &seed,
                "--request-timeout",
                "120",
            ])
            .args(["--no-color", "--warnings", "off", "--continue-on-failure"])
            .args(selection)
            .env("SCHEMATHESIS_HOOKS", "openapi_fuzz")
            .env("PYTHONPATH", beside(""))
            .env("ANSWERS", &answers)
            .current_dir(dir.path())
            .stdin(Stdio::null());
        let finished = tokio::time::timeout(trial.limit, command.output());
        let output = finished
            .await
            .with_context(|| format!("the tester did not end within {:?}", trial.limit))?
            .context("starting the tester")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        let status = output.status;
        ensure!(status.success(), "the tester ended with {status}:\n{said}{complaints}");
        let counted = std::fs::read(&answers).context("reading what the tester counted")?;
        serde_json::from_slice(&counted).context("understanding what the tester counted")
    }
}

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}
