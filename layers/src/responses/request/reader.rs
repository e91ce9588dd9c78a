use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    mem,
};

use serde_json::value::RawValue;

use super::{
    content::{self, Part},
    conversation::{Arguments, Call, Conversation, Message, Output, Turn},
    invalid::{At, Invalid},
    item::{Input, Item},
    json::{Element, array, borrowed, inside, required, text},
    names::{LOCAL_SHELL, TOOL_SEARCH},
};
use crate::responses::asked::Kind;

borrowed! { Thought { text: "text", } }

/// Reads items one after the other and puts each where Chat Completions wants it.
///
/// Calls join the message before them while nothing stands between. An output goes to the oldest
/// call with its id that has none yet, wherever both stand: providers repeat ids from turn to turn.
pub(super) struct Reader<'a, 'o> {
    conversation: Conversation<'a>,
    /// Whether a call joins the last message.
    open_turn: bool,
    /// What the next message of the model is preceded by.
    reasoning: Vec<Part<'a>>,
    /// Whether the user spoke after it: then new reasoning takes its place.
    stale: bool,
    /// Calls without an output: the message and the call in it.
    unanswered: HashMap<Cow<'a, str>, VecDeque<(usize, usize)>>,
    /// Outputs that came before their call, and the place of their item.
    early: HashMap<Cow<'a, str>, VecDeque<(usize, Output<'a>)>>,
    open: &'o dyn Fn(&str) -> Option<String>,
}

impl<'a, 'o> Reader<'a, 'o> {
    pub(super) fn new(open: &'o dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            conversation: Conversation::default(),
            open_turn: false,
            reasoning: Vec::new(),
            stale: false,
            unanswered: HashMap::new(),
            early: HashMap::new(),
            open,
        }
    }

    pub(super) fn read(mut self, input: Option<Input<'a>>) -> Result<Conversation<'a>, Invalid> {
        let at = format_args!("input");
        match input {
            None => return Err(Invalid::new(at, "is missing")),
            Some(Input::Neither) => return Err(Invalid::new(at, "must be a string or an array")),
            Some(Input::Text(text)) if !text.is_empty() => {
                self.conversation.messages.push(Message::User(vec![Part::Text(text)]));
            }
            Some(Input::Items(items)) if !items.is_empty() => self.items(items)?,
            Some(_) => return Err(Invalid::new(at, "must not be empty")),
        }
        if let Some((n, _)) = self.early.values().flatten().min_by_key(|(n, _)| *n) {
            let says = "is the id of no call, or of one that has its output";
            return Err(Invalid::new(format_args!("input[{n}].call_id"), says));
        }
        if self.conversation.messages.is_empty() {
            return Err(Invalid::new(at, "has nothing that a model could answer"));
        }
        Ok(self.conversation)
    }

    fn items(&mut self, items: Vec<Element<Item<'a>>>) -> Result<(), Invalid> {
        self.conversation.messages.reserve(items.len());
        for (n, item) in items.into_iter().enumerate() {
            let item = item.object(format_args!("input[{n}]"))?;
            self.item(&item, n, format_args!("input[{n}]"))?;
        }
        Ok(())
    }

    fn item(&mut self, item: &Item<'a>, n: usize, at: At<'_>) -> Result<(), Invalid> {
        let kind = item.kind.map(|kind| text(kind, format_args!("{at}.type"))).transpose()?;
        match kind.as_deref() {
            Some("message") => self.message(item, at),
            Some("function_call") => self.function_call(item, at),
            Some("custom_tool_call") => self.custom_call(item, at),
            Some("local_shell_call") => self.shell_call(item, at),
            Some("tool_search_call") => self.search_call(item, at),
            Some(
                "function_call_output" | "custom_tool_call_output" | "local_shell_call_output",
            ) => self.output(item, n, at),
            Some("tool_search_output") => self.search_output(item, n, at),
            Some("additional_tools") => self.tools(item, at).map(drop),
            Some("reasoning") => self.reasoning(item, at),
            Some("item_reference") => Err(unresolved(at)),
            // A reference may do without its type.
            None if item.role.is_none() && item.content.is_none() && item.id.is_some() => {
                Err(unresolved(at))
            }
            None => self.message(item, at),
            Some(kind) => {
                ignore(kind);
                Ok(())
            }
        }
    }

    fn message(&mut self, item: &Item<'a>, at: At<'_>) -> Result<(), Invalid> {
        let role_at = format_args!("{at}.role");
        let role = text(required(item.role, role_at)?, role_at)?;
        if !matches!(&*role, "user" | "assistant" | "system" | "developer") {
            let says = "must be `user`, `assistant`, `system` or `developer`";
            return Err(Invalid::new(role_at, says));
        }
        let content = match item.content {
            None if role == "assistant" => return Ok(()),
            raw => required(raw, format_args!("{at}.content"))?,
        };
        let said = content::said(content, format_args!("{at}.content"))?;
        match &*role {
            "assistant" if said.iter().all(Part::is_empty) => {}
            "assistant" => self.turn().said = said,
            _ if said.is_empty() => {}
            "user" => {
                self.stale = true;
                self.say(Message::User(said));
            }
            _ => self.say(Message::System(said)),
        }
        Ok(())
    }

    fn say(&mut self, message: Message<'a>) {
        self.open_turn = false;
        self.conversation.messages.push(message);
    }

    /// A new message of the model, preceded by the reasoning that waits for it.
    fn turn(&mut self) -> &mut Turn<'a> {
        self.open_turn = true;
        let turn = Turn { reasoning: mem::take(&mut self.reasoning), ..Turn::default() };
        self.conversation.messages.push(Message::Turn(turn));
        match self.conversation.messages.last_mut() {
            Some(Message::Turn(turn)) => turn,
            _ => unreachable!("it was pushed"),
        }
    }

    fn function_call(&mut self, item: &Item<'a>, at: At<'_>) -> Result<(), Invalid> {
        let arguments = arguments(item.arguments, format_args!("{at}.arguments"))?;
        let name = name(item, at)?;
        self.call(item, Kind::Function, name, arguments, at)
    }

    fn custom_call(&mut self, item: &Item<'a>, at: At<'_>) -> Result<(), Invalid> {
        let input_at = format_args!("{at}.input");
        let input = required(item.input, input_at)?;
        inside(input, input_at)?;
        let name = name(item, at)?;
        self.call(item, Kind::Custom, name, Arguments::Custom(input.get()), at)
    }

    fn shell_call(&mut self, item: &Item<'a>, at: At<'_>) -> Result<(), Invalid> {
        let action_at = format_args!("{at}.action");
        let arguments = arguments(Some(required(item.action, action_at)?), action_at)?;
        self.call(item, Kind::LocalShell, LOCAL_SHELL.into(), arguments, at)
    }

    fn search_call(&mut self, item: &Item<'a>, at: At<'_>) -> Result<(), Invalid> {
        if item.call_id.is_none() {
            // The provider searched by itself; there is nothing to answer.
            return Ok(());
        }
        let arguments = arguments(item.arguments, format_args!("{at}.arguments"))?;
        self.call(item, Kind::ToolSearch, TOOL_SEARCH.into(), arguments, at)
    }

    fn call(
        &mut self,
        item: &Item<'a>,
        kind: Kind,
        name: Cow<'a, str>,
        arguments: Arguments<'a>,
        at: At<'_>,
    ) -> Result<(), Invalid> {
        let id = call_id(item, at)?;
        let namespace = item.namespace.map(|raw| text(raw, format_args!("{at}.namespace")));
        let namespace = namespace.transpose()?;
        if !self.open_turn {
            self.turn();
        }
        let output =
            self.early.get_mut(&id).and_then(VecDeque::pop_front).map(|(_, output)| output);
        let place = self.conversation.messages.len() - 1;
        if let Some(Message::Turn(turn)) = self.conversation.messages.last_mut() {
            if output.is_none() {
                let waiting = self.unanswered.entry(id.clone()).or_default();
                waiting.push_back((place, turn.calls.len()));
            }
            turn.calls.push(Call { id, kind, namespace, name, arguments, output });
        }
        Ok(())
    }

    fn output(&mut self, item: &Item<'a>, n: usize, at: At<'_>) -> Result<(), Invalid> {
        let output_at = format_args!("{at}.output");
        let parts = content::gave(required(item.output, output_at)?, output_at)?;
        self.answer(call_id(item, at)?, n, Output::Parts(parts));
        Ok(())
    }

    fn search_output(&mut self, item: &Item<'a>, n: usize, at: At<'_>) -> Result<(), Invalid> {
        let found = self.tools(item, at)?;
        if item.call_id.is_some() {
            self.answer(call_id(item, at)?, n, Output::Found(found));
        }
        Ok(())
    }

    fn answer(&mut self, id: Cow<'a, str>, n: usize, output: Output<'a>) {
        self.open_turn = false;
        let waiting = self.unanswered.get_mut(&id).and_then(VecDeque::pop_front);
        let Some((message, call)) = waiting else {
            self.early.entry(id).or_default().push_back((n, output));
            return;
        };
        if let Message::Turn(turn) = &mut self.conversation.messages[message] {
            turn.calls[call].output = Some(output);
        }
    }

    fn tools(&mut self, item: &Item<'a>, at: At<'_>) -> Result<usize, Invalid> {
        let tools = required(item.tools, format_args!("{at}.tools"))?;
        self.conversation.tools.push((format!("{at}.tools"), tools));
        Ok(self.conversation.tools.len() - 1)
    }

    /// From our own seal, else from what stands there openly. The summary counts only without a
    /// seal: then it may be all that an answer of ours had, while that of another is not the text.
    fn reasoning(&mut self, item: &Item<'a>, at: At<'_>) -> Result<(), Invalid> {
        let sealed =
            item.encrypted_content.map(|raw| text(raw, format_args!("{at}.encrypted_content")));
        let sealed = sealed.transpose()?;
        let mut thoughts = match sealed.as_deref().and_then(self.open) {
            Some(opened) => vec![Part::Text(opened.into())],
            None => thoughts(item.content, format_args!("{at}.content"))?,
        };
        if thoughts.is_empty() && sealed.is_none() {
            thoughts = self::thoughts(item.summary, format_args!("{at}.summary"))?;
        }
        thoughts.retain(|thought| !thought.is_empty());
        if !thoughts.is_empty() {
            if mem::take(&mut self.stale) {
                self.reasoning.clear();
            }
            self.open_turn = false;
            self.reasoning.append(&mut thoughts);
        }
        Ok(())
    }
}

fn thoughts<'a>(raw: Option<&'a RawValue>, at: At<'_>) -> Result<Vec<Part<'a>>, Invalid> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let thoughts: Vec<Element<Thought<'a>>> = array(raw, at)?;
    let texts =
        thoughts.iter().enumerate().filter_map(|(n, thought)| Some((n, thought.get()?.text?)));
    texts.map(|(n, raw)| inside(raw, format_args!("{at}[{n}].text")).map(Part::Json)).collect()
}

fn call_id<'a>(item: &Item<'a>, at: At<'_>) -> Result<Cow<'a, str>, Invalid> {
    // The output of a local shell call may have the call's id as its own.
    let raw = item.call_id.or(item.id);
    text(required(raw, format_args!("{at}.call_id"))?, format_args!("{at}.call_id"))
}

fn name<'a>(item: &Item<'a>, at: At<'_>) -> Result<Cow<'a, str>, Invalid> {
    let at = format_args!("{at}.name");
    text(required(item.name, at)?, at)
}

/// Arguments come as a string of JSON or as the object itself.
fn arguments<'a>(raw: Option<&'a RawValue>, at: At<'_>) -> Result<Arguments<'a>, Invalid> {
    let Some(raw) = raw else { return Ok(Arguments::Json("{}")) };
    if raw.get().starts_with('{') {
        return Ok(Arguments::Object(raw.get()));
    }
    let json = inside(raw, at)?;
    Ok(Arguments::Json(if json.is_empty() { "{}" } else { json }))
}

fn unresolved(at: At<'_>) -> Invalid {
    Invalid::new(at, "refers to a stored item, which nothing here keeps: send the item itself")
}

fn ignore(kind: &str) {
    match kind {
        "web_search_call"
        | "file_search_call"
        | "code_interpreter_call"
        | "image_generation_call"
        | "computer_call"
        | "computer_call_output"
        | "mcp_call"
        | "mcp_list_tools"
        | "mcp_approval_request"
        | "mcp_approval_response"
        | "compaction"
        | "compaction_summary"
        | "compaction_trigger"
        | "context_compaction"
        | "ghost_snapshot" => {
            tracing::debug!(
                kind,
                "an input item that Chat Completions has no place for is left out"
            );
        }
        _ => tracing::warn!(kind, "an input item of an unknown type is left out"),
    }
}
