use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Item, Store, Stored,
    capture::Delivered,
    expand::TEXT,
    references::{Input, StateRequest},
};

/// What it takes to store the answer to a request, once it has been delivered.
pub(super) struct Persist {
    pub(super) store: Arc<dyn Store>,
    pub(super) owner: Arc<str>,
    /// How long the end of an answer may wait for the store.
    pub(super) store_timeout: Duration,
    pub(super) asked: StoredRequest,
}

impl fmt::Debug for Persist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Persist").finish_non_exhaustive()
    }
}

/// A request, as it is to be remembered.
#[derive(Debug)]
pub(super) struct StoredRequest {
    /// As the client sent it.
    pub(super) body: Bytes,
    pub(super) ask: StateRequest,
    /// What it continues.
    pub(super) prior: Vec<Item>,
    /// The items of its references, in order.
    pub(super) found: Vec<Item>,
}

impl StoredRequest {
    /// The request and its answer together.
    pub(super) fn answered(self, delivered: Delivered, now: u64) -> Stored {
        let Delivered { id, response, output } = delivered;
        let names = Names { response: id.strip_prefix("resp_").unwrap_or(&id) };
        let mut input = self.prior;
        match &self.ask.input {
            Input::Text(place) => {
                let json = [TEXT.as_bytes(), &self.body[place.clone()], b"}"].concat().into();
                input.push(Item { id: names.name(&Head::default(), input.len()), json });
            }
            Input::Items(place) => {
                let items: Vec<&RawValue> =
                    serde_json::from_slice(&self.body[place.clone()]).unwrap_or_default();
                let mut references = self.ask.references.iter().zip(self.found).peekable();
                for json in items {
                    let at = json.get().as_ptr() as usize - self.body.as_ptr() as usize;
                    match references.next_if(|(reference, _)| reference.place.start == at) {
                        Some((_, found)) => input.push(found),
                        // A copy: what is kept must not keep all of the request.
                        None => input.push(names.item(
                            json,
                            Bytes::copy_from_slice(json.get().as_bytes()),
                            input.len(),
                        )),
                    }
                }
            }
            Input::Absent | Input::Null(_) | Input::Wrong => {}
        }
        let before = input.len();
        let output = output.iter().enumerate().map(|(i, place)| {
            let json = response.slice(place.clone());
            let raw: Result<&RawValue, _> = serde_json::from_slice(&json);
            raw.ok().map(|raw| names.item(raw, json.clone(), before + i))
        });
        let output = output.flatten().collect();
        Stored { id, created: now, response, input, output }
    }
}

/// Makes ids for items that have none: their place in the response that they were sent for.
struct Names<'a> {
    /// The response's id, without what every response's id begins with.
    response: &'a str,
}

#[derive(Default, Deserialize)]
struct Head {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Names<'_> {
    fn item(&self, raw: &RawValue, json: Bytes, at: usize) -> Item {
        let mut head: Head = serde_json::from_str(raw.get()).unwrap_or_default();
        let own = head.id.take().filter(|id| !id.is_empty()).map(Arc::from);
        Item { id: own.unwrap_or_else(|| self.name(&head, at)), json }
    }

    fn name(&self, head: &Head, at: usize) -> Arc<str> {
        let prefix = match head.kind.as_deref() {
            None | Some("message") => "msg",
            Some("reasoning") => "rs",
            Some("function_call") => "fc",
            Some("function_call_output") => "fco",
            Some("custom_tool_call") => "ctc",
            Some("custom_tool_call_output") => "ctco",
            Some("local_shell_call") => "lsh",
            Some("local_shell_call_output") => "lsho",
            Some(_) => "item",
        };
        format!("{prefix}_{}_{at}", self.response).into()
    }
}
