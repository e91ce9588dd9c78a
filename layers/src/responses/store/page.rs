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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn items(count: usize) -> Vec<Item> {
        let item = |n| Item { id: format!("i{n}").into(), json: r#"{"type":"reasoning"}"#.into() };
        (0..count).map(item).collect()
    }

    fn list(query: &str, items: &[Item]) -> Result<Value, String> {
        let list = Page::read(query).and_then(|page| page.of(items));
        list.map(|json| serde_json::from_slice(&json).unwrap())
            .map_err(|rejection| String::from_utf8(rejection.to_json().to_vec()).unwrap())
    }

    fn ids(query: &str, items: &[Item]) -> (Vec<String>, bool) {
        let list = list(query, items).unwrap();
        let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
        let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(list["first_id"].as_str(), ids.first().map(String::as_str));
        assert_eq!(list["last_id"].as_str(), ids.last().map(String::as_str));
        (ids, list["has_more"].as_bool().unwrap())
    }

    #[test]
    fn order_limit_and_after() {
        let items = items(3);
        let of = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        for (query, page, has_more) in [
            ("", &["i2", "i1", "i0"][..], false),
            ("order=asc&limit=2", &["i0", "i1"], true),
            ("limit=2&after=i2&order=desc", &["i1", "i0"], false),
            ("order=asc&limit=1&after=i0&include[]=x", &["i1"], true),
            ("after=i0", &[], false),
        ] {
            assert_eq!(ids(query, &items), (of(page), has_more), "{query}");
        }
        let many = self::items(150);
        assert_eq!(ids("", &many).0.len(), 20);
        assert_eq!(ids("limit=100", &many).0.len(), 100);
    }

    #[test]
    fn pages_together_are_the_whole() {
        let items = items(7);
        let (mut seen, mut query) = (Vec::new(), "order=asc&limit=3".to_owned());
        loop {
            let (page, has_more) = ids(&query, &items);
            seen.extend(page);
            if !has_more {
                break;
            }
            query = format!("order=asc&limit=3&after={}", seen.last().unwrap());
        }
        assert_eq!(seen, ["i0", "i1", "i2", "i3", "i4", "i5", "i6"]);
    }

    #[test]
    fn wrong_parameters_are_named() {
        for (query, param) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=", "limit"),
            ("order=up", "order"),
            ("after=i9", "after"),
        ] {
            let error = list(query, &items(3)).unwrap_err();
            assert!(error.contains(&format!(r#""param":"{param}""#)), "{query}: {error}");
        }
    }

    #[test]
    fn items_are_listed_as_the_api_has_them() {
        let listed = |json: &'static str| {
            let item = Item { id: "msg_1".into(), json: json.into() };
            list("", &[item]).unwrap()["data"][0].clone()
        };
        let part = json!([{"type": "input_text", "text": "a\"b"}]);
        assert_eq!(
            listed(r#"{"role":"user","content":"a\"b","extra":1.50}"#),
            json!({"type": "message", "id": "msg_1", "role": "user", "status": "completed",
                "content": part, "extra": 1.5})
        );
        let part = json!([{"type": "output_text", "text": "a", "annotations": []}]);
        let assistant =
            listed(r#"{"type":"message","role":"assistant","status":"incomplete","content":"a"}"#);
        assert_eq!((&assistant["content"], &assistant["status"]), (&part, &json!("incomplete")));
        let parts = json!([{"type": "input_image"}]);
        assert_eq!(
            listed(r#"{"role":"user","content":[{"type":"input_image"}]}"#)["content"],
            parts
        );
        assert_eq!(
            listed(r#"{"type":"function_call_output","call_id":"c","output":"o"}"#),
            json!({"type": "function_call_output", "id": "msg_1", "call_id": "c", "output": "o"})
        );
    }
}
