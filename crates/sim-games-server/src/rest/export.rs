//! Exports of a run over HTTP.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sim_games_types::{Resource, RunPk, User};

use super::answer::Refusal;
use super::request::Call;
use super::{Rest, write};
use crate::error::FieldErrors;
use crate::export::ExportFormat;

pub(super) async fn answer(
    rest: &Rest,
    call: &Call,
    key: &str,
    user: &User,
) -> Result<Response, Refusal> {
    let run = write::find(rest, Resource::Run, key, user).await?.record.pk();
    let format = format(call)?;
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"run-{run}.{}\"", format.name()),
        ),
    ];
    if call.method == Method::HEAD {
        return Ok((StatusCode::OK, headers).into_response());
    }
    let export = rest.api.export(RunPk(run), format).await?.ok_or_else(Refusal::not_found)?;
    Ok((StatusCode::OK, headers, Body::from_stream(export)).into_response())
}

/// The form that the parameter names, or the first that the client accepts; otherwise the table.
fn format(call: &Call) -> Result<ExportFormat, Refusal> {
    if let Some(name) = call.parameter("format") {
        let known = ExportFormat::from_name(name.trim());
        return known
            .ok_or_else(|| FieldErrors::one("format", "Choose one of csv, jsonl and zip.").into());
    }
    let accepted = call.header(header::ACCEPT).unwrap_or_default();
    let essence = |text: &'static str| text.split(';').next().unwrap_or_default();
    let wanted = accepted.split(',').find_map(|range| {
        let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        ExportFormat::ALL.into_iter().find(|format| essence(format.media_type()) == range)
    });
    Ok(wanted.unwrap_or(ExportFormat::Csv))
}
