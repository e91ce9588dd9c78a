use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    content::Part,
    invalid::{At, Invalid},
    json::{Shape, borrowed, inside, object, required, text},
    messages::joined,
    writer::Writer,
};
use crate::responses::context::{CUSTOM_PARAMETER, ToolKind};

borrowed! {
    /// What a tool may have.
    Given {
        kind: "type",
        name: "name",
        description: "description",
        parameters: "parameters",
        strict: "strict",
        format: "format",
        tools: "tools",
        execution: "execution",
    }
}

borrowed! { Format { kind: "type", syntax: "syntax", definition: "definition", } }

const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

const SHELL_DESCRIPTION: &str = "Runs a command on the user's machine and returns its output.";
const SHELL_PARAMETERS: &str = r#"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},"description":"The program and its arguments."},"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"},"env":{"type":"object","additionalProperties":{"type":"string"}}},"required":["command"]}"#;

/// What a function says of itself.
#[derive(Debug)]
pub(super) struct Definition<'a> {
    description: Vec<Part<'a>>,
    parameters: Cow<'a, str>,
    strict: Option<&'a RawValue>,
}

impl<'a> Definition<'a> {
    pub(super) fn read(kind: ToolKind, given: &Given<'a>, at: At<'_>) -> Result<Self, Invalid> {
        let described = given.description.map(|raw| inside(raw, format_args!("{at}.description")));
        let mut description: Vec<_> = described.transpose()?.map(Part::Json).into_iter().collect();
        let mut strict = None;
        let parameters = match kind {
            ToolKind::Function => {
                strict = given.strict;
                checked(strict, Shape::Boolean, format_args!("{at}.strict"))?;
                parameters(given, at)?
            }
            ToolKind::ToolSearch => parameters(given, at)?,
            ToolKind::Custom => {
                description.extend(freeform(given.format, format_args!("{at}.format"))?);
                custom_parameters()
            }
            ToolKind::LocalShell => {
                description.push(Part::Text(SHELL_DESCRIPTION.into()));
                SHELL_PARAMETERS.into()
            }
        };
        Ok(Self { description, parameters, strict })
    }

    /// Writes the tool; `preface` is what its namespace says of itself.
    pub(super) fn write(&self, out: &mut Writer, name: &str, preface: Option<&Part<'_>>) {
        out.raw(r#"{"type":"function","function":{"name":""#);
        // Names are safe: `Names` makes them.
        out.raw(name);
        out.raw("\"");
        if preface.is_some() || !self.description.is_empty() {
            out.raw(r#","description":""#);
            joined(out, preface.into_iter().chain(&self.description), "\\n\\n");
            out.raw("\"");
        }
        out.raw(r#","parameters":"#);
        out.raw(&self.parameters);
        if let Some(strict) = self.strict {
            out.raw(r#","strict":"#);
            out.raw(strict.get());
        }
        out.raw("}}");
    }
}

fn parameters<'a>(given: &Given<'a>, at: At<'_>) -> Result<Cow<'a, str>, Invalid> {
    checked(given.parameters, Shape::Object, format_args!("{at}.parameters"))?;
    Ok(given.parameters.map_or(NO_PARAMETERS, RawValue::get).into())
}

fn checked(raw: Option<&RawValue>, shape: Shape, at: At<'_>) -> Result<(), Invalid> {
    raw.map_or(Ok(()), |raw| shape.check(raw, at))
}

/// One required string.
fn custom_parameters() -> Cow<'static, str> {
    format!(
        r#"{{"type":"object","properties":{{"{CUSTOM_PARAMETER}":{{"type":"string","description":"The tool's whole input, as it is."}}}},"required":["{CUSTOM_PARAMETER}"],"additionalProperties":false}}"#
    )
    .into()
}

/// How the text for a custom tool has to look.
fn freeform<'a>(raw: Option<&'a RawValue>, at: At<'_>) -> Result<Vec<Part<'a>>, Invalid> {
    let whole = format!("Put the tool's whole input into `{CUSTOM_PARAMETER}`, as plain text.");
    let mut parts = vec![Part::Text(whole.into())];
    let Some(raw) = raw else { return Ok(parts) };
    let format: Format<'_> = object(raw, at)?;
    let kind = required(format.kind, format_args!("{at}.type"))?;
    if text(kind, format_args!("{at}.type"))? != "grammar" {
        return Ok(parts);
    }
    let definition_at = format_args!("{at}.definition");
    let definition = inside(required(format.definition, definition_at)?, definition_at)?;
    let syntax = format.syntax.map(|raw| text(raw, format_args!("{at}.syntax"))).transpose()?;
    let syntax = syntax.as_deref().unwrap_or("following");
    parts.push(Part::Text(format!("The text must follow this {syntax} grammar:").into()));
    parts.push(Part::Json(definition));
    Ok(parts)
}
