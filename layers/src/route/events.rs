//! Events that the router writes into a stream.

use bytes::Bytes;

use super::responses;
use crate::{Dialect, exchange::AttemptRecord, rejection::envelope};

/// The typed error that ends a stream which has begun, in the client's dialect.
pub(super) fn error(
    dialect: Dialect,
    code: &str,
    message: &str,
    kind: &str,
    model: &str,
    record: &AttemptRecord,
) -> Bytes {
    match dialect {
        Dialect::Chat => {
            let json = envelope(code, message, kind, None);
            [b"data: ", &*json, b"\n\n"].concat().into()
        }
        Dialect::Responses => responses::failed(code, message, model, record).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_gets_the_envelope() {
        let event = error(Dialect::Chat, "C", "a\nb", "t", "m", &AttemptRecord::default());
        assert_eq!(
            event,
            "data: {\"error\":{\"code\":\"C\",\"message\":\"a\\nb\",\"type\":\"t\",\"param\":null}}\n\n"
        );
    }
}
