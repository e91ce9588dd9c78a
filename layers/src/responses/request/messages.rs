use super::{
    content::Part,
    conversation::{Arguments, Call, Message, Output, Turn},
    tools::Tools,
    writer::Writer,
};
use crate::responses::asked::CUSTOM_PARAMETER;

/// What the model is told of a call whose output is not in the input: the user cut it off.
const NO_OUTPUT: &str = "(no output: the call was cut off)";
/// What it is told when a tool gave nothing but images or files.
const IN_THE_NEXT: &str = "(the output is in the next user message)";

/// Writes an array of the messages.
pub(super) fn write(
    out: &mut Writer,
    instructions: Option<&str>,
    messages: &[Message<'_>],
    tools: &mut Tools<'_>,
) {
    out.raw("[");
    if let Some(instructions) = instructions {
        out.raw(r#"{"role":"system","content":"#);
        out.raw(instructions);
        out.raw("},");
    }
    out.list(messages, |out, message| match message {
        Message::System(said) => {
            out.raw(r#"{"role":"system","content":"#);
            text(out, said, "");
            out.raw("}");
            attached(out, said.iter());
        }
        Message::User(said) if said.iter().all(Part::is_text) => {
            out.raw(r#"{"role":"user","content":"#);
            text(out, said, "");
            out.raw("}");
        }
        Message::User(said) => user(out, said.iter()),
        Message::Turn(turn) => write_turn(out, turn, tools),
    });
    out.raw("]");
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

fn write_turn(out: &mut Writer, turn: &Turn<'_>, tools: &mut Tools<'_>) {
    out.raw(r#"{"role":"assistant","content":"#);
    if turn.said.iter().any(Part::is_text) {
        out.raw("\"");
        joined(out, &turn.said, "");
        out.raw("\"");
    } else {
        out.raw("null");
    }
    if !turn.reasoning.is_empty() {
        out.raw(r#","reasoning_content":""#);
        joined(out, &turn.reasoning, "\\n\\n");
        out.raw("\"");
    }
    if !turn.calls.is_empty() {
        out.raw(r#","tool_calls":["#);
        out.list(&turn.calls, |out, call| write_call(out, call, tools));
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

fn write_call(out: &mut Writer, call: &Call<'_>, tools: &mut Tools<'_>) {
    out.raw(r#"{"id":"#);
    out.text(&call.id);
    out.raw(r#","type":"function","function":{"name":"#);
    out.text(&tools.names.of_call(call.kind, call.namespace.as_deref(), &call.name));
    out.raw(r#","arguments":""#);
    match call.arguments {
        Arguments::Json(inside) => out.raw(inside),
        Arguments::Object(json) => out.escaped(json),
        Arguments::Custom(input) => {
            out.raw(r#"{\""#);
            out.raw(CUSTOM_PARAMETER);
            out.raw(r#"\":"#);
            out.escaped(input);
            out.raw("}");
        }
    }
    out.raw("\"}}");
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
