use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::Target;

/// The context that an answer needs of its request.
#[derive(Debug, Default)]
pub struct ResponseContext {
    /// The model the request was sent for, as it stands in the request.
    pub model: Box<str>,
    /// Whether the client asked for events.
    pub stream: bool,
    /// Whether `include` asks for `reasoning.encrypted_content`.
    pub include_encrypted: bool,
    /// The client's tools by the function names that were sent.
    pub tools: ToolMap,
    /// The fields that the response object repeats.
    pub echo: Echo,
    /// The request's target, if a router has chosen one.
    pub target: Option<Target>,
}

/// The functions of the Chat request, by the names they were sent under.
#[derive(Debug, Default)]
pub struct ToolMap(pub(super) HashMap<Box<str>, ToolRef>);

/// The client's tool behind a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolRef {
    /// The kind of call that the client expects back.
    pub kind: ToolKind,
    /// The tool's own name.
    pub name: Box<str>,
    /// The namespace it came in.
    pub namespace: Option<Box<str>>,
}

/// The kinds of tools that a function can represent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ToolKind {
    /// `function`: comes back as `function_call`.
    Function,
    /// `custom` (freeform text): comes back as `custom_tool_call`.
    Custom,
    /// `local_shell`: comes back as `local_shell_call`.
    LocalShell,
    /// `tool_search`, executed by the client: comes back as `tool_search_call`.
    ToolSearch,
}

/// The one parameter of a function that represents a custom tool.
pub(super) const CUSTOM_PARAMETER: &str = "input";

impl ToolMap {
    /// The tool behind the function; an undeclared one is a function of that name.
    pub fn resolve(&self, sent: &str) -> ToolRef {
        self.0.get(sent).cloned().unwrap_or_else(|| ToolRef {
            kind: ToolKind::Function,
            name: sent.into(),
            namespace: None,
        })
    }

    /// Whether this is the whole name of a function, and not the beginning of another's.
    pub(super) fn is_settled(&self, sent: &str) -> bool {
        let is_longer = |name: &str| name.len() > sent.len() && name.starts_with(sent);
        self.0.contains_key(sent) && !self.0.keys().any(|name| is_longer(name))
    }
}

/// Fields of the request that the response object repeats, as JSON, without nulls.
#[derive(Debug, Default)]
pub struct Echo(pub(super) Vec<(&'static str, Box<RawValue>)>);

impl Echo {
    /// The response that this one continues; the store layer has taken it out of the request.
    pub(super) fn previous_response(&mut self, id: &str) {
        // A string always serialises.
        if let Ok(id) = serde_json::value::to_raw_value(id) {
            self.0.retain(|(name, _)| *name != "previous_response_id");
            self.0.push(("previous_response_id", id));
        }
    }

    /// The fields that are repeated.
    pub const FIELDS: [&'static str; 22] = [
        "background",
        "frequency_penalty",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
    ];

    /// The field as it stood in the request.
    pub fn get(&self, field: &str) -> Option<&RawValue> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, value)| &**value)
    }
}
