use serde_json::value::RawValue;

use super::{
    Options,
    fields::write_field,
    invalid::Invalid,
    json::{Shape, borrowed, object, required, text},
    writer::Writer,
};

borrowed! { Output { format: "format", verbosity: "verbosity", } }

borrowed! {
    Format {
        kind: "type",
        name: "name",
        description: "description",
        schema: "schema",
        strict: "strict",
    }
}

/// Writes what `text` asks for, each field with a comma behind.
pub(super) fn write(
    out: &mut Writer,
    raw: Option<&RawValue>,
    options: Options,
) -> Result<(), Invalid> {
    let Some(raw) = raw else { return Ok(()) };
    let context: Output<'_> = object(raw, format_args!("text"))?;
    if let Some(verbosity) = context.verbosity {
        Shape::Text.check(verbosity, format_args!("text.verbosity"))?;
    }
    write_field(out, "verbosity", context.verbosity.filter(|_| options.verbosity));
    context.format.map_or(Ok(()), |format| write_format(out, format))
}

fn write_format(out: &mut Writer, raw: &RawValue) -> Result<(), Invalid> {
    let format: Format<'_> = object(raw, format_args!("text.format"))?;
    let kind = required(format.kind, format_args!("text.format.type"))?;
    match &*text(kind, format_args!("text.format.type"))? {
        "text" => Ok(()),
        "json_object" => {
            out.raw(r#""response_format":{"type":"json_object"},"#);
            Ok(())
        }
        "json_schema" => write_schema(out, &format),
        _ => Err(Invalid::new(
            format_args!("text.format.type"),
            "must be `text`, `json_object` or `json_schema`",
        )),
    }
}

fn write_schema(out: &mut Writer, format: &Format<'_>) -> Result<(), Invalid> {
    let name = required(format.name, format_args!("text.format.name"))?;
    Shape::Text.check(name, format_args!("text.format.name"))?;
    let schema = required(format.schema, format_args!("text.format.schema"))?;
    Shape::Object.check(schema, format_args!("text.format.schema"))?;
    if let Some(description) = format.description {
        Shape::Text.check(description, format_args!("text.format.description"))?;
    }
    if let Some(strict) = format.strict {
        Shape::Boolean.check(strict, format_args!("text.format.strict"))?;
    }
    out.raw(r#""response_format":{"type":"json_schema","json_schema":{"#);
    write_field(out, "name", Some(name));
    write_field(out, "description", format.description);
    write_field(out, "strict", format.strict);
    out.raw(r#""schema":"#);
    out.raw(schema.get());
    out.raw("}},");
    Ok(())
}
