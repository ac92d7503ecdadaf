//! `/v1/adapters` for operators: which set is in force, and another one in its place. On the operators' address only.

use super::Door;
use super::problem::Problem;
use super::roles::Operation;
use super::v1::Asked;
use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer on its way.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, Problem>> + Send + 'a>>;

/// What is asked about adapters. The composition root answers: the door knows who asks, not how it is done.
pub trait Adapters: Send + Sync {
    /// Reads the adapters anew and puts them in force as a whole, or refuses them as a whole. `who` stands in the audit.
    fn reload<'a>(&'a self, who: &'a str) -> Answer<'a>;
}

pub(super) async fn show(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::AdaptersShow)?;
    let known = door.intake.known();
    let partners: Vec<Value> = known
        .catalogue
        .partners
        .values()
        .map(|p| {
            json!({ "partner": p.name, "role": p.role.word(), "mappings": p.book.names().count(), "out": p.outs.len(), "in": p.ins.len() })
        })
        .collect();
    Ok(Json(json!({ "adapters": known.catalogue.digest, "partners": partners })))
}

pub(super) async fn reload(State(door): State<Arc<Door>>, asked: Asked) -> Result<Json<Value>, Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::AdaptersReload)?.name.clone();
    let adapters = door.adapters.clone().ok_or_else(Problem::not_found)?;
    Ok(Json(adapters.reload(&who).await?))
}
