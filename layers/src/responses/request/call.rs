//! Calls as they stand in `input`.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    arguments,
    conversation::{Arguments, Call},
    invalid::{At, Invalid},
    item::Item,
    json::{inside, required, text},
    names::{LOCAL_SHELL, TOOL_SEARCH},
};
use crate::responses::context::ToolKind;

pub(super) fn function<'a>(item: &Item<'a>, at: At<'_>) -> Result<Call<'a>, Invalid> {
    let arguments = arguments(item.arguments, format_args!("{at}.arguments"))?;
    call(item, ToolKind::Function, name(item, at)?, arguments, at)
}

pub(super) fn custom<'a>(item: &Item<'a>, at: At<'_>) -> Result<Call<'a>, Invalid> {
    let input_at = format_args!("{at}.input");
    let input = required(item.input, input_at)?;
    inside(input, input_at)?;
    call(item, ToolKind::Custom, name(item, at)?, Arguments::Custom(input.get()), at)
}

pub(super) fn local_shell<'a>(item: &Item<'a>, at: At<'_>) -> Result<Call<'a>, Invalid> {
    let action_at = format_args!("{at}.action");
    let arguments = arguments(Some(required(item.action, action_at)?), action_at)?;
    call(item, ToolKind::LocalShell, LOCAL_SHELL.into(), arguments, at)
}

pub(super) fn tool_search<'a>(item: &Item<'a>, at: At<'_>) -> Result<Call<'a>, Invalid> {
    let arguments = arguments(item.arguments, format_args!("{at}.arguments"))?;
    call(item, ToolKind::ToolSearch, TOOL_SEARCH.into(), arguments, at)
}

/// The id by which calls and outputs find each other.
pub(super) fn id<'a>(item: &Item<'a>, at: At<'_>) -> Result<Cow<'a, str>, Invalid> {
    // The output of a local shell call may have the call's id as its own.
    let raw = item.call_id.or(item.id);
    text(required(raw, format_args!("{at}.call_id"))?, format_args!("{at}.call_id"))
}

fn call<'a>(
    item: &Item<'a>,
    kind: ToolKind,
    name: Cow<'a, str>,
    arguments: Arguments<'a>,
    at: At<'_>,
) -> Result<Call<'a>, Invalid> {
    let namespace = item.namespace.map(|raw| text(raw, format_args!("{at}.namespace")));
    let (id, namespace) = (id(item, at)?, namespace.transpose()?);
    Ok(Call { id, kind, namespace, name, arguments, attached: None, output: None })
}

fn name<'a>(item: &Item<'a>, at: At<'_>) -> Result<Cow<'a, str>, Invalid> {
    let at = format_args!("{at}.name");
    text(required(item.name, at)?, at)
}

/// Arguments come as a string of JSON or as the object itself. What is no object is made one.
fn arguments<'a>(raw: Option<&'a RawValue>, at: At<'_>) -> Result<Arguments<'a>, Invalid> {
    let Some(raw) = raw else { return Ok(Arguments::Json("{}")) };
    if raw.get().starts_with('{') {
        return Ok(Arguments::Object(raw.get()));
    }
    let json = inside(raw, at)?;
    let Ok(decoded) = text(raw, at) else {
        // Halves of characters are passed on as they are.
        return Ok(Arguments::Json(json));
    };
    Ok(match arguments::object(&decoded) {
        Cow::Borrowed(_) => Arguments::Json(json),
        Cow::Owned(object) => Arguments::Mended(object),
    })
}
