use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::Item;
use crate::{Code, Rejection};

/// Which of the input items are wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// The oldest first.
    ascending: bool,
    /// From 1 to 100.
    limit: usize,
    /// Those behind this one.
    after: Option<String>,
}

impl Page {
    /// Reads a query.
    pub(super) fn read(query: &str) -> Result<Self, Rejection> {
        let ascending = match parameter(query, "order") {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => return Err(invalid("`order` must be asc or desc", "order")),
        };
        let limit = parameter(query, "limit").map_or(Some(20), |limit| limit.parse().ok());
        let limit = limit.filter(|limit| (1..=100).contains(limit));
        let limit = limit.ok_or_else(|| invalid("`limit` must be from 1 to 100", "limit"))?;
        let after = parameter(query, "after").map(str::to_owned);
        Ok(Self { ascending, limit, after })
    }

    /// The page as it is answered.
    pub(super) fn of(&self, items: &[Item]) -> Result<Bytes, Rejection> {
        let mut ordered: Vec<&Item> = items.iter().collect();
        if !self.ascending {
            ordered.reverse();
        }
        let mut rest = &ordered[..];
        if let Some(after) = &self.after {
            let place = rest.iter().position(|item| *item.id == **after);
            let place = place.ok_or_else(|| invalid("`after` is none of the items", "after"))?;
            rest = &rest[place + 1..];
        }
        let has_more = rest.len() > self.limit;
        let page = &rest[..rest.len().min(self.limit)];
        let list = List {
            object: "list",
            data: page.iter().map(|item| complete(item)).collect(),
            first_id: page.first().map(|item| &*item.id),
            last_id: page.last().map(|item| &*item.id),
            has_more,
        };
        // Strings and raw JSON always serialise.
        Ok(serde_json::to_vec(&list).unwrap_or_default().into())
    }
}

/// The value of a parameter, as it stands there: none of them needs an escape.
pub(super) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn invalid(message: &'static str, param: &'static str) -> Rejection {
    Rejection::new(Code::InvalidRequest, message).param(param)
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Box<RawValue>>,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
    has_more: bool,
}

type Fields<'a> = BTreeMap<Cow<'a, str>, Box<RawValue>>;

/// The item as the API lists it: with an id, a type and, for a message, a status and a list as its
/// content. All else stays as it was sent.
fn complete(item: &Item) -> Box<RawValue> {
    let mut fields: Fields<'_> = serde_json::from_slice(&item.json).unwrap_or_default();
    set(&mut fields, "id", &item.id);
    let is_message = kind(&fields).is_none_or(|kind| kind == "message");
    if is_message {
        set(&mut fields, "type", "message");
        fields.entry("status".into()).or_insert_with(|| raw("completed"));
        let text = fields.get("content").and_then(|content| text(content));
        if let Some(text) = text {
            let role = fields.get("role").and_then(|role| self::text(role));
            fields.insert("content".into(), parts(&text, role.as_deref()));
        }
    }
    raw(&fields)
}

fn kind(fields: &Fields<'_>) -> Option<String> {
    fields.get("type").and_then(|kind| text(kind))
}

fn parts(text: &str, role: Option<&str>) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Part<'a> {
        r#type: &'static str,
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        annotations: Option<[(); 0]>,
    }
    raw(&[match role {
        Some("assistant") => Part { r#type: "output_text", text, annotations: Some([]) },
        _ => Part { r#type: "input_text", text, annotations: None },
    }])
}

fn set(fields: &mut Fields<'_>, name: &'static str, value: &str) {
    fields.insert(name.into(), raw(value));
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// What is given here always serialises.
fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_default()
}
