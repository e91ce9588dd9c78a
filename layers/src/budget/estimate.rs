use std::{borrow::Cow, sync::Arc};

use http::Request;
use serde::Deserialize;

use crate::{Buffered, exchange::Usage};

/// Default reservation for an answer whose request states no cap, in tokens.
pub const DEFAULT_ANSWER: u64 = 1024;
/// So many bytes of JSON are about a token.
const BYTES_PER_TOKEN: u64 = 4;

/// The estimated usage of a request, before it is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The model that it asks for, for the price.
    pub model: Option<Arc<str>>,
    /// Tokens of the prompt.
    pub prompt: u64,
    /// The most tokens that the answer may have.
    pub answer: u64,
}

impl Estimate {
    /// As if the answer had so many tokens.
    pub(super) fn usage(&self, answer: u64) -> Usage {
        Usage { input: self.prompt, output: answer, ..Usage::default() }
    }
}

/// Estimates a request before it is sent.
///
/// A closure `|request: &http::Request<B>| -> Estimate` is one: the place for a tokenizer. What it
/// says is reserved, and what the answer's usage says is booked, so a bad estimate lets too much
/// or too little pass at once, but is not counted.
pub trait Estimator<B> {
    /// The request's estimate.
    fn estimate(&self, request: &Request<B>) -> Estimate;
}

impl<B, F: Fn(&Request<B>) -> Estimate> Estimator<B> for F {
    fn estimate(&self, request: &Request<B>) -> Estimate {
        self(request)
    }
}

/// Estimates by the size of the body: a token for every four bytes (rounded up), and for the answer
/// the largest of the caps that the request states (`max_tokens`, `max_completion_tokens`,
/// `max_output_tokens`), as many times as it wants answers (`n`).
///
/// Without a cap an answer counts [`DEFAULT_ANSWER`], and none on paths that end in `/embeddings`.
/// The same goes for a body that no router would take, as it is no object or ambiguous.
#[derive(Clone, Debug)]
pub struct SizeEstimator {
    answer: u64,
    default_model: Option<Arc<str>>,
}

impl SizeEstimator {
    /// An estimator with the defaults.
    pub const fn new() -> Self {
        Self { answer: DEFAULT_ANSWER, default_model: None }
    }

    /// Another number of tokens for an answer without a cap.
    #[must_use]
    pub const fn answer(mut self, tokens: u64) -> Self {
        self.answer = tokens;
        self
    }

    /// Sets the model of requests that name none.
    #[must_use]
    pub fn default_model(mut self, model: Option<&str>) -> Self {
        self.default_model = model.map(Into::into);
        self
    }
}

impl Default for SizeEstimator {
    fn default() -> Self {
        Self::new()
    }
}

impl Estimator<Buffered> for SizeEstimator {
    fn estimate(&self, request: &Request<Buffered>) -> Estimate {
        let body = request.body();
        let asked = body.asked();
        let model = asked.map_or_else(|| lone_model(body), |asked| asked.model.clone());
        let has_answer = !request.uri().path().trim_end_matches('/').ends_with("/embeddings");
        let answer = if has_answer { self.answer } else { 0 };
        let answers = asked.and_then(|asked| asked.answers).unwrap_or(1).max(1);
        Estimate {
            model: model.or_else(|| self.default_model.clone()),
            prompt: body.len().div_ceil(BYTES_PER_TOKEN),
            answer: asked.and_then(|asked| asked.cap).unwrap_or(answer).saturating_mul(answers),
        }
    }
}

/// The model of a body that no router would accept: it may still be forwarded and needs a price.
fn lone_model(body: &Buffered) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct Lone<'a> {
        #[serde(borrow)]
        model: Option<Cow<'a, str>>,
    }
    serde_json::from_slice::<Lone<'_>>(&body.to_bytes()).ok()?.model.map(Arc::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn estimate(estimator: &SizeEstimator, path: &str, body: &str) -> Estimate {
        let body = Buffered::from(body.to_owned());
        estimator.estimate(&Request::post(path).body(body).unwrap())
    }

    #[test]
    fn the_answer_is_what_the_request_caps_it_at() {
        let default = SizeEstimator::default();
        for (body, answer) in [
            ("{}", 1024),
            (r#"{"max_tokens":null}"#, 1024),
            (r#"{"max_tokens":7}"#, 7),
            (r#"{"max_tokens":0}"#, 0),
            (r#"{"max_completion_tokens":8}"#, 8),
            (r#"{"max_output_tokens":9}"#, 9),
            (r#"{"max_tokens":7,"max_completion_tokens":8}"#, 8),
            (r#"{"max_tokens":"many","max_output_tokens":9}"#, 9),
            (r#"{"max_tokens":-1}"#, 1024),
            (r#"{"max_tokens":7,"n":3}"#, 21),
            (r#"{"n":3}"#, 3072),
            (r#"{"n":0}"#, 1024),
            (r#"{"max_tokens":18446744073709551615,"n":2}"#, u64::MAX),
            (r#"{"max_tokens":1e2}"#, 100),
            (r#"{"max_tokens":99.5}"#, 100),
            (r#"{"max_tokens":1e999}"#, 1024),
            (r#"{"max_tokens":7,"max_tokens":9,"max_tokens":8,"n":2,"n":1}"#, 18),
            (r#"{"messages":[{"max_tokens":5}]}"#, 1024),
            ("no JSON", 1024),
        ] {
            let estimated = estimate(&default, "/v1/chat/completions", body);
            assert_eq!(estimated.answer, answer, "{body}");
            assert_eq!(estimated.prompt, body.len().div_ceil(4) as u64, "{body}");
        }
        assert_eq!(estimate(&SizeEstimator::new().answer(5), "/", "{}").answer, 5);
        assert_eq!(estimate(&default, "/v1/embeddings", "{}").answer, 0);
    }

    #[test]
    fn the_model_is_the_one_that_is_asked_for() {
        let estimator = SizeEstimator::new().default_model(Some("d"));
        for (body, model) in [
            (r#"{"model":"m"}"#, "m"),
            (r#"{"model":"\u0061"}"#, "a"),
            (r#"{"model":null}"#, "d"),
            ("{}", "d"),
        ] {
            assert_eq!(estimate(&estimator, "/", body).model.as_deref(), Some(model), "{body}");
        }
        assert_eq!(estimate(&SizeEstimator::new(), "/", "{}").model, None);
    }

    /// Without its model a request would cost nothing, and pass when the money is gone.
    #[test]
    fn nothing_that_a_router_lets_pass_hides_the_model() {
        for body in [
            &br#"{"model":"m","max_tokens":1,"max_tokens":1}"#[..],
            br#"{"n":1,"n":1,"model":"m"}"#,
        ] {
            let body = Buffered::from(body.to_vec());
            assert!(crate::request::ModelRequest::read(&body).is_ok(), "{body:?}");
            let estimated = SizeEstimator::new().estimate(&Request::new(body.clone()));
            assert_eq!(estimated.model.as_deref(), Some("m"), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_estimated(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let request = Request::new(Buffered::from(bytes));
            let estimated = SizeEstimator::new().estimate(&request);
            prop_assert_eq!(estimated.prompt, request.body().len().div_ceil(4));
        }
    }
}
