//! A chat request as the demo provider understands it.

use http::StatusCode;
use serde_json::Value;

use switchtower_testkit::openai;

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(fields: &Value) -> Result<Ask, Refusal> {
        let mut request = json!({"model": "demo", "messages": [{"role": "user", "content": "Hi"}]});
        let fields = fields.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(fields);
        Ask::parse(request.to_string().as_bytes())
    }

    /// Status, param and code.
    fn refused(fields: &Value) -> (u16, Value, Value) {
        let Refusal { status, body } = parse(fields).unwrap_err();
        (status.as_u16(), body["error"]["param"].clone(), body["error"]["code"].clone())
    }

    #[test]
    fn reads_what_the_answer_depends_on() {
        let ask = parse(&json!({
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 9,
            "max_completion_tokens": 3,
            "parallel_tool_calls": false,
            "n": 4,
            "x-unknown": [1],
        }))
        .unwrap();
        assert!(ask.stream && ask.include_usage && !ask.parallel);
        assert_eq!(ask.limit, Some(3));
        assert_eq!(ask.question.as_deref(), Some("Hi"));
        assert_eq!(ask.prompt_tokens, 5);
    }

    #[test]
    fn reads_content_in_parts_and_the_last_message() {
        let ask = parse(&json!({"messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:"}},
                {"type": "text", "text": "here"},
            ]},
            {"role": "assistant", "content": null},
            {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        ]}))
        .unwrap();
        assert_eq!(ask.question.as_deref(), Some("Look here"));
        assert_eq!(ask.result.as_deref(), Some("42"));
        assert_eq!(parse(&json!({})).unwrap().result, None);
    }

    #[test]
    fn refuses_what_openai_refuses() {
        for body in ["", "{", "[]", "\"model\""] {
            assert_eq!(Ask::parse(body.as_bytes()).unwrap_err().status, 400, "{body}");
        }
        assert_eq!(refused(&json!({"model": null})), (400, Value::Null, Value::Null));
        for messages in [json!(null), json!([]), json!("Hi"), json!(["Hi"])] {
            assert_eq!(refused(&json!({"messages": messages})).1, "messages");
        }
        assert_eq!(
            refused(&json!({"stream": "yes"})),
            (400, "stream".into(), "invalid_type".into())
        );
        for limit in [json!(0), json!(-1), json!("9")] {
            assert_eq!(
                refused(&json!({"max_tokens": limit})),
                (400, "max_tokens".into(), "invalid_value".into())
            );
        }
        assert_eq!(refused(&json!({"tools": [{"type": "function"}]})).1, "tools");
    }

    #[test]
    fn a_choice_needs_its_tool() {
        let tools = json!([
            {"type": "function", "function": {"name": "a"}},
            {"type": "custom", "custom": {"name": "b"}},
        ]);
        let named = |name: &str| json!({"type": "function", "function": {"name": name}});
        let choose = |choice: Value| parse(&json!({"tools": tools, "tool_choice": choice}));
        assert_eq!(choose(named("a")).unwrap().choice, Choice::Named("a".into()));
        assert_eq!(choose(json!("none")).unwrap().choice, Choice::Never);
        assert_eq!(choose(json!("required")).unwrap().choice, Choice::Required);
        assert_eq!(choose(json!("auto")).unwrap().choice, Choice::Auto);
        assert_eq!(choose(named("b")).unwrap_err().status, 400);
        assert_eq!(refused(&json!({"tool_choice": "required"})).1, "tool_choice");
    }
}
