use std::collections::HashSet;

use serde_json::value::RawValue;

use super::{
    elements::Elements,
    invalid::{At, Invalid},
    json::{array, borrowed, object, required, text},
    names::{LOCAL_SHELL, TOOL_SEARCH},
    tools::Tools,
    writer::Writer,
};

borrowed! {
    Given {
        kind: "type",
        name: "name",
        namespace: "namespace",
        mode: "mode",
        tools: "tools",
    }
}

/// Which tools the model must or may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Not said, or said of a tool that was dropped.
    Open,
    Mode(&'static str),
    Tool(usize),
}

impl Choice {
    /// Reads `tool_choice`; allowed tools are marked in `tools`.
    pub(super) fn read(raw: Option<&RawValue>, tools: &mut Tools<'_>) -> Result<Self, Invalid> {
        let Some(raw) = raw else { return Ok(Self::Open) };
        let at = format_args!("tool_choice");
        if raw.get().starts_with('"') {
            return mode(raw, &["auto", "none", "required"], at).map(Self::Mode);
        }
        let given: Given<'_> = object(raw, at)?;
        let kind =
            text(required(given.kind, format_args!("{at}.type"))?, format_args!("{at}.type"))?;
        if kind == "allowed_tools" {
            return allow(&given, tools, at);
        }
        Ok(find(&given, tools, at)?.map_or_else(
            || {
                tracing::warn!(kind = &*kind, "the choice of a tool that was dropped is dropped");
                Self::Open
            },
            Self::Tool,
        ))
    }

    /// Writes the field, with a comma behind.
    pub(super) fn write(self, tools: &Tools<'_>, out: &mut Writer) {
        match self {
            Self::Open => {}
            Self::Mode(mode) => {
                out.raw(r#""tool_choice":""#);
                out.raw(mode);
                out.raw("\",");
            }
            Self::Tool(tool) => {
                out.raw(r#""tool_choice":{"type":"function","function":{"name":""#);
                out.raw(tools.sent(tool));
                out.raw("\"}},");
            }
        }
    }
}

fn mode(raw: &RawValue, modes: &[&'static str], at: At<'_>) -> Result<&'static str, Invalid> {
    let given = text(raw, at)?;
    let known = modes.iter().find(|mode| **mode == given);
    known
        .copied()
        .ok_or_else(|| Invalid::new(at, format_args!("must be one of `{}`", modes.join("`, `"))))
}

fn allow(given: &Given<'_>, tools: &mut Tools<'_>, at: At<'_>) -> Result<Choice, Invalid> {
    let mode_at = format_args!("{at}.mode");
    let mode = given.mode.map_or(Ok("auto"), |raw| mode(raw, &["auto", "required"], mode_at))?;
    let list = required(given.tools, format_args!("{at}.tools"))?;
    let list: Elements<Given<'_>> = array(list, format_args!("{at}.tools"))?;
    let (mut allowed, mut namespaces) = (HashSet::new(), HashSet::new());
    for (n, one) in list.0.into_iter().enumerate() {
        let one = one.object(format_args!("{at}.tools[{n}]"))?;
        let one_at = format_args!("{at}.tools[{n}]");
        if one.kind.map(RawValue::get) == Some("\"namespace\"") {
            let name_at = format_args!("{one_at}.name");
            namespaces.insert(text(required(one.name, name_at)?, name_at)?);
        } else {
            allowed.extend(find(&one, tools, one_at)?);
        }
    }
    tools.allow(|n, called| {
        let namespace = called.namespace.as_deref();
        allowed.contains(&n) || namespace.is_some_and(|name| namespaces.contains(name))
    });
    Ok(Choice::Mode(mode))
}

/// The tool that is meant; `None` when it is of a type that is not sent.
fn find(given: &Given<'_>, tools: &Tools<'_>, at: At<'_>) -> Result<Option<usize>, Invalid> {
    let kind = text(required(given.kind, format_args!("{at}.type"))?, format_args!("{at}.type"))?;
    let name_at = format_args!("{at}.name");
    match &*kind {
        "function" | "custom" => {
            let name = text(required(given.name, name_at)?, name_at)?;
            let namespace = given.namespace.map(|raw| text(raw, format_args!("{at}.namespace")));
            let found = tools.find(namespace.transpose()?.as_deref(), &name);
            found
                .map(Some)
                .ok_or_else(|| Invalid::new(name_at, "is the name of no tool in `tools`"))
        }
        "local_shell" => Ok(tools.find(None, LOCAL_SHELL)),
        "tool_search" => Ok(tools.find(None, TOOL_SEARCH)),
        _ => Ok(None),
    }
}
