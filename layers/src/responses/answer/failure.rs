use crate::exchange::{Fault, UpstreamError};

const SERVER_ERROR: &str = "server_error";

/// Error of a failed response: its `error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Machine-readable code: the provider's own where it gave one, else `server_error`, or
    /// `rate_limit_exceeded` for a 429.
    pub code: Box<str>,
    /// Human-readable message.
    pub message: Box<str>,
}

impl From<&Fault> for Failure {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::Upstream(error) => Self { code: code(error).into(), message: message(error) },
            other => Self { code: SERVER_ERROR.into(), message: other.to_string().into() },
        }
    }
}

fn code(error: &UpstreamError) -> &str {
    // A number is a status, which is no code to a Responses client.
    let said = [&error.code, &error.kind].into_iter().flatten().map(|word| &**word);
    let mut words = said.filter(|word| !word.is_empty());
    match words.find(|word| *word == "429" || word.parse::<u32>().is_err()) {
        Some("429") => "rate_limit_exceeded",
        Some(word) => word,
        None => SERVER_ERROR,
    }
}

fn message(error: &UpstreamError) -> Box<str> {
    error.message.clone().unwrap_or_else(|| error.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        for (body, code, message) in [
            (r#"{"error":{"code":"c","type":"t","message":"m"}}"#, "c", "m"),
            (r#"{"error":{"code":null,"type":"t","message":"m"}}"#, "t", "m"),
            (r#"{"error":{"code":429,"message":"m"}}"#, "rate_limit_exceeded", "m"),
            (r#"{"error":{"code":502,"message":"m"}}"#, "server_error", "m"),
            (r#"{"error":{"code":502,"type":"overloaded_error"}}"#, "overloaded_error", "502"),
            (r#"{"error":"m"}"#, "server_error", "m"),
            (r#"{"error":{}}"#, "server_error", "an error without a message"),
        ] {
            let fault = Fault::Upstream(UpstreamError::read(body.as_bytes()));
            let expected = Failure { code: code.into(), message: message.into() };
            assert_eq!(Failure::from(&fault), expected, "{body}");
        }
        let unfinished = Failure::from(&Fault::Unfinished);
        assert_eq!(&*unfinished.code, "server_error");
        assert_eq!(&*unfinished.message, "the answer ended without a finish reason");
    }
}
