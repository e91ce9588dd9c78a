//! Extractors of handlers. What is wrong with it is said in the error envelope, with the field's
//! name.
//!
//! | a body that | status |
//! |---|---|
//! | says it is not JSON, or is encoded | 415 |
//! | has more than 2 MiB, or than the route's `DefaultBodyLimit` | 413 |
//! | is not JSON in UTF-8, is nested more than 127 deep, or is not what is asked for | 400 |
//!
//! A known field may occur once; unknown fields are ignored. Percent escapes that are not UTF-8 are
//! rejected in a path, and replaced in a query.

mod body;
mod json;
mod object;
mod path;
mod query;

pub(super) use body::bytes;
pub(super) use json::Json;
pub(super) use object::Object;
pub(super) use path::Path;
pub(super) use query::Query;

use std::fmt::Display;

use switchtower_layers::{Code, Rejection};

use super::refusal::Refusal;

/// Part of a request, the `whole`, is not what is asked for; `path` is serde's way to the field that
/// is wrong.
fn invalid(whole: &str, path: &str, error: &dyn Display) -> Refusal {
    let error = error.to_string();
    // The top, and where serde loses its way.
    let path = Some(path).filter(|path| !matches!(*path, "." | "?"));
    let param = match (path, absent(&error)) {
        (Some(path), Some(field)) => Some(format!("{path}.{field}")),
        (None, Some(field)) => Some(field.to_owned()),
        (path, None) => path.map(str::to_owned),
    };
    let invalid = |message| Rejection::new(Code::InvalidRequest, message);
    let rejection = match param {
        Some(param) => invalid(format!("`{param}` is wrong: {error}")).param(param),
        None => invalid(format!("{whole} is wrong: {error}")),
    };
    rejection.into()
}

/// The field that is not there, or there twice, which serde says in the text alone.
fn absent(error: &str) -> Option<&str> {
    let field = |prefix| error.strip_prefix(prefix)?.split('`').next();
    field("missing field `").or_else(|| field("duplicate field `"))
}

#[cfg(test)]
mod tests;
