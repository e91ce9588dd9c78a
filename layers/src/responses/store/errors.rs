use std::error::Error;

use crate::{Code, Rejection};

pub(super) fn unknown(id: &str) -> Rejection {
    Rejection::new(Code::NotFound, format!("Response with id '{id}' not found."))
}

pub(super) fn unknown_previous(id: &str) -> Rejection {
    let message = format!("Previous response with id '{id}' not found.");
    Rejection::new(Code::PreviousResponseNotFound, message).param("previous_response_id")
}

pub(super) fn unknown_item(id: &str) -> Rejection {
    let message = format!(
        "Item with id '{id}' not found. Items are only kept of responses with `store` set to true."
    );
    Rejection::new(Code::NotFound, message).param("input")
}

pub(super) fn too_large(cap: u64) -> Rejection {
    let message = format!("the request and what it refers to are larger than {cap} bytes");
    Rejection::new(Code::PayloadTooLarge, message)
}

/// The store does not work. What is wrong with it is for the log, not for the client.
pub(super) fn broken(error: &(dyn Error + 'static)) -> Rejection {
    tracing::error!(error, "the stored responses cannot be read");
    Rejection::new(Code::InternalError, "the stored responses cannot be read")
}
