//! `switchtower space`.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Value, json};

use super::args::{ShowArgs, SpaceCommand};
use super::client::{self, Client, Message, encode, query};
use super::output::{Failure, ago, columns, line, plain, print, print_json, start};

/// Default number of messages that are shown.
const DEFAULT_MESSAGES: usize = 10;
/// Number of messages per request.
const PAGE_LIMIT: usize = 500;
/// How much of each is shown.
const COLUMNS: usize = 80;

/// Makes one, shows one, or searches one.
pub(super) fn run(command: &SpaceCommand) -> Result<(), Failure> {
    match command {
        SpaceCommand::New { name, metadata, show } => {
            new(name.as_deref(), metadata.as_deref(), show)
        }
        SpaceCommand::Show { id, show } => one(id, show),
        SpaceCommand::Search { id, words, show } => search(id, words, show),
    }
}

fn new(name: Option<&str>, metadata: Option<&str>, show: &ShowArgs) -> Result<(), Failure> {
    let metadata = match (name, metadata) {
        (Some(name), _) => json!({"name": name}),
        (None, None) => json!({}),
        (None, Some(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(metadata)) => Value::Object(metadata),
            Ok(_) => {
                return Err(Failure("--metadata is no JSON object, like {\"a\": 1}".to_owned()));
            }
            Err(error) => return Err(Failure(format!("--metadata is no JSON: {error}"))),
        },
    };
    let body = json!({"metadata": metadata});
    let made =
        client::run(async { Ok(Client::new(&show.gateway)?.post("/spaces", &body).await?) })?;
    if show.json {
        return print_json(&made);
    }
    let id = made["space_id"].as_str();
    let id = id.ok_or_else(|| Failure("the gateway's answer names no space".to_owned()))?;
    print(&format!("{}\n", line(id)))
}

#[derive(Deserialize)]
struct Space {
    shared_space_id: String,
    message_count: u64,
    artifact_count: u64,
    #[serde(default)]
    metadata: Value,
    created_at: u64,
    updated_at: u64,
}

#[derive(Deserialize)]
struct Artifact {
    name: String,
    size: u64,
}

fn one(id: &str, show: &ShowArgs) -> Result<(), Failure> {
    let path = format!("/spaces/{}", encode(id));
    let (space, messages, artifacts) = client::run(async {
        let client = Client::new(&show.gateway)?;
        let space = client.get(&path).await?;
        let count = space["message_count"].as_u64().unwrap_or_default();
        let messages = last(&client, &path, count).await?;
        let artifacts = client.get(&format!("{path}/artifacts")).await?;
        Ok((space, messages, artifacts))
    })?;
    if show.json {
        let mut whole = space;
        whole["messages"] = messages;
        whole["artifacts"] = artifacts;
        return print_json(&whole);
    }
    let messages: Vec<Message> = client::read(&messages)?;
    print(&page(&client::read(&space)?, &messages, &client::read::<Vec<Artifact>>(&artifacts)?))
}

/// The last of so many messages: they come oldest first, so all are gone through. A page with large
/// ones ends early.
async fn last(client: &Client, path: &str, count: u64) -> Result<Value, Failure> {
    let mut last = VecDeque::new();
    let mut after = None;
    let mut seen = 0;
    loop {
        let query = query([("limit", Some(PAGE_LIMIT.to_string())), ("after", after)]);
        let Value::Array(page) = client.get(&format!("{path}/messages{query}")).await? else {
            return Err(Failure("the gateway's answer is no list of messages".to_owned()));
        };
        seen += page.len() as u64;
        after = page.last().map(|message| message["id"].to_string());
        last.extend(page);
        last.drain(..last.len().saturating_sub(DEFAULT_MESSAGES));
        if after.is_none() || seen >= count {
            return Ok(Value::Array(last.into()));
        }
    }
}

fn page(space: &Space, messages: &[Message], artifacts: &[Artifact]) -> String {
    let metadata = match &space.metadata {
        Value::Object(map) if map.is_empty() => "none".to_owned(),
        metadata => start(&metadata.to_string(), COLUMNS),
    };
    let rows = [
        ["id", &line(&space.shared_space_id)],
        ["metadata", &metadata],
        ["messages", &space.message_count.to_string()],
        ["artifacts", &space.artifact_count.to_string()],
        ["made", &ago(space.created_at)],
        ["changed", &ago(space.updated_at)],
    ];
    let mut text = columns(&rows.map(|row| row.map(str::to_owned)));
    if !artifacts.is_empty() {
        let rows = artifacts.iter().map(|a| [line(&a.name), format!("{} bytes", a.size)]);
        text.push_str(&format!("\n{}", columns(&rows.collect::<Vec<_>>())));
    }
    if !messages.is_empty() {
        let rows = messages.iter().map(|m| row(m, &start(&m.content, COLUMNS)));
        text.push_str(&format!("\n{}", columns(&rows.collect::<Vec<_>>())));
    }
    text
}

fn row(message: &Message, text: &str) -> [String; 4] {
    let who = message.source.as_ref().unwrap_or(&message.role);
    [format!("#{}", message.id), line(who), ago(message.created_at), text.to_owned()]
}

#[derive(Deserialize)]
struct Hit {
    message: Message,
    #[serde(default)]
    snippet: String,
}

fn search(id: &str, words: &str, show: &ShowArgs) -> Result<(), Failure> {
    let path = format!("/spaces/{}/search{}", encode(id), query([("q", Some(words.to_owned()))]));
    let found = client::run(async { Ok(Client::new(&show.gateway)?.get(&path).await?) })?;
    if show.json {
        return print_json(&found);
    }
    let hits: Vec<Hit> = client::read(&found)?;
    if hits.is_empty() {
        return print(&format!("No message has {}.\n", plain(words)));
    }
    let rows = hits.iter().map(|hit| {
        let text = if hit.snippet.is_empty() { &hit.message.content } else { &hit.snippet };
        row(&hit.message, &start(text, COLUMNS))
    });
    print(&columns(&rows.collect::<Vec<_>>()))
}
