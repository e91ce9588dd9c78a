use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    Invalid, Options,
    added::Added,
    choice::Choice,
    fields::{Fields, write_field},
    format, messages,
    reader::Reader,
    tools::Tools,
    writer::Writer,
};
use crate::{Target, responses::ResponseContext};

/// The Chat request, and what its answer will need.
#[derive(Debug)]
pub struct Translated {
    /// The body to send to `/chat/completions`.
    pub body: Bytes,
    /// The context that the answer needs.
    pub context: ResponseContext,
}

/// The Chat Completions request for a Responses request: bytes in, bytes out, with no clock and no
/// I/O. `open` gives the reasoning text of an `encrypted_content`, or `None` when it is not ours.
///
/// Where the two differ:
///
/// - There is one system message, the first: `instructions`, and the texts of all system and
///   developer messages in their order, with a blank line between.
/// - Several texts of one message are joined by a line break, because not every provider takes an
///   array; with images or files among them they are an array. What only a user may send (an image
///   that a tool gave) follows in a message of the user.
/// - A call without an output was cut off by the user, and gets an output that says so. An output
///   without a call is an error.
/// - Custom tools are functions of one string, `input`; their grammar is in the description. Tools
///   in a namespace are `namespace__name`. [`ResponseContext::tools`] maps the names back. Tools that the
///   provider would have to run are dropped with a warning.
/// - The arguments of calls in the history are mended to a JSON object when they are none.
/// - `store`, `metadata` and whatever else Chat Completions does not have is not sent;
///   [`ResponseContext::echo`] has what the answer repeats. `previous_response_id` is not resolved.
///
/// # Errors
///
/// When the body is not a JSON object, a field has a wrong type or stands there twice, `input` has
/// nothing to answer, an output belongs to no call, an item refers to a stored one, a choice names
/// no tool, `background` is asked for, or a `conversation` or a `prompt` that is kept elsewhere. Fields that mean nothing here are no error.
///
/// ```
/// use switchtower_layers::responses::{Options, translate_request};
///
/// let request = br#"{"model": "qwen3:14b", "input": "Hello", "store": false}"#;
/// let translated = translate_request(request, &Options::default(), &|_| None).unwrap();
/// assert_eq!(
///     translated.body,
///     r#"{"model":"qwen3:14b","messages":[{"role":"user","content":"Hello"}]}"#
/// );
/// assert_eq!(translated.context.echo.get("store").unwrap().get(), "false");
///
/// let request = br#"{"input": [{"role": "robot", "content": "Hello"}]}"#;
/// let invalid = translate_request(request, &Options::default(), &|_| None).unwrap_err();
/// assert_eq!(invalid.param.as_deref(), Some("input[0].role"));
/// ```
pub fn translate(
    body: &[u8],
    options: &Options,
    open: &dyn Fn(&str) -> Option<String>,
) -> Result<Translated, Invalid> {
    translate_for(body, options, None, &[], open).map(|(translated, _)| translated)
}

/// The same for a target, which gets what it attached itself and nothing that it refuses; also the
/// fields that no client asked for in this form.
pub(in crate::responses) fn translate_for(
    body: &[u8],
    options: &Options,
    target: Option<&Target>,
    refused: &[Box<str>],
    open: &dyn Fn(&str) -> Option<String>,
) -> Result<(Translated, Vec<Box<str>>), Invalid> {
    let mut reader = Reader::new(target, open);
    let mut fields = Fields::read(body, &mut |item| reader.push(item))?;
    let conversation = reader.finish(fields.input.take())?;
    let mut tools = Tools::read(fields.tools, &conversation.tools)?;
    let choice = Choice::read(fields.tool_choice, &mut tools)?;
    let mut added = Added::without(refused);

    let mut out = Writer::with_capacity(body.len() + body.len() / 8 + 512);
    out.raw("{");
    write_field(&mut out, "model", fields.model);
    if fields.streamed() {
        out.raw(r#""stream":true,"#);
        if options.include_usage && added.write("stream_options") {
            out.raw(r#""stream_options":{"include_usage":true},"#);
        }
    }
    fields.write_sampling(&mut out);
    write_field(&mut out, options.max_tokens.as_str(), fields.max_output_tokens);
    let mut write_added = |out: &mut Writer, name, raw: Option<&RawValue>| {
        write_field(out, name, raw.filter(|_| added.write(name)));
    };
    write_added(&mut out, "reasoning_effort", fields.effort()?);
    format::write(&mut out, fields.text, *options)?;
    if !tools.is_empty() {
        out.raw(r#""tools":"#);
        tools.write(&mut out);
        out.raw(",");
        choice.write(&tools, &mut out);
        write_added(&mut out, "parallel_tool_calls", fields.parallel_tool_calls);
    }
    fields.write_passed(options.passes, &mut added, &mut out);
    out.raw(r#""messages":"#);
    let instructions = fields.instructions.map(RawValue::get).unwrap_or("\"\"");
    // Without its quotes.
    let instructions = &instructions[1..instructions.len() - 1];
    messages::write(&mut out, instructions, &conversation.messages, &mut tools, &mut added);
    out.raw("}");

    let context = ResponseContext {
        model: fields.model()?,
        stream: fields.streamed(),
        include_encrypted: fields.includes("reasoning.encrypted_content")?,
        tools: tools.names.into_map(),
        echo: fields.echo(),
        target: target.cloned(),
    };
    Ok((Translated { body: out.finish(), context }, added.into_fields()))
}
