use std::error::Error;

use axum::extract::{FromRequestParts, rejection::QueryRejection};
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, value};

use super::invalid;
use crate::api::refusal::Refusal;

/// The query.
pub(in crate::api) struct Query<T>(pub(in crate::api) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(error) => Err(refuse(&error)),
        }
    }
}

fn refuse(error: &QueryRejection) -> Refusal {
    type At = serde_path_to_error::Error<value::Error>;
    let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
    match causes.find_map(|cause| cause.downcast_ref::<At>()) {
        Some(at) => invalid("the query", &at.path().to_string(), at.inner()),
        None => invalid("the query", ".", error),
    }
}
