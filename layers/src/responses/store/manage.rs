use std::{future::ready, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response,
    header::{ALLOW, CONTENT_TYPE},
};

use super::{
    Owner, Store, Stored, errors,
    future::Answer,
    page::{self, Page},
    path::Part,
    write::now,
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
pub(super) fn answer<B>(
    store: &Arc<dyn Store>,
    id: &str,
    part: Part,
    request: &Request<B>,
) -> Answer {
    let allowed = part.allows();
    if !allowed.split(", ").any(|one| one == request.method().as_str()) {
        return Box::pin(ready(not_allowed(request.method(), allowed)));
    }
    let question = match question(part, request) {
        Ok(question) => question,
        Err(rejection) => return Box::pin(ready(rejection.by("responses").into_response())),
    };
    let (store, owner, id) = (store.clone(), Owner::of(request.extensions()).0, id.to_owned());
    Box::pin(async move {
        let answer = ask(&*store, &owner, &id, question).await;
        answer.map_or_else(
            |rejection| rejection.by("responses").into_response(),
            |json| {
                let mut response = Response::new(json);
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(CONTENT_TYPE, json);
                response
            },
        )
    })
}

fn not_allowed(method: &Method, allowed: &'static str) -> Response<Bytes> {
    let message = format!("{method} is not possible here, but {allowed} is");
    let mut refused =
        Rejection::new(Code::MethodNotAllowed, message).by("responses").into_response();
    refused.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    refused
}

fn question<B>(part: Part, request: &Request<B>) -> Result<Question, Rejection> {
    let query = request.uri().query().unwrap_or_default();
    match part {
        Part::InputItems => Page::read(query).map(Question::InputItems),
        Part::Cancel => Ok(Question::Cancel),
        Part::Whole if request.method() == Method::DELETE => Ok(Question::Delete),
        Part::Whole if page::parameter(query, "stream") == Some("true") => {
            let message = "a stored response cannot be streamed: ask for it without `stream`";
            Err(Rejection::new(Code::InvalidRequest, message).param("stream"))
        }
        Part::Whole => Ok(Question::Get),
    }
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
