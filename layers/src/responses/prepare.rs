//! Decides what is done with a parsed request. No I/O.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    Uri,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    request,
    uri::PathAndQuery,
};

use super::{
    Invalid, Options, Owner, PreviousResponse, ResponseContext, Seal, Sealing, layer::Settings,
    request::translate_for, sealed_reasoning,
};
use crate::{Code, Dialect, Rejection, Target};

/// The request to send, and what its answer will need.
pub(super) struct Prepared {
    pub(super) body: Bytes,
    pub(super) then: OnResponse,
}

/// What is done with the answer.
pub(super) enum OnResponse {
    /// It is translated.
    Translate(Translate),
    /// It passes. This is the body, if there is reasoning in it: when the provider does not know
    /// that, the request is sent once more without.
    Pass { with_reasoning: Option<Bytes> },
}

#[derive(Clone)]
pub(super) struct Translate {
    pub(super) context: Arc<ResponseContext>,
    /// The fields that no client could leave out.
    pub(super) added: Vec<Box<str>>,
    /// The request as the client sent it, without which it cannot be translated once more.
    pub(super) body: Bytes,
    options: Options,
    /// The fields of which it was known before that the target refuses them.
    known: Arc<[Box<str>]>,
    owner: Arc<str>,
    seal: Arc<dyn Seal>,
}

impl Translate {
    pub(super) fn sealing(&self) -> Sealing {
        let (owner, seal) = (self.owner.clone(), self.seal.clone());
        Box::new(move |text| seal.seal(&owner, text))
    }

    /// The request without these fields, which its target refuses.
    pub(super) fn without(&self, refused: &[Box<str>]) -> Option<Prepared> {
        let open = |sealed: &str| self.seal.open(&self.owner, sealed);
        let refused = [&*self.known, refused].concat();
        let target = self.context.target.as_ref();
        let translated = translate_for(&self.body, &self.options, target, &refused, &open);
        let (translated, added) = translated.ok()?;
        // What the answer needs is the same.
        let then = OnResponse::Translate(Self { added, ..self.clone() });
        Some(Prepared { body: translated.body, then })
    }
}

/// Readies the request for its target, which speaks Chat Completions unless it says otherwise.
pub(super) fn prepare(
    parts: &mut request::Parts,
    body: Bytes,
    settings: &Settings,
) -> Result<Prepared, Rejection> {
    let dialect = parts.extensions.get::<Target>().map_or(Dialect::Chat, |target| target.dialect);
    let prepared = match dialect {
        Dialect::Responses => pass(body, &*settings.seal),
        Dialect::Chat => translated(parts, body, settings)?,
    };
    if parts.headers.contains_key(CONTENT_LENGTH) {
        parts.headers.insert(CONTENT_LENGTH, prepared.body.len().into());
    }
    Ok(prepared)
}

fn translated(
    parts: &mut request::Parts,
    body: Bytes,
    settings: &Settings,
) -> Result<Prepared, Rejection> {
    let options = settings.options.of(&parts.extensions);
    let owner = parts.extensions.get::<Owner>().cloned().unwrap_or_default().0;
    let seal = settings.seal.clone();
    let open = |sealed: &str| seal.open(&owner, sealed);
    let target = parts.extensions.get::<Target>();
    let known = target.map(|target| settings.refused.of(target)).unwrap_or_default();
    let translated = translate_for(&body, &options, target, &known, &open);
    let (translated, added) = translated.map_err(invalid)?;
    let mut context = translated.context;
    if let Some(PreviousResponse(id)) = parts.extensions.get() {
        context.echo.previous_response(id);
    }
    parts.uri = chat_uri(&parts.uri)?;
    parts.extensions.insert(Dialect::Chat);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let context = Arc::new(context);
    let then =
        OnResponse::Translate(Translate { context, added, body, options, known, owner, seal });
    Ok(Prepared { body: translated.body, then })
}

/// Nothing is changed, except that reasoning which was sealed here leaves: no provider can open it.
fn pass(body: Bytes, seal: &dyn Seal) -> Prepared {
    let reasoning = sealed_reasoning::reasoning(&body);
    let is_ours = |item: &&sealed_reasoning::Reasoning| seal.is_ours(&item.sealed);
    let is_left = reasoning.iter().filter(is_ours).count() < reasoning.len();
    let body = sealed_reasoning::without(&body, reasoning.iter().filter(is_ours)).unwrap_or(body);
    let with_reasoning = is_left.then(|| body.clone());
    Prepared { body, then: OnResponse::Pass { with_reasoning } }
}

fn invalid(Invalid { message, param }: Invalid) -> Rejection {
    let rejection = Rejection::new(Code::InvalidRequest, message);
    match param {
        Some(param) => rejection.param(param),
        None => rejection,
    }
}

/// `/v1/responses` is `/v1/chat/completions`, below whatever prefix.
fn chat_uri(uri: &Uri) -> Result<Uri, Rejection> {
    let path = uri.path().trim_end_matches('/');
    let prefix = path.strip_suffix("/responses").unwrap_or_default();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    let moved = PathAndQuery::try_from(format!("{prefix}/chat/completions{query}"));
    parts.path_and_query = Some(moved.map_err(|_| unusable())?);
    Uri::from_parts(parts).map_err(|_| unusable())
}

fn unusable() -> Rejection {
    Rejection::new(Code::InvalidRequest, "the path cannot be sent on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_keeps_its_prefix_and_query() {
        for (from, to) in [
            ("/v1/responses", "/v1/chat/completions"),
            ("/v1/responses/?a=b", "/v1/chat/completions?a=b"),
            ("/openai/responses", "/openai/chat/completions"),
            ("http://host:1/responses", "http://host:1/chat/completions"),
        ] {
            assert_eq!(chat_uri(&from.parse().unwrap()).unwrap().to_string(), to);
        }
    }
}
