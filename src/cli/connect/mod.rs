//! `switchtower connect` and `switchtower disconnect`.
//!
//! | module | |
//! |---|---|
//! | `tool` | the tools, where their files are, and why others cannot be connected |
//! | `codex`, `opencode`, `profile` | the edits, text to text |
//! | `memory` | what is remembered, so that it can be undone |
//! | `file` | reading and writing, atomically |

mod codex;
mod file;
mod opencode;
mod profile;
mod text;
mod tool;
mod undo;

use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::args::{ConnectArgs, DisconnectArgs};
use super::check;
use super::output::{Failure, print};
use super::{config_source, url};
use tool::{Format, Tool};
use undo::Found;

/// A key is a secret, and these files are often shared.
const NEEDS_KEY: &str = "\
The gateway asks for a client key, which is not written into these files: give it by `env_key` (codex), \
`options.apiKey` (opencode) or OPENAI_API_KEY (shell).\n";

/// Points tools at the gateway. Nothing is written unless it can be done for all of them.
pub(super) fn connect(args: &ConnectArgs) -> Result<(), Failure> {
    let tools = match named(&args.tools)? {
        tools if tools.is_empty() => installed()?,
        tools => tools,
    };
    let config = args.file.config.as_deref();
    let url = match &args.url {
        Some(url) => url::given(url),
        None => url::configured(&config_source::find(config)?.1),
    };
    let url = url.map_err(Failure)?;
    let needs_key = args.url.is_none() && config_source::find(config)?.1.has_keys();
    let mut edits = Vec::new();
    for tool in tools {
        let (path, mut format) = placed(tool)?;
        if let Format::OpenCode(models) = &mut format {
            let (_, config) = config_source::find(config)?;
            *models = check::names(&config).into_iter().map(str::to_owned).collect();
        }
        edits.push(Edit::of(tool, path, |found| found.connect(&format, &url))?);
    }
    carry_out(&edits, args.dry_run, |edit| {
        let (tool, path) = (edit.tool.name(), edit.path.display());
        match &edit.to {
            to if !to.is_remembered() => {
                format!("{tool}: {path} already names {url}, by hand; there is nothing to do\n")
            }
            to if *to == edit.from => format!("{tool}: {path} already names {url}\n"),
            _ => format!(
                "{tool}: {path} now names {url}; {next}\n  undo it with: switchtower disconnect {tool}\n",
                next = match edit.tool {
                    Tool::Codex => try_codex(config),
                    Tool::OpenCode => "choose a switchtower model with /models".to_owned(),
                    Tool::Shell => "a new shell knows it".to_owned(),
                }
            ),
        }
    })?;
    if needs_key { print(NEEDS_KEY) } else { Ok(()) }
}

/// Codex's own default is a model that few providers have.
fn try_codex(config: Option<&Path>) -> String {
    let model = config_source::find(config).ok().and_then(|(_, config)| {
        let named = config.models.default_model.clone();
        named.or_else(|| check::names(&config).first().map(|model| (*model).to_owned()))
    });
    let model = model.map(|model| format!("-m {model} ")).unwrap_or_default();
    format!("while `switchtower` runs there, try: codex exec {model}\"hello\"")
}

/// Puts back what [`connect`] changed.
pub(super) fn disconnect(args: &DisconnectArgs) -> Result<(), Failure> {
    let named = named(&args.tools)?;
    let all = named.is_empty();
    let mut edits = Vec::new();
    for tool in if all { Tool::ALL.to_vec() } else { named } {
        // Without an explicit choice, a tool without a configuration file was never connected.
        let (path, format) = match tool.place() {
            Err(_) if all => continue,
            _ => placed(tool)?,
        };
        let found = file::find(&path);
        if all && !found.as_ref().is_ok_and(Found::is_remembered) {
            continue;
        }
        edits.push(Edit::of(tool, path, |found| found.disconnect(&format))?);
    }
    if edits.is_empty() {
        return print("No tool is connected.\n");
    }
    carry_out(&edits, args.dry_run, |edit| {
        let (tool, path) = (edit.tool.name(), edit.path.display());
        match (&edit.from, &edit.to.file) {
            (from, _) if !from.is_remembered() => {
                format!(
                    "{tool}: {path} was not changed by `switchtower connect`; there is nothing to undo\n"
                )
            }
            (from, None) if from.file.is_none() => format!("{tool}: {path} is gone already\n"),
            (_, None) => format!("{tool}: {path} is gone again, since nothing else was in it\n"),
            (from, _) if from.file == from.state => format!("{tool}: {path} is as it was\n"),
            _ => format!("{tool}: {path} is as it was, but for what was edited since\n"),
        }
    })
}

/// One file, as it is and as it shall be.
struct Edit {
    tool: Tool,
    path: PathBuf,
    from: Found,
    to: Found,
}

impl Edit {
    fn of(
        tool: Tool,
        path: PathBuf,
        change: impl FnOnce(&Found) -> Result<Found, String>,
    ) -> Result<Self, Failure> {
        let from = file::find(&path).map_err(Failure)?;
        let to = change(&from).map_err(|why| Failure(format!("{}: {why}", path.display())))?;
        if to.file != from.file {
            file::check(&path).map_err(Failure)?;
        }
        Ok(Self { tool, path, from, to })
    }

    /// What changes in the tool's own file.
    fn diff(&self) -> String {
        let text = |found: &'_ Found| found.file.clone().unwrap_or_default();
        let name = |found: &'_ Found| match found.file {
            Some(_) => self.path.display().to_string(),
            None => "/dev/null".to_owned(),
        };
        let (old, new) = (text(&self.from), text(&self.to));
        let diff = TextDiff::from_lines(&old, &new);
        diff.unified_diff().header(&name(&self.from), &name(&self.to)).to_string()
    }
}

/// Does it, or only shows it.
fn carry_out(
    edits: &[Edit],
    dry_run: bool,
    report: impl Fn(&Edit) -> String,
) -> Result<(), Failure> {
    for edit in edits {
        if dry_run {
            match edit.diff() {
                diff if diff.is_empty() => {
                    print(&format!("{}: nothing would change\n", edit.tool.name()))?;
                }
                diff => print(&diff)?,
            }
        } else {
            file::write(&edit.path, &edit.from, &edit.to).map_err(Failure)?;
            print(&report(edit))?;
        }
    }
    Ok(())
}

fn placed(tool: Tool) -> Result<(PathBuf, Format), Failure> {
    tool.place().map_err(|why| Failure(format!("{}: {why}", tool.name())))
}

/// The tools of these names, each once.
fn named(names: &[String]) -> Result<Vec<Tool>, Failure> {
    let mut tools = Vec::new();
    for name in names {
        let tool = Tool::named(name).map_err(Failure)?;
        if !tools.contains(&tool) {
            tools.push(tool);
        }
    }
    Ok(tools)
}

/// Those that are here, which is said.
fn installed() -> Result<Vec<Tool>, Failure> {
    let tools: Vec<_> = Tool::ALL.into_iter().filter(|tool| tool.is_installed()).collect();
    let names: Vec<_> = tools.iter().map(|tool| tool.name()).collect();
    if tools.is_empty() {
        let why = "neither codex nor opencode is installed; name a tool to connect it nevertheless";
        return Err(Failure(why.to_owned()));
    }
    print(&format!("Installed: {}\n", names.join(", ")))?;
    Ok(tools)
}
