use std::{fmt, sync::Arc};

use crate::BoxError;

/// Cause of a missing answer: the typed cause on a response that replaces a transport error.
///
/// An infallible upstream service puts it into the extensions of its 502 response, so that outer
/// layers can distinguish it from a provider's own 502.
#[derive(Clone, Debug)]
pub struct TransportError {
    /// The kind of failure.
    pub kind: TransportErrorKind,
    source: Arc<BoxError>,
}

/// The kinds of [`TransportError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection could be made: the name, the address, or TLS.
    Connect,
    /// The connect deadline passed.
    ConnectTimeout,
    /// The connection broke before an answer's head came, or what came was not HTTP.
    Broken,
}

impl TransportError {
    /// An error of this kind with its cause.
    pub fn new(kind: TransportErrorKind, source: impl Into<BoxError>) -> Self {
        Self { kind, source: Arc::new(source.into()) }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            TransportErrorKind::Connect => "cannot connect",
            TransportErrorKind::ConnectTimeout => "connecting took too long",
            TransportErrorKind::Broken => "the connection broke",
        };
        write!(f, "{what}: {}", innermost(self.source.as_ref().as_ref()))
    }
}

/// Transport errors wrap one another; the innermost says what really happened.
pub(crate) fn innermost<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_ref().as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_the_innermost_cause() {
        let io = std::io::Error::other(std::io::Error::from_raw_os_error(111));
        let error = TransportError::new(TransportErrorKind::Connect, io);
        assert_eq!(error.to_string(), "cannot connect: Connection refused (os error 111)");
    }
}
