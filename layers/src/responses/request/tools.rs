use std::{borrow::Cow, collections::HashMap};

use serde_json::value::RawValue;

use super::{
    content::Part,
    definition::{Definition, Given},
    dropped::DroppedFields,
    elements::Elements,
    invalid::{At, Invalid},
    json::{array, inside, required, text},
    names::{KINDS, LOCAL_SHELL, Names, TOOL_SEARCH, is_plain},
    writer::Writer,
};
use crate::responses::context::{ToolKind, ToolRef};

/// The functions of the Chat request.
#[derive(Debug, Default)]
pub(super) struct Tools<'a> {
    declared: Vec<Declared<'a>>,
    pub(super) names: Names,
    /// Where each of them is.
    places: HashMap<ToolRef, usize>,
    /// Per array of tools among the items: which tools it declares.
    found: Vec<Vec<usize>>,
    dropped: DroppedFields,
}

#[derive(Debug)]
pub(super) struct Declared<'a> {
    pub(super) called: ToolRef,
    /// The name it is sent under.
    pub(super) sent: Box<str>,
    pub(super) is_allowed: bool,
    definition: Definition<'a>,
    /// What its namespace says of itself.
    preface: Option<&'a str>,
}

/// The namespace that tools are in.
#[derive(Clone, Copy)]
struct Namespace<'a, 'n> {
    name: &'n str,
    description: Option<&'a str>,
}

impl<'a> Tools<'a> {
    /// The tools of the request, and behind them those among the items. One that is declared again
    /// keeps its place and has its last definition.
    pub(super) fn read(
        given: Option<&'a RawValue>,
        among_items: &[(String, &'a RawValue)],
    ) -> Result<Self, Invalid> {
        let mut tools = Self::default();
        if let Some(given) = given {
            tools.add(given, None, &mut Vec::new(), format_args!("tools"))?;
        }
        for (at, given) in among_items {
            let mut found = Vec::new();
            tools.add(given, None, &mut found, format_args!("{at}"))?;
            tools.found.push(found);
        }
        tools.dropped.warn("tools that a provider would have to run");
        tools.name();
        Ok(tools)
    }

    fn add(
        &mut self,
        raw: &'a RawValue,
        namespace: Option<Namespace<'a, '_>>,
        found: &mut Vec<usize>,
        at: At<'_>,
    ) -> Result<(), Invalid> {
        let given: Elements<Given<'a>> = array(raw, at)?;
        for (n, given) in given.0.into_iter().enumerate() {
            let given = given.object(format_args!("{at}[{n}]"))?;
            self.add_one(&given, namespace, found, format_args!("{at}[{n}]"))?;
        }
        Ok(())
    }

    fn add_one(
        &mut self,
        given: &Given<'a>,
        namespace: Option<Namespace<'a, '_>>,
        found: &mut Vec<usize>,
        at: At<'_>,
    ) -> Result<(), Invalid> {
        let kind =
            text(required(given.kind, format_args!("{at}.type"))?, format_args!("{at}.type"))?;
        let execution = given.execution.map(RawValue::get);
        let (kind, name) = match &*kind {
            "function" => (ToolKind::Function, name(given, at)?),
            "custom" => (ToolKind::Custom, name(given, at)?),
            "local_shell" => (ToolKind::LocalShell, LOCAL_SHELL.into()),
            "tool_search" if execution == Some("\"client\"") => {
                (ToolKind::ToolSearch, TOOL_SEARCH.into())
            }
            "namespace" if namespace.is_none() => {
                let name = name(given, at)?;
                let description =
                    given.description.map(|raw| inside(raw, format_args!("{at}.description")));
                let namespace = Namespace { name: &name, description: description.transpose()? };
                let tools = required(given.tools, format_args!("{at}.tools"))?;
                return self.add(tools, Some(namespace), found, format_args!("{at}.tools"));
            }
            kind => {
                self.dropped.add(kind);
                return Ok(());
            }
        };
        let called = ToolRef {
            kind,
            name: name.into(),
            namespace: namespace.map(|space| space.name.into()),
        };
        let definition = Definition::read(kind, given, at)?;
        let preface = namespace.and_then(|namespace| namespace.description);
        found.push(self.put(called, definition, preface.filter(|text| !text.is_empty())));
        Ok(())
    }

    fn put(
        &mut self,
        called: ToolRef,
        definition: Definition<'a>,
        preface: Option<&'a str>,
    ) -> usize {
        let n = *self.places.entry(called.clone()).or_insert(self.declared.len());
        match self.declared.get_mut(n) {
            Some(known) => known.definition = definition,
            None => {
                let sent = Box::default();
                let tool = Declared { called, sent, is_allowed: true, definition, preface };
                self.declared.push(tool);
            }
        }
        n
    }

    /// Names that can stay as they are come first, so that no other tool takes them.
    fn name(&mut self) {
        let is_plain =
            |tool: &Declared<'_>| tool.called.namespace.is_none() && is_plain(&tool.called.name);
        for plain in [true, false] {
            for tool in self.declared.iter_mut().filter(|tool| is_plain(tool) == plain) {
                tool.sent = self.names.declare(&tool.called);
            }
        }
    }

    /// The tool that a choice means, whatever kind of tool it takes it for.
    pub(super) fn find(&self, namespace: Option<&str>, name: &str) -> Option<usize> {
        let of_kind =
            |kind| ToolRef { kind, name: name.into(), namespace: namespace.map(Box::from) };
        KINDS.iter().find_map(|kind| self.places.get(&of_kind(*kind)).copied())
    }

    pub(super) fn sent(&self, tool: usize) -> &str {
        &self.declared[tool].sent
    }

    /// Leaves only those that `is_allowed`.
    pub(super) fn allow(&mut self, is_allowed: impl Fn(usize, &ToolRef) -> bool) {
        for (n, tool) in self.declared.iter_mut().enumerate() {
            tool.is_allowed = is_allowed(n, &tool.called);
        }
    }

    /// Whether none is left.
    pub(super) fn is_empty(&self) -> bool {
        !self.declared.iter().any(|tool| tool.is_allowed)
    }

    /// Writes an array of what is allowed. The first tool of a namespace says what that is.
    pub(super) fn write(&self, out: &mut Writer) {
        let mut last = None;
        out.raw("[");
        out.list(self.declared.iter().filter(|tool| tool.is_allowed), |out, tool| {
            let namespace = tool.called.namespace.as_deref();
            let is_first = last.replace(namespace) != Some(namespace);
            let preface = tool.preface.filter(|_| is_first).map(Part::Json);
            tool.definition.write(out, &tool.sent, preface.as_ref());
        });
        out.raw("]");
    }

    /// Inside of a string: the names of what a search found.
    pub(super) fn write_found(&self, found: usize, out: &mut Writer) {
        let found = &self.found[found];
        out.raw(if found.is_empty() {
            "No tools were found."
        } else {
            "Tools that can be called now: "
        });
        for (n, tool) in found.iter().enumerate() {
            out.raw(if n > 0 { ", " } else { "" });
            out.raw(self.sent(*tool));
        }
    }
}

fn name<'a>(given: &Given<'a>, at: At<'_>) -> Result<Cow<'a, str>, Invalid> {
    let name = text(required(given.name, format_args!("{at}.name"))?, format_args!("{at}.name"))?;
    if name.is_empty() {
        return Err(Invalid::new(format_args!("{at}.name"), "must not be empty"));
    }
    Ok(name)
}
