use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response,
    header::{ALLOW, CONTENT_TYPE},
};

use super::{
    Owner, Store, Stored, errors,
    future::Answer,
    page::{self, Page},
    path::Place,
    writing::now,
};
use crate::{Code, Rejection};

/// What is asked about a stored response.
enum Question {
    Get,
    Delete,
    InputItems(Page),
    Cancel,
}

/// Answers a request about a stored response.
pub(super) fn answer<B>(store: &Arc<dyn Store>, place: Place<'_>, request: &Request<B>) -> Answer {
    let (id, question) = match question(place, request) {
        Ok(asked) => asked,
        Err(refused) => return Box::pin(std::future::ready(refused)),
    };
    let (store, owner) = (store.clone(), Owner::of(request.extensions()).0);
    Box::pin(async move {
        let answer = ask(&*store, &owner, &id, question).await;
        answer.map_or_else(Rejection::into_response, |json| {
            let mut response = Response::new(json);
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        })
    })
}

async fn ask(
    store: &dyn Store,
    owner: &str,
    id: &str,
    question: Question,
) -> Result<Bytes, Rejection> {
    if matches!(question, Question::Delete) {
        let deleted = store.delete(owner, id, now()).await;
        let deleted = deleted.map_err(|error| errors::broken(&*error))?;
        return if deleted { Ok(gone(id)) } else { Err(errors::unknown(id)) };
    }
    let stored = store.get(owner, id, now()).await.map_err(|error| errors::broken(&*error))?;
    let Stored { response, input, .. } = stored.ok_or_else(|| errors::unknown(id))?;
    match question {
        Question::Get | Question::Delete => Ok(response),
        Question::InputItems(page) => page.of(&input),
        Question::Cancel => Err(Rejection::new(
            Code::InvalidRequest,
            "Only a response that was created with `background` set to true can be cancelled.",
        )),
    }
}

fn gone(id: &str) -> Bytes {
    // A string always serialises.
    let id = serde_json::to_string(id).unwrap_or_default();
    format!(r#"{{"id":{id},"object":"response","deleted":true}}"#).into()
}

fn question<B>(
    place: Place<'_>,
    request: &Request<B>,
) -> Result<(String, Question), Response<Bytes>> {
    let (method, query) = (request.method(), request.uri().query().unwrap_or_default());
    let (id, allowed, question) = match place {
        Place::One(id) if method == Method::DELETE => (id, "", Ok(Question::Delete)),
        Place::One(id) => (id, "GET, DELETE", retrieve(query)),
        Place::InputItems(id) => (id, "GET", Page::read(query).map(Question::InputItems)),
        Place::Cancel(id) => (id, "POST", Ok(Question::Cancel)),
        Place::All => ("", "POST", Ok(Question::Get)),
    };
    let is_allowed = allowed.is_empty() || allowed.split(", ").any(|one| one == method.as_str());
    if !is_allowed {
        let message = format!("{method} is not possible here, but {allowed} is");
        let mut refused = Rejection::new(Code::MethodNotAllowed, message).into_response();
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        return Err(refused);
    }
    question.map(|question| (id.to_owned(), question)).map_err(Rejection::into_response)
}

fn retrieve(query: &str) -> Result<Question, Rejection> {
    if page::parameter(query, "stream") == Some("true") {
        let message = "a stored response cannot be streamed: ask for it without `stream`";
        return Err(Rejection::new(Code::InvalidRequest, message).param("stream"));
    }
    Ok(Question::Get)
}
