use std::collections::{BTreeMap, BTreeSet};

use axum::{body, http::Request};
use serde_json::Value;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use super::*;
use crate::api::{Shared, mesh, routes};

async fn document() -> Value {
    let ([(_, kind)], bytes) = super::document().await;
    assert_eq!(kind, "application/json");
    serde_json::from_slice(&bytes).unwrap()
}
