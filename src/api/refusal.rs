use axum::response::{IntoResponse, Response};
use switchtower_layers::{Code, Rejection};

use crate::mesh::database;

/// Why a request is not done, as a handler returns it.
#[derive(Debug)]
pub(super) struct Refusal(Box<Rejection>);

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self(Box::new(rejection))
    }
}

impl From<database::Error> for Refusal {
    fn from(error: database::Error) -> Self {
        tracing::error!("{error}");
        Rejection::new(Code::InternalError, error.to_string()).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
