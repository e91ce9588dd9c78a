use crate::exchange::{Fault, Finish, UpstreamError};

/// How a model stopped, in the words of Responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Completed,
    /// Cut short, for this reason.
    Incomplete(&'static str),
}

impl Ending {
    /// From a `finish_reason`, and that of the provider behind a gateway; an empty one is none
    /// yet.
    ///
    /// # Errors
    ///
    /// When the provider says so that it failed.
    pub(super) fn from_reasons(reason: &str, native: &str) -> Result<Option<Self>, Fault> {
        if native.eq_ignore_ascii_case("error") {
            return Err(broken(native));
        }
        Ok(Some(match Finish::from_reason(reason) {
            Finish::Length => Self::Incomplete("max_output_tokens"),
            Finish::ContentFilter => Self::Incomplete("content_filter"),
            Finish::Other(word) => match &*word {
                "" => return Ok(None),
                // Mistral's and Anthropic's words, which gateways in front of them keep.
                "model_length" | "max_tokens" => Self::Incomplete("max_output_tokens"),
                // OpenRouter's and DeepSeek's words for an answer that broke.
                "error" | "insufficient_system_resource" => return Err(broken(&word)),
                _ => Self::Completed,
            },
            _ => Self::Completed,
        }))
    }
}

fn broken(word: &str) -> Fault {
    let message = format!("the provider gave the finish reason `{word}`").into();
    Fault::Upstream(UpstreamError { message: Some(message), ..Default::default() })
}
