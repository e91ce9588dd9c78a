//! `switchtower setup`.
//!
//! | module | |
//! |---|---|
//! | `preset` | the providers that are known |
//! | `plan` | what was decided, as a `gateway.yaml` |
//! | `dotenv` | a key in a `.env` |
//! | `probe` | whether a provider takes a key |
//! | `prompt` | interactive prompts on the terminal |

mod dotenv;
mod plan;
mod preset;
mod probe;
mod prompt;

use std::env;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indexmap::IndexMap;

use super::args::{Preset, SetupArgs};
use super::file;
use super::output::{Failure, complain, misuse, print};
use crate::config::{Config, Env, trim_key};
use plan::{Chosen, Plan};
use probe::Verdict;
use prompt::Asker;

/// Asks, or takes what the arguments say, and writes.
pub(super) fn run(args: &SetupArgs) -> Result<ExitCode, Failure> {
    let asker = Asker::new(args.yes);
    let directory = args.dir.clone().unwrap_or_default();
    let (yaml, dotenv) = (directory.join("gateway.yaml"), directory.join(".env"));
    if yaml.exists() && !args.force && !args.dry_run {
        let what = format!("{} is there already", yaml.display());
        if !asker.agrees(&format!("{what}; overwrite it?"))? {
            return Err(Failure(format!("{what}; --force overwrites it")));
        }
    }
    let presets = presets(args, &asker)?;
    let single = args.key_env.is_some() || args.key_stdin || args.base_url.is_some();
    let Some(first) = presets.first().copied() else {
        return Ok(misuse("there is nobody to ask: name a provider with --provider"));
    };
    if single && presets.len() > 1 {
        let why = "--key-env, --key-stdin and --base-url are for one --provider";
        return Ok(misuse(why));
    }
    if args.key_stdin && first.variable().is_none() {
        return Ok(misuse(&format!("{} needs no key", first.name())));
    }
    let before = text(&dotenv)?;
    let known = dotenv::pairs(&before);
    let mut keys = IndexMap::new();
    let mut chosen = Vec::new();
    for preset in presets {
        let (provider, key) = provider(preset, args, &asker, &known)?;
        if let (Some(name), Some(key)) = (&provider.variable, key) {
            keys.insert(name.clone(), key);
        }
        chosen.push(provider);
    }
    let plan = plan(args, &asker, chosen)?;
    let text = plan.yaml();
    // What is written here must pass `switchtower check`.
    Config::from_yaml(&yaml.display().to_string(), &text, &Env::empty())?;
    let after = with_keys(&before, &known, &keys, &dotenv, args, &asker)?;

    if args.dry_run {
        print(&format!("{}:\n\n{text}", yaml.display()))?;
        for name in keys.keys() {
            print(&format!("\n{}:\n\n{name}=***\n", dotenv.display()))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let wrong = |path: &Path, error: &io::Error| {
        Failure(format!("{} cannot be written: {error}", path.display()))
    };
    // The key first: without it the other file is of no use.
    if after != before {
        file::replace(&dotenv, &after, None).map_err(|error| wrong(&dotenv, &error))?;
        print(&format!("{} has the key; only you can read it\n", dotenv.display()))?;
    }
    file::replace(&yaml, &text, None).map_err(|error| wrong(&yaml, &error))?;
    print(&format!("{} is written\n{}", yaml.display(), next(args, &plan)))?;
    Ok(ExitCode::SUCCESS)
}

/// The named ones, else those that are chosen, by default those that could be used at once.
fn presets(args: &SetupArgs, asker: &Asker) -> Result<Vec<Preset>, Failure> {
    let mut presets = Vec::new();
    if !args.providers.is_empty() {
        for preset in &args.providers {
            if !presets.contains(preset) {
                presets.push(*preset);
            }
        }
        return Ok(presets);
    }
    let usable = |preset: &Preset| match preset.variable() {
        Some(variable) => {
            env::var_os(variable).is_some_and(|key| !key.to_string_lossy().trim().is_empty())
        }
        None => on_path(preset.name()),
    };
    let usable: Vec<_> = Preset::ALL.into_iter().filter(usable).collect();
    if !asker.asks() {
        return Ok(if args.yes { usable } else { Vec::new() });
    }
    let suggested = if usable.is_empty() { vec![Preset::Deepseek] } else { usable };
    let names = |presets: &[Preset]| presets.iter().map(|p| p.name()).collect::<Vec<_>>().join(" ");
    let question = format!("Which providers? {}", names(&Preset::ALL));
    loop {
        let answer = asker.line(&question, &names(&suggested))?;
        let words = answer.split([' ', ',']).filter(|word| !word.is_empty());
        match words.map(|word| Preset::named(word).ok_or(word)).collect::<Result<Vec<_>, _>>() {
            Ok(all) if !all.is_empty() => return Ok(all),
            Ok(_) => {}
            Err(word) => complain(&format!("`{word}` is none of them")),
        }
    }
}

/// A provider, and its key if that is to be kept.
fn provider(
    preset: Preset,
    args: &SetupArgs,
    asker: &Asker,
    known: &[(String, String)],
) -> Result<(Chosen, Option<String>), Failure> {
    let base_url = args.base_url.as_deref().unwrap_or(preset.base_url()).trim_end_matches('/');
    let usual = preset.variable().map(str::to_owned);
    let mut chosen = Chosen {
        preset,
        base_url: base_url.to_owned(),
        variable: usual.map(|usual| args.key_env.clone().unwrap_or(usual)),
        models: preset.models().iter().map(|&model| model.to_owned()).collect(),
    };
    let Some(variable) = chosen.variable.clone() else {
        if let Verdict::Taken(models) = probe::ask(base_url, preset.proof(), None)? {
            chosen.models = models;
        }
        return Ok((chosen, None));
    };
    let name = preset.name();
    let key = |text: &str| Some(trim_key(text).to_owned()).filter(|key| !key.trim().is_empty());
    let given = env::var(&variable).ok().and_then(|text| key(&text));
    let kept = || known.iter().find(|(name, _)| *name == variable).and_then(|(_, text)| key(text));
    let (found, mut fresh) = match args.key_stdin {
        true => (None, Some(stdin()?)),
        false => (given.or_else(kept), None),
    };
    loop {
        if found.is_none() && fresh.is_none() && asker.asks() {
            let question = format!("Key for {name} (empty: set {variable} later)");
            fresh = Some(asker.secret(&question)?).filter(|key| !key.is_empty());
        }
        let Some(key) = found.as_ref().or(fresh.as_ref()) else {
            note(&format!("{name} has no key yet: set {variable}"));
            return Ok((chosen, None));
        };
        let from =
            if found.is_some() { format!("the key in {variable}") } else { "this key".into() };
        let wrong = if !probe::fits(key) {
            format!("{from} cannot be sent in a header")
        } else {
            match probe::ask(base_url, preset.proof(), Some(key))? {
                Verdict::Refused => format!("{name} refuses {from}"),
                Verdict::Unknown(why) => {
                    note(&format!("the key for {name} is not checked: {why}"));
                    return Ok((chosen, fresh));
                }
                Verdict::Taken(_) => return Ok((chosen, fresh)),
            }
        };
        if fresh.is_some() && asker.asks() && !args.key_stdin {
            complain(&wrong);
            fresh = None;
        } else if args.force && probe::fits(key) {
            note(&wrong);
            return Ok((chosen, fresh));
        } else {
            return Err(Failure(format!("{wrong}\n  help: --force keeps one that is refused")));
        }
    }
}

fn plan(args: &SetupArgs, asker: &Asker, providers: Vec<Chosen>) -> Result<Plan, Failure> {
    let first = providers.first();
    let suggested = first.and_then(|p| p.models.first().cloned()).unwrap_or_default();
    let model = match &args.model {
        Some(model) => model.clone(),
        None => asker.line("Model of requests that name none", &suggested)?,
    };
    let port = loop {
        let Some(port) = args.port else {
            match asker.line("Port to listen on", "3000")?.parse() {
                Ok(port) => break port,
                Err(_) => complain("a port is a number up to 65535"),
            }
            continue;
        };
        break port;
    };
    let agents: Vec<_> =
        preset::AGENTS.into_iter().filter(|(_, program)| on_path(program)).collect();
    let agent = match agents.first() {
        Some((id, _)) => {
            let ids: Vec<_> = agents.iter().map(|(id, _)| *id).collect();
            let question = format!("Agent for tasks that no rule matches, of {}", ids.join(" "));
            loop {
                let answer = asker.line(&question, id)?;
                if ids.contains(&answer.as_str()) {
                    break Some(answer);
                }
                complain(&format!("`{answer}` is none of them"));
            }
        }
        None => None,
    };
    Ok(Plan { providers, model: Some(model).filter(|model| !model.is_empty()), port, agent })
}

/// The `.env` with these keys in it.
fn with_keys(
    before: &str,
    known: &[(String, String)],
    keys: &IndexMap<String, String>,
    path: &Path,
    args: &SetupArgs,
    asker: &Asker,
) -> Result<String, Failure> {
    let mut text = before.to_owned();
    for (name, key) in keys {
        let other = known.iter().any(|(known, value)| known == name && value != key);
        if other && !args.force && !args.dry_run {
            let what = format!("{} has another {name}", path.display());
            if !asker.agrees(&format!("{what}; overwrite it?"))? {
                return Err(Failure(format!("{what}; --force overwrites it")));
            }
        }
        text = dotenv::set(&text, name, key)
            .ok_or_else(|| Failure(format!("{}: set {name} by hand", path.display())))?;
    }
    Ok(text)
}

fn next(args: &SetupArgs, plan: &Plan) -> String {
    let config = args.dir.as_ref().map(|directory| directory.join("gateway.yaml"));
    let config = config.map(|path| format!(" --config {}", path.display())).unwrap_or_default();
    let tool = match on_path("codex") {
        true => "codex",
        false => "shell",
    };
    format!(
        "\nNext:\n  switchtower{config}\n      starts the gateway on http://127.0.0.1:{port}\n  \
         switchtower connect {tool}{config}\n      points {what} at it\n",
        port = plan.port,
        what = if tool == "codex" { "Codex" } else { "OpenAI SDKs" },
    )
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory: PathBuf| directory.join(program).is_file())
}

/// What a file has; nothing if it is not there.
fn text(path: &Path) -> Result<String, Failure> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| Failure(format!("{}: {error}", path.display()))),
    }
}

fn stdin() -> Result<String, Failure> {
    let mut key = String::new();
    let read = io::stdin().lock().take(64 << 10).read_to_string(&mut key);
    read.map_err(|error| Failure(format!("stdin cannot be read: {error}")))?;
    match key.trim() {
        "" => Err(Failure("there is no key on stdin".to_owned())),
        key => Ok(key.to_owned()),
    }
}

/// Something to know, which is no error.
fn note(message: &str) {
    prompt::say(&format!("note: {message}\n"));
}
