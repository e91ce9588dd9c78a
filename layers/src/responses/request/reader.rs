use std::{borrow::Cow, collections::BTreeMap, mem};

use super::{
    call,
    content::{self, Part},
    conversation::{Call, Conversation, Message, Output, Turn},
    dropped::DroppedFields,
    elements::Element,
    invalid::{At, Invalid},
    item::{Content, Input, Item, items},
    json::{inside, required, text},
    pairing::{ItemPosition, Pairing},
};
use crate::{
    Target,
    responses::attachments::{CallFields, Fields, Sealed},
};

/// Reads items one after the other and puts each where Chat Completions wants it: calls join the
/// message of the model before them while nothing stands between, outputs go to their calls, and
/// reasoning waits for the next message of the model.
pub(super) struct Reader<'a, 'o> {
    conversation: Conversation<'a>,
    pairing: Pairing<'a>,
    /// Whether a call joins the last message.
    open_turn: bool,
    /// What the next message of the model is preceded by.
    reasoning: Vec<Part<'a>>,
    /// Whether the user spoke after it: then new reasoning takes its place.
    stale: bool,
    /// What was attached to the next message of the model, and to calls that come yet.
    attached: Fields,
    attached_calls: BTreeMap<String, CallFields>,
    target: Option<&'o Target>,
    open: &'o dyn Fn(&str) -> Option<String>,
    count: usize,
    failed: Option<Invalid>,
    unknown_items: DroppedFields,
    unknown_parts: DroppedFields,
}

impl<'a, 'o> Reader<'a, 'o> {
    /// `open` gives what our own seals hold; attachments count if they are the target's own.
    pub(super) fn new(
        target: Option<&'o Target>,
        open: &'o dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            conversation: Conversation::default(),
            pairing: Pairing::default(),
            open_turn: false,
            reasoning: Vec::new(),
            stale: false,
            attached: Fields::new(),
            attached_calls: BTreeMap::new(),
            target,
            open,
            count: 0,
            failed: None,
            unknown_items: DroppedFields::default(),
            unknown_parts: DroppedFields::default(),
        }
    }

    /// The next item of `input`. After one that is wrong nothing is read.
    pub(super) fn push(&mut self, item: Element<Item<'a>>) {
        let n = self.count;
        self.count += 1;
        if self.failed.is_none() {
            let item = item.object(format_args!("input[{n}]"));
            let read = item.and_then(|item| self.item(item, n, format_args!("input[{n}]")));
            self.failed = read.err();
        }
    }

    /// What was said, when `input` was read to its end.
    pub(super) fn finish(mut self, input: Option<Input<'a>>) -> Result<Conversation<'a>, Invalid> {
        let at = format_args!("input");
        if let Input::Other(raw) = required(input, at)? {
            match raw.get().as_bytes().first() {
                Some(b'[') => items(raw, at, &mut |item| self.push(item))?,
                Some(b'"') => self.prompt(inside(raw, at)?),
                _ => return Err(Invalid::new(at, "must be a string or an array")),
            }
        }
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        self.unknown_items.warn("input items of unknown types");
        self.unknown_parts.warn("content parts of unknown types");
        if self.count == 0 {
            return Err(Invalid::new(at, "must not be empty"));
        }
        if let Some(n) = self.pairing.without_a_call() {
            let says = "is the id of no call, or of one that has its output";
            return Err(Invalid::new(format_args!("input[{n}].call_id"), says));
        }
        if self.conversation.messages.is_empty() {
            return Err(Invalid::new(at, "has nothing that a model could answer"));
        }
        Ok(self.conversation)
    }

    /// `input` may be no more than what the user says.
    fn prompt(&mut self, text: &'a str) {
        if !text.is_empty() {
            self.count += 1;
            self.say(Message::User(vec![Part::Json(text)]));
        }
    }

    fn item(&mut self, item: Item<'a>, n: usize, at: At<'_>) -> Result<(), Invalid> {
        let kind = item.kind.map(|kind| text(kind, format_args!("{at}.type"))).transpose()?;
        match kind.as_deref() {
            Some("message") => self.message(item, at)?,
            Some("function_call") => self.call(call::function(&item, at)?),
            Some("custom_tool_call") => self.call(call::custom(&item, at)?),
            Some("local_shell_call") => self.call(call::local_shell(&item, at)?),
            // Without an id the provider searched by itself, and nothing is to be answered.
            Some("tool_search_call") if item.call_id.is_none() => {}
            Some("tool_search_call") => self.call(call::tool_search(&item, at)?),
            Some(
                "function_call_output" | "custom_tool_call_output" | "local_shell_call_output",
            ) => self.output(&item, n, at)?,
            Some("tool_search_output") => self.search_output(&item, n, at)?,
            Some("additional_tools") => drop(self.tools(&item, at)?),
            Some("reasoning") => self.reasoning(item, at)?,
            Some("item_reference") => return Err(unresolved(at)),
            Some(kind) if has_no_place(kind) => {}
            Some(kind) => self.unknown_items.add(kind),
            // A reference may do without its type.
            None if item.role.is_none() && item.content.is_none() && item.id.is_some() => {
                return Err(unresolved(at));
            }
            None => self.message(item, at)?,
        }
        Ok(())
    }

    fn message(&mut self, item: Item<'a>, at: At<'_>) -> Result<(), Invalid> {
        let role_at = format_args!("{at}.role");
        let role = text(required(item.role, role_at)?, role_at)?;
        if !matches!(&*role, "user" | "assistant" | "system" | "developer") {
            let says = "must be `user`, `assistant`, `system` or `developer`";
            return Err(Invalid::new(role_at, says));
        }
        if role == "assistant" && item.content.is_none() {
            return Ok(());
        }
        let content = required(item.content, format_args!("{at}.content"))?;
        let said = content::said(content, &mut self.unknown_parts, format_args!("{at}.content"))?;
        match &*role {
            "assistant" if said.iter().all(Part::is_empty) => {}
            "assistant" => self.turn(Turn { said, ..Turn::default() }),
            "system" | "developer" if said.iter().all(Part::is_empty) => {}
            _ if said.is_empty() => {}
            "user" => {
                self.stale = true;
                self.attached.clear();
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
    fn turn(&mut self, turn: Turn<'a>) {
        let reasoning = mem::take(&mut self.reasoning);
        let attached = mem::take(&mut self.attached);
        self.conversation.messages.push(Message::Turn(Turn { reasoning, attached, ..turn }));
        self.open_turn = true;
    }

    fn call(&mut self, mut call: Call<'a>) {
        if !self.open_turn {
            self.turn(Turn::default());
        }
        let message = self.conversation.messages.len() - 1;
        if let Message::Turn(turn) = &mut self.conversation.messages[message] {
            let place = ItemPosition { message, call: turn.calls.len() };
            call.attached = self.attached_calls.remove(&*call.id);
            call.output = self.pairing.call(&call.id, place);
            turn.calls.push(call);
        }
    }

    fn output(&mut self, item: &Item<'a>, n: usize, at: At<'_>) -> Result<(), Invalid> {
        let output_at = format_args!("{at}.output");
        let parts = content::gave(required(item.output, output_at)?, output_at)?;
        self.answer(call::id(item, at)?, n, Output::Parts(parts));
        Ok(())
    }

    fn search_output(&mut self, item: &Item<'a>, n: usize, at: At<'_>) -> Result<(), Invalid> {
        let found = self.tools(item, at)?;
        if item.call_id.is_some() {
            self.answer(call::id(item, at)?, n, Output::Found(found));
        }
        Ok(())
    }

    fn answer(&mut self, id: Cow<'a, str>, n: usize, output: Output<'a>) {
        self.open_turn = false;
        if let Some((place, output)) = self.pairing.output(id, n, output)
            && let Message::Turn(turn) = &mut self.conversation.messages[place.message]
        {
            turn.calls[place.call].output = Some(output);
        }
    }

    /// Keeps the tools among the items, and says which they are.
    fn tools(&mut self, item: &Item<'a>, at: At<'_>) -> Result<usize, Invalid> {
        let tools = required(item.tools, format_args!("{at}.tools"))?;
        self.conversation.tools.push((format!("{at}.tools"), tools));
        Ok(self.conversation.tools.len() - 1)
    }

    /// From our own seal, else from what stands there openly. The summary counts only without a
    /// seal: then it may be all that an answer of ours had, while that of another is not the text.
    fn reasoning(&mut self, item: Item<'a>, at: At<'_>) -> Result<(), Invalid> {
        let sealed_at = format_args!("{at}.encrypted_content");
        let sealed = item.encrypted_content.map(|raw| text(raw, sealed_at)).transpose()?;
        let opened = sealed.as_deref().and_then(self.open);
        let mut thoughts = match opened.map(|opened| self.unpack(opened)) {
            Some(opened) if opened.is_empty() => Vec::new(),
            Some(opened) => vec![Part::Text(opened.into())],
            None => content::thoughts(item.content, format_args!("{at}.content"))?,
        };
        if thoughts.is_empty() && sealed.is_none() {
            let summary = item.summary.map(Content::Other);
            thoughts = content::thoughts(summary, format_args!("{at}.summary"))?;
        }
        if thoughts.is_empty() {
            return Ok(());
        }
        if mem::take(&mut self.stale) {
            self.reasoning.clear();
        }
        self.open_turn = false;
        self.reasoning.append(&mut thoughts);
        Ok(())
    }
}

impl Reader<'_, '_> {
    /// The reasoning in what was sealed; attachments go where they belong.
    fn unpack(&mut self, opened: String) -> String {
        let sealed = Sealed::read(opened, self.target);
        if sealed.is_bare() {
            return sealed.text;
        }
        let Sealed { text, behind, message, calls, .. } = sealed;
        if !behind {
            // Another message of the model begins.
            self.open_turn = false;
            self.attached.extend(message);
            self.attached_calls.extend(calls);
            return text;
        }
        let last = self.conversation.messages.iter_mut().rev().find_map(|message| match message {
            Message::Turn(turn) => Some(turn),
            _ => None,
        });
        let Some(turn) = last else { return text };
        turn.attached.extend(message);
        for (id, fields) in calls {
            match turn.calls.iter_mut().find(|call| call.id == id) {
                Some(call) => call.attached = Some(fields),
                None => drop(self.attached_calls.insert(id, fields)),
            }
        }
        text
    }
}

fn unresolved(at: At<'_>) -> Invalid {
    Invalid::new(at, "refers to a stored item, which nothing here keeps: send the item itself")
}

/// Whether Chat Completions cannot have such an item: nothing is lost that a model could use.
fn has_no_place(kind: &str) -> bool {
    matches!(
        kind,
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
            | "ghost_snapshot"
    )
}
