//! A chat request as the demo provider understands it.

use http::StatusCode;
use serde_json::Value;

use crate::demo::openai;

/// What the answer depends on. Everything else in a request is ignored.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    /// The most tokens that the answer may have.
    pub(super) limit: Option<usize>,
    /// The last message of the user, if there is one.
    pub(super) question: Option<String>,
    /// The result of a tool, if that is the last message.
    pub(super) result: Option<String>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    /// Whether the answer may have more than one call.
    pub(super) parallel: bool,
    pub(super) prompt_tokens: usize,
}

/// A function the client offers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) parameters: Value,
}

/// `tool_choice`.
#[derive(Debug, PartialEq)]
pub(super) enum Choice {
    Auto,
    Never,
    Required,
    Named(String),
}

/// An error in OpenAI's form.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: &str) -> Self {
        Self { status, body: openai::error(message, "invalid_request_error", None, None) }
    }

    pub(super) fn code(mut self, code: &str) -> Self {
        self.body["error"]["code"] = code.into();
        self
    }

    fn invalid(param: &str, message: &str) -> Self {
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, message);
        refusal.body["error"]["param"] = param.into();
        refusal
    }
}

impl Ask {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let request = match serde_json::from_slice::<Value>(body) {
            Ok(request) if request.is_object() => request,
            _ => {
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "We could not parse the JSON body of your request. The OpenAI API expects a \
                     JSON object.",
                ));
            }
        };
        let Some(model) = request["model"].as_str() else {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "you must provide a model parameter",
            ));
        };
        let messages = messages(&request)?;
        let tools = tools(&request["tools"])?;
        Ok(Self {
            model: model.to_owned(),
            stream: flag(&request, "stream")?.unwrap_or(false),
            include_usage: request["stream_options"]["include_usage"] == true,
            limit: limit(&request)?,
            question: messages.iter().rev().find(|message| message["role"] == "user").map(text),
            result: messages.last().filter(|message| message["role"] == "tool").map(text),
            choice: choice(&request["tool_choice"], &tools)?,
            tools,
            parallel: flag(&request, "parallel_tool_calls")?.unwrap_or(true),
            prompt_tokens: messages.iter().map(tokens).sum(),
        })
    }
}

fn messages(request: &Value) -> Result<&[Value], Refusal> {
    let invalid = |message| Err(Refusal::invalid("messages", message));
    match &request["messages"] {
        Value::Null => invalid("Missing required parameter: 'messages'."),
        Value::Array(messages) if messages.is_empty() => {
            invalid("Invalid 'messages': empty array. Expected an array with minimum length 1.")
        }
        Value::Array(messages) if messages.iter().all(|message| message["role"].is_string()) => {
            Ok(messages)
        }
        _ => invalid("Invalid type for 'messages': expected an array of objects with a role."),
    }
}

fn flag(request: &Value, name: &str) -> Result<Option<bool>, Refusal> {
    match &request[name] {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(*flag)),
        _ => {
            Err(Refusal::invalid(name, &format!("Invalid type for '{name}': expected a boolean."))
                .code("invalid_type"))
        }
    }
}

fn limit(request: &Value) -> Result<Option<usize>, Refusal> {
    let given =
        ["max_completion_tokens", "max_tokens"].into_iter().find(|name| !request[*name].is_null());
    let Some(name) = given else { return Ok(None) };
    match request[name].as_u64().and_then(|limit| usize::try_from(limit).ok()) {
        Some(limit) if limit > 0 => Ok(Some(limit)),
        _ => {
            Err(Refusal::invalid(name, &format!("Invalid '{name}': expected an integer above 0."))
                .code("invalid_value"))
        }
    }
}

/// The functions among the tools; other kinds are not called.
fn tools(tools: &Value) -> Result<Vec<Tool>, Refusal> {
    let offered = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    offered
        .iter()
        .filter(|tool| tool["type"] == "function")
        .map(|tool| {
            let function = &tool["function"];
            let name = function["name"].as_str().ok_or_else(|| {
                Refusal::invalid("tools", "Missing required parameter: 'tools[].function.name'.")
            })?;
            Ok(Tool { name: name.to_owned(), parameters: function["parameters"].clone() })
        })
        .collect()
}

fn choice(choice: &Value, tools: &[Tool]) -> Result<Choice, Refusal> {
    let choice = match (choice.as_str(), choice["function"]["name"].as_str()) {
        (Some("none"), _) => Choice::Never,
        (Some("required"), _) if !tools.is_empty() => Choice::Required,
        (_, Some(name)) if tools.iter().any(|tool| tool.name == name) => {
            Choice::Named(name.to_owned())
        }
        (Some("required"), _) | (_, Some(_)) => {
            return Err(Refusal::invalid(
                "tool_choice",
                "Invalid value for 'tool_choice': no such function in 'tools'.",
            ));
        }
        _ => Choice::Auto,
    };
    Ok(choice)
}

/// The text of a message, whether it is a string or comes in parts.
fn text(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// A usual rule of thumb: four characters to a token, and four tokens around each message.
fn tokens(message: &Value) -> usize {
    text(message).chars().count().div_ceil(4) + 4
}
