//! Errors of calls to the gateway.

use std::fmt;

use http::{StatusCode, header::WWW_AUTHENTICATE, response::Parts};
use hyper_util::client::legacy;
use serde::Deserialize;

use super::key;
use crate::auth::RequiredScope;
use crate::cli::output::{Failure, plain};

#[derive(Debug)]
pub(in crate::cli) enum Error {
    /// Connection refused at this URL, with the reason.
    Down(String, String),
    /// The gateway says no; `param` is the field that is wrong, `key` the one that it wants, where
    /// that is why.
    Refused {
        status: StatusCode,
        code: String,
        message: String,
        param: Option<String>,
        key: Option<String>,
    },
    /// The server at this URL does not answer as a gateway does.
    Strange(String, String),
}

#[derive(Deserialize)]
struct Envelope {
    error: Inner,
}

#[derive(Deserialize)]
struct Inner {
    code: String,
    message: String,
    #[serde(default)]
    param: Option<String>,
}

impl Error {
    pub(super) fn down(base: &str, error: &legacy::Error) -> Self {
        // What went wrong comes last, what was attempted first.
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        if error.is_connect() {
            Self::Down(base.to_owned(), cause.to_string())
        } else {
            Self::Strange(base.to_owned(), format!("the connection broke off: {cause}"))
        }
    }

    pub(super) fn refused(base: &str, path: &str, head: &Parts, body: &[u8]) -> Self {
        let status = head.status;
        let key = head.headers.contains_key(WWW_AUTHENTICATE).then(|| key_for(path));
        match serde_json::from_slice(body) {
            Ok(Envelope { error: Inner { code, message, param } }) => {
                Self::Refused { status, code, message, param, key }
            }
            Err(_) => Self::Strange(base.to_owned(), format!("it answered {status}")),
        }
    }

    /// Whether it is the gateway's own word, which will be the same if it is asked again.
    pub(in crate::cli) fn is_final(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if status.is_client_error())
    }
}

fn key_for(path: &str) -> String {
    match RequiredScope::of(path.split('?').next().unwrap_or_default()) {
        RequiredScope::Scope(scope) => format!("a client key with the scope `{scope}`"),
        RequiredScope::Nothing | RequiredScope::AnyKey => "a client key of this gateway".to_owned(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down(base, why) => write!(
                f,
                "no gateway listens on {base} ({why})\n  help: start it with: switchtower\n  help: if it is somewhere else, say so with --url or SWITCHTOWER_URL"
            ),
            Self::Refused { code, message, key, .. } => {
                write!(f, "{} ({})", plain(message), plain(code))?;
                match key {
                    Some(key) => write!(f, "\n  help: set {} to {key}", key::VARIABLE),
                    None => Ok(()),
                }
            }
            Self::Strange(base, what) => {
                write!(f, "what listens on {base} does not answer as a gateway does: {what}")
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}
