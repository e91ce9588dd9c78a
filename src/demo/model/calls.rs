//! Whether the demo model calls a tool, and with what.

use super::{
    ask::{Ask, Choice, Tool},
    schema,
};

/// Words with which a user asks for a tool without naming it.
const HINTS: [&str; 5] = ["tool", "tools", "call", "function", "weather"];

/// Shorter words of a tool's name say nothing: `get`, `do`, `run`.
const TELLING: usize = 4;

/// A call to make.
#[derive(Debug, PartialEq)]
pub(super) struct ToolCall {
    pub(super) name: String,
    /// A JSON object, as a string.
    pub(super) arguments: String,
}

/// The calls that answer a request; none if it wants words.
pub(super) fn wanted(ask: &Ask) -> Vec<ToolCall> {
    let question = ask.question.as_deref().unwrap_or_default();
    let first = || ask.tools.first().into_iter().collect();
    let chosen: Vec<&Tool> = match &ask.choice {
        Choice::Never => Vec::new(),
        Choice::Named(name) => ask.tools.iter().filter(|tool| tool.name == *name).collect(),
        // After a tool result the model answers in text; otherwise agents would loop for ever.
        Choice::Auto if ask.result.is_some() => Vec::new(),
        Choice::Auto | Choice::Required => {
            let words = words(question);
            let named: Vec<_> = ask.tools.iter().filter(|tool| named(tool, &words)).collect();
            let hinted = words.iter().any(|word| HINTS.contains(&word.as_str()));
            match ask.choice {
                _ if !named.is_empty() => named,
                Choice::Required => first(),
                _ if hinted => first(),
                _ => Vec::new(),
            }
        }
    };
    let most = if ask.parallel { chosen.len() } else { 1 };
    chosen.into_iter().take(most).map(|tool| call(tool, question)).collect()
}

fn call(tool: &Tool, question: &str) -> ToolCall {
    let arguments = match &tool.parameters {
        parameters if parameters.is_object() => schema::example(parameters, question).to_string(),
        _ => "{}".to_owned(),
    };
    ToolCall { name: tool.name.clone(), arguments }
}

/// Whether the words contain a telling word of the tool's name.
fn named(tool: &Tool, question: &[String]) -> bool {
    let name = words(&tool.name);
    let telling: Vec<_> = name.iter().filter(|word| word.len() >= TELLING).collect();
    if telling.is_empty() {
        return question.windows(name.len().max(1)).any(|some| some == name);
    }
    telling.into_iter().any(|word| question.contains(word))
}

fn words(text: &str) -> Vec<String> {
    text.split(|char: char| !char.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The names of the tools that are called.
    fn called(names: &[&str], question: &str, fields: &Value) -> Vec<String> {
        let tools: Vec<_> = names
            .iter()
            .map(|name| json!({"type": "function", "function": {"name": name}}))
            .collect();
        let mut request = json!({
            "model": "demo",
            "messages": [{"role": "user", "content": question}],
            "tools": tools,
        });
        let fields = fields.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(fields);
        let ask = Ask::parse(request.to_string().as_bytes()).unwrap();
        wanted(&ask).into_iter().map(|call| call.name).collect()
    }

    #[test]
    fn calls_what_the_user_names() {
        let tools = ["get_weather", "search-web", "do"];
        let auto = |question| called(&tools, question, &json!({}));
        assert_eq!(auto("What is the Weather in Paris?"), ["get_weather"]);
        assert_eq!(auto("please use search-web"), ["search-web"]);
        assert_eq!(auto("Search for the weather."), ["get_weather", "search-web"]);
        assert_eq!(auto("call something"), ["get_weather"]);
        assert_eq!(auto("what can you do"), ["do"]);
        assert!(auto("Good morning!").is_empty());
        assert!(auto("get it").is_empty());
        assert!(called(&[], "call a tool", &json!({})).is_empty());
    }

    #[test]
    fn obeys_the_choice() {
        let tools = ["get_weather", "search"];
        let named = json!({"type": "function", "function": {"name": "search"}});
        assert!(called(&tools, "the weather", &json!({"tool_choice": "none"})).is_empty());
        assert_eq!(called(&tools, "Hi", &json!({"tool_choice": "required"})), ["get_weather"]);
        assert_eq!(called(&tools, "search", &json!({"tool_choice": "required"})), ["search"]);
        assert_eq!(called(&tools, "the weather", &json!({"tool_choice": named})), ["search"]);
        assert_eq!(
            called(&tools, "search the weather", &json!({"parallel_tool_calls": false})),
            ["get_weather"]
        );
    }

    #[test]
    fn reports_after_a_result() {
        let messages = json!([
            {"role": "user", "content": "the weather"},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        ]);
        assert!(called(&["get_weather"], "", &json!({"messages": messages})).is_empty());
    }
}
