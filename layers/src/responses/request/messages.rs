use super::{
    added::Added,
    content::Part,
    conversation::{Arguments, Call, Message, Output, Turn},
    tools::Tools,
    writer::Writer,
};
use crate::responses::{attachments::Fields, context::CUSTOM_PARAMETER};

/// Output for the model of a call whose output is not in the input: the user cut it off.
const NO_OUTPUT: &str = "(no output: the call was cut off)";
/// Output for the model of a tool that returned nothing but images or files.
const IN_THE_NEXT: &str = "(the output is in the next user message)";

/// Writes an array of the messages. The first is the only one of the system, as many templates
/// take no other: the instructions, the inside of a JSON string, and whatever the system and the
/// developer say in any place.
pub(super) fn write(
    out: &mut Writer,
    instructions: &str,
    messages: &[Message<'_>],
    tools: &mut Tools<'_>,
    added: &mut Added<'_>,
) {
    out.raw("[");
    let is_begun = system(out, instructions, messages);
    // What the system says was written, but for what is no text.
    let rest = messages.iter().filter(|message| match message {
        Message::System(said) => !said.iter().all(Part::is_text),
        _ => true,
    });
    for (n, message) in rest.enumerate() {
        out.raw(if is_begun || n > 0 { "," } else { "" });
        match message {
            Message::System(said) => user(out, said.iter().filter(|part| !part.is_text())),
            Message::User(said) if said.iter().all(Part::is_text) => {
                out.raw(r#"{"role":"user","content":"#);
                text(out, said, "");
                out.raw("}");
            }
            Message::User(said) => user(out, said.iter()),
            Message::Turn(turn) => write_turn(out, turn, tools, added),
        }
    }
    out.raw("]");
}

/// Writes the system message, unless there is nothing in it; whether there is.
fn system(out: &mut Writer, instructions: &str, messages: &[Message<'_>]) -> bool {
    let texts = messages.iter().filter_map(|message| match message {
        Message::System(said) if !said.iter().all(|part| part.is_empty() || !part.is_text()) => {
            Some(said)
        }
        _ => None,
    });
    let mut is_begun = false;
    let mut begin = |out: &mut Writer| {
        let is_first = !std::mem::replace(&mut is_begun, true);
        out.raw(if is_first { r#"{"role":"system","content":""# } else { "\\n\\n" });
    };
    if !instructions.is_empty() {
        begin(out);
        out.raw(instructions);
    }
    for said in texts {
        begin(out);
        joined(out, said, "\\n");
    }
    if is_begun {
        out.raw("\"}");
    }
    is_begun
}

/// The texts inside of one string.
pub(super) fn joined<'p, 'a: 'p>(
    out: &mut Writer,
    parts: impl IntoIterator<Item = &'p Part<'a>>,
    between: &str,
) {
    for (n, part) in parts.into_iter().filter(|part| part.is_text()).enumerate() {
        if n > 0 {
            out.raw(between);
        }
        part.write_text(out);
    }
}

/// One string: not every provider takes an array of texts.
fn text(out: &mut Writer, parts: &[Part<'_>], otherwise: &str) {
    out.raw("\"");
    if parts.iter().any(Part::is_text) || parts.is_empty() {
        joined(out, parts, "\\n");
    } else {
        out.raw(otherwise);
    }
    out.raw("\"");
}

fn user<'p, 'a: 'p>(out: &mut Writer, parts: impl Iterator<Item = &'p Part<'a>>) {
    out.raw(r#"{"role":"user","content":["#);
    out.list(parts, |out, part| part.write(out));
    out.raw("]}");
}

/// What only a user may send, in a message of the user behind.
fn attached<'p, 'a: 'p>(out: &mut Writer, parts: impl Iterator<Item = &'p Part<'a>>) {
    let mut attached = parts.filter(|part| !part.is_text()).peekable();
    if attached.peek().is_some() {
        out.raw(",");
        user(out, attached);
    }
}

fn write_turn(out: &mut Writer, turn: &Turn<'_>, tools: &mut Tools<'_>, added: &mut Added<'_>) {
    out.raw(r#"{"role":"assistant","content":"#);
    if turn.said.iter().any(Part::is_text) {
        out.raw("\"");
        joined(out, &turn.said, "");
        out.raw("\"");
    } else {
        out.raw("null");
    }
    if !turn.reasoning.is_empty() && added.write("reasoning_content") {
        out.raw(r#","reasoning_content":""#);
        joined(out, &turn.reasoning, "\\n\\n");
        out.raw("\"");
    }
    write_attached(out, &turn.attached, added);
    if !turn.calls.is_empty() {
        out.raw(r#","tool_calls":["#);
        out.list(&turn.calls, |out, call| write_call(out, call, tools, added));
        out.raw("]");
    }
    out.raw("}");
    for call in &turn.calls {
        out.raw(r#",{"role":"tool","tool_call_id":"#);
        out.text(&call.id);
        out.raw(r#","content":"#);
        write_output(out, call.output.as_ref(), tools);
        out.raw("}");
    }
    let gave = turn.calls.iter().filter_map(|call| match &call.output {
        Some(Output::Parts(parts)) => Some(parts),
        _ => None,
    });
    attached(out, turn.said.iter().chain(gave.flatten()));
}

/// Fields that a provider attached, each with a comma in front.
fn write_attached(out: &mut Writer, fields: &Fields, added: &mut Added<'_>) {
    for (name, raw) in fields {
        if added.write(name) {
            out.raw(",");
            out.text(name);
            out.raw(":");
            out.raw(raw.get());
        }
    }
}

fn write_call(out: &mut Writer, call: &Call<'_>, tools: &mut Tools<'_>, added: &mut Added<'_>) {
    out.raw(r#"{"id":"#);
    out.text(&call.id);
    out.raw(r#","type":"function","function":{"name":"#);
    out.text(&tools.names.of_call(call.kind, call.namespace.as_deref(), &call.name));
    out.raw(r#","arguments":""#);
    match &call.arguments {
        Arguments::Json(inside) => out.raw(inside),
        Arguments::Mended(json) => out.escaped(json),
        Arguments::Object(json) => out.escaped(json),
        Arguments::Custom(input) => {
            out.raw(r#"{\""#);
            out.raw(CUSTOM_PARAMETER);
            out.raw(r#"\":"#);
            out.escaped(input);
            out.raw("}");
        }
    }
    out.raw("\"");
    let attached = call.attached.as_ref();
    if let Some(attached) = attached {
        write_attached(out, &attached.function, added);
    }
    out.raw("}");
    if let Some(attached) = attached {
        write_attached(out, &attached.call, added);
    }
    out.raw("}");
}

fn write_output(out: &mut Writer, output: Option<&Output<'_>>, tools: &Tools<'_>) {
    match output {
        Some(Output::Parts(parts)) => text(out, parts, IN_THE_NEXT),
        Some(Output::Found(found)) => {
            out.raw("\"");
            tools.write_found(*found, out);
            out.raw("\"");
        }
        None => out.text(NO_OUTPUT),
    }
}
