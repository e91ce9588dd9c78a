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
pub(super) struct Call {
    pub(super) name: String,
    /// A JSON object, as a string.
    pub(super) arguments: String,
}

/// The calls that answer a request; none if it wants words.
pub(super) fn wanted(ask: &Ask) -> Vec<Call> {
    let question = ask.question.as_deref().unwrap_or_default();
    let first = || ask.tools.first().into_iter().collect();
    let chosen: Vec<&Tool> = match &ask.choice {
        Choice::Never => Vec::new(),
        Choice::Named(name) => ask.tools.iter().filter(|tool| tool.name == *name).collect(),
        // Who got a result wants to hear about it; else agents would loop for ever.
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

fn call(tool: &Tool, question: &str) -> Call {
    let arguments = match &tool.parameters {
        parameters if parameters.is_object() => schema::example(parameters, question).to_string(),
        _ => "{}".to_owned(),
    };
    Call { name: tool.name.clone(), arguments }
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
