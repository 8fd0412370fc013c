//! The log: lines on standard error, and spans for a collector if there is one.

use std::io::{self, IsTerminal};

use anyhow::Result;
use tokio::runtime::Handle;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::export::Export;
use crate::{LogFormat, Settings};

/// Something that takes events and spans.
pub(crate) type Sink = Box<dyn Layer<Registry> + Send + Sync>;

/// The log of this process.
pub(crate) struct Log {
    export: Option<Export>,
}

impl Log {
    /// Installs the log; spans are sent by tasks of the runtime.
    pub(crate) fn install(settings: &Settings, runtime: &Handle) -> Result<Self> {
        // The filter was looked at when the settings were loaded.
        let filter = EnvFilter::new(&settings.log);
        let lines = fmt::layer().with_writer(io::stderr);
        let lines: Sink = match settings.log_format {
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
            _ => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        };
        let endpoint = settings.otlp_endpoint.as_deref();
        let started = endpoint.map(|url| Export::start(url, runtime)).transpose();
        // Whatever is wrong with the exporter is said in the log, so that is installed first.
        match started.as_ref().ok().and_then(Option::as_ref) {
            // One filter for all is looked at once, and before a span is made.
            None => tracing_subscriber::registry().with(lines).with(filter).init(),
            Some(export) => {
                let lines: Sink = lines.with_filter(filter).boxed();
                tracing_subscriber::registry().with(vec![lines, export.sink()]).init();
            }
        }
        Ok(Self { export: started? })
    }

    /// Sends what is left to the collector, which has a moment for it.
    pub(crate) fn end(&self) {
        self.export.iter().for_each(Export::end);
    }
}
