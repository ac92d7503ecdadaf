//! Alive, ready, metrics. Ready means that the journal answers; it says nothing more to somebody who is not signed in.

use super::Door;
use super::problem::Problem;
use super::roles::Operation;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, HeaderValue, header};
use axum::response::IntoResponse;
use std::sync::Arc;

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(State(door): State<Arc<Door>>) -> Result<&'static str, Problem> {
    door.journal.queues().await?;
    Ok("ready\n")
}

pub(super) async fn metrics(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<impl IntoResponse, Problem> {
    door.admit(&headers, &extensions, Operation::MetricsRead)?;
    door.metrics.vitals.journal(&door.journal.health());
    door.metrics.vitals.queues(&door.journal.queues().await?, door.clock.now());
    door.metrics.vitals.retention(&door.journal.retention(&door.retention, door.clock.now()).await?);
    door.metrics.cases(&door.journal.open_cases().await?);
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, &door.registry).is_err() {
        tracing::error!("the metrics cannot be written");
    }
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text))
}
