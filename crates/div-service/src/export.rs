//! Spans for an OpenTelemetry collector: OTLP over HTTP, in batches, beside everything else.
//!
//! Nobody waits for the collector. What it does not take in time is dropped, and the log says so once
//! in a while. The variables of OpenTelemetry for headers, sampling and batches hold here, too.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{Level, Metadata};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;

use crate::log::Sink;

/// The name under which the collector knows this service.
const NAME: &str = "div-service";

/// How long the collector may take for one batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the process waits for the last batch.
const LAST: Duration = Duration::from_secs(2);

/// How often it is said that the collector does not answer.
const QUIET: Duration = Duration::from_secs(600);

/// A running exporter.
pub(crate) struct Export {
    provider: SdkTracerProvider,
}

impl Export {
    /// Starts to collect spans for the collector at this address; its tasks run on the runtime.
    pub(crate) fn start(endpoint: &str, runtime: &Handle) -> Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_http_client(Courier::new(endpoint, runtime)?)
            .build()
            .with_context(|| format!("cannot send spans to `{endpoint}`"))?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name(NAME).build())
            .build();
        Ok(Self { provider })
    }

    /// Where spans go in.
    pub(crate) fn sink(&self) -> Sink {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(NAME))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter_fn(is_exported))
            .boxed()
    }

    /// Sends what is left, for two seconds at most.
    pub(crate) fn end(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST) {
            tracing::debug!("the last spans were not sent: {error}");
        }
    }
}

/// Spans whatever the log shows, the engine's finer ones among them, and what is wrong within them.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    match metadata.is_span() {
        true => *metadata.level() <= Level::INFO || metadata.target().starts_with("sim_engine"),
        false => *metadata.level() <= Level::WARN,
    }
}

/// Carries batches to the collector. They come from a thread of the exporter's, which has no runtime
/// of its own.
#[derive(Debug)]
struct Courier {
    client: reqwest::Client,
    runtime: Handle,
    endpoint: String,
    trouble: Mutex<Trouble>,
}

/// What has been said of the collector.
#[derive(Debug, Default)]
struct Trouble {
    /// When it was last said that it does not answer.
    told: Option<Instant>,
    /// Whether that is the last that was said.
    is_open: bool,
}

impl Courier {
    fn new(endpoint: &str, runtime: &Handle) -> Result<Self> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may have done it at the same time.
            rustls::crypto::ring::default_provider().install_default().ok();
        }
        let mut builder = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if endpoint.starts_with("http:") {
            // Without this an image that has no root certificates could not even use plain HTTP.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().context("cannot set up TLS for the collector")?;
        let (runtime, endpoint) = (runtime.clone(), endpoint.to_owned());
        Ok(Self { client, runtime, endpoint, trouble: Mutex::default() })
    }

    /// Says that the collector is in trouble, or that it is no more; both once in a while only.
    fn note(&self, trouble: Option<&str>) {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoint = &*self.endpoint;
        match trouble {
            Some(trouble) if known.told.is_none_or(|at| at.elapsed() >= QUIET) => {
                *known = Trouble { told: Some(Instant::now()), is_open: true };
                tracing::warn!(
                    endpoint,
                    "spans are lost, the collector does not take them: {trouble}"
                );
            }
            None if std::mem::take(&mut known.is_open) => {
                tracing::info!(endpoint, "the collector takes spans again");
            }
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let response = client.execute(request).await?;
            let status = response.status();
            Ok::<_, reqwest::Error>((status, response.bytes().await?))
        });
        match sent.await? {
            Ok((status, body)) => {
                let refused = (!status.is_success()).then(|| format!("it answers {status}"));
                self.note(refused.as_deref());
                let mut response = Response::new(body);
                *response.status_mut() = status;
                Ok(response)
            }
            Err(error) => {
                let error = anyhow::Error::new(error.without_url());
                self.note(Some(&format!("{error:#}")));
                Err(error.into())
            }
        }
    }
}
