use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    Invalid, Options,
    choice::Choice,
    fields::{Fields, write_field},
    format, messages,
    reader::Reader,
    tools::Tools,
    writer::Writer,
};
use crate::responses::Asked;

/// The Chat request, and what its answer will need.
#[derive(Debug)]
pub struct Translated {
    /// The body to send to `/chat/completions`.
    pub body: Bytes,
    /// What the answer needs.
    pub asked: Asked,
}

/// The Chat Completions request for a Responses request.
///
/// `open` gives the reasoning text of an `encrypted_content`, or `None` when it is not ours.
///
/// # Errors
///
/// When the body is not a JSON object, a field has a wrong type, `input` has nothing to answer, an
/// output belongs to no call, an item refers to a stored one, or `background` is asked for. Fields
/// that mean nothing here are no error, whatever they hold.
pub fn translate(
    body: &[u8],
    options: &Options,
    open: &dyn Fn(&str) -> Option<String>,
) -> Result<Translated, Invalid> {
    let mut reader = Reader::new(open);
    let mut fields = Fields::read(body, &mut |item| reader.push(item))?;
    let conversation = reader.finish(fields.input.take())?;
    let mut tools = Tools::read(fields.tools, &conversation.tools)?;
    let choice = Choice::read(fields.tool_choice, &mut tools)?;

    let mut out = Writer::with_capacity(body.len() + body.len() / 8 + 512);
    out.raw("{");
    write_field(&mut out, "model", fields.model);
    if fields.streamed() {
        out.raw(r#""stream":true,"stream_options":{"include_usage":true},"#);
    }
    fields.write_sampling(&mut out);
    write_field(&mut out, options.max_tokens.as_str(), fields.max_output_tokens);
    write_field(&mut out, "reasoning_effort", fields.effort()?);
    format::write(&mut out, fields.text, *options)?;
    if !tools.is_empty() {
        out.raw(r#""tools":"#);
        tools.write(&mut out);
        out.raw(",");
        choice.write(&tools, &mut out);
        write_field(&mut out, "parallel_tool_calls", fields.parallel_tool_calls);
    }
    out.raw(r#""messages":"#);
    let instructions = fields.instructions.map(RawValue::get).filter(|text| *text != "\"\"");
    messages::write(&mut out, instructions, &conversation.messages, &mut tools);
    out.raw("}");

    let asked = Asked {
        model: fields.model()?,
        stream: fields.streamed(),
        include_encrypted: fields.includes("reasoning.encrypted_content")?,
        tools: tools.names.into_map(),
        echo: fields.echo(),
    };
    Ok(Translated { body: out.finish(), asked })
}
