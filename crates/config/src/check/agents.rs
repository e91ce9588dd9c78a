//! Agents.

use std::time::Duration;

use indexmap::IndexMap;
use serde_saphyr::Spanned;

use super::Checker;
use super::provider::is_variable;
use crate::error::SourcePosition;
use crate::raw::{Entries, RawAgent, RawAgentType, RawInput, Text};
use crate::{Agent, AgentKind, Input, Program, Secret, TasksConfig, agent_id, is_local};

impl Checker<'_> {
    pub(super) fn agents(&mut self, raw: Vec<Spanned<RawAgent>>, allow_remote: bool) -> Vec<Agent> {
        self.unique("agent", raw.iter().filter_map(|agent| agent.value.id.as_ref()));
        raw.into_iter().filter_map(|agent| self.agent(agent, allow_remote)).collect()
    }

    fn agent(&mut self, raw: Spanned<RawAgent>, allow_remote: bool) -> Option<Agent> {
        let place = SourcePosition::of(&raw);
        let mut raw = raw.value;
        let Some(id) = raw.id.take() else {
            self.wrong_at(place, "this agent has no id");
            return None;
        };
        if let Err(reason) = agent_id(&id.value) {
            self.wrong(&id, reason);
        }
        let id = id.value;
        let Some(kind) = raw.r#type else {
            self.wrong_at(place, format!("the agent `{id}` has no type"))
                .help("the types are: claude-code, openclaw, codex, process, http".to_owned());
            return None;
        };
        self.misplaced(&raw, kind);
        let name = raw.name.take().map_or_else(|| id.clone(), |name| self.named("name", name));
        let capabilities = self.list("capability", raw.capabilities.take());
        let env = self.environment(raw.env.take());
        let timeout = self
            .within("timeout", 1..=TasksConfig::MAX_TIMEOUT_S, raw.timeout.take())
            .map(Duration::from_secs);
        let most = 1..=TasksConfig::MAX_SLOTS;
        let max_concurrent = self
            .within("max_concurrent", most, raw.max_concurrent.take())
            .map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        let kind = match kind {
            RawAgentType::ClaudeCode => {
                AgentKind::ClaudeCode(self.program(raw, Program::claude_code()))
            }
            RawAgentType::Openclaw => AgentKind::Openclaw(self.program(raw, Program::openclaw())),
            RawAgentType::Codex => AgentKind::Codex(self.program(raw, Program::codex())),
            RawAgentType::Process => {
                if raw.command.is_none() {
                    self.wrong_at(place, format!("the process agent `{id}` has no command"));
                    return None;
                }
                let nothing =
                    Program { command: String::new(), args: Vec::new(), input: Input::Stdin };
                AgentKind::Process(self.program(raw, nothing))
            }
            RawAgentType::Http => {
                let Some(endpoint) = &raw.endpoint else {
                    self.wrong_at(place, format!("the http agent `{id}` has no endpoint"));
                    return None;
                };
                let uri = self.url(endpoint)?;
                if !allow_remote && !is_local(&uri) {
                    self.wrong(endpoint, "this endpoint is not on this machine").help(
                        "write 127.0.0.1 or localhost, or set `allow_remote_agents: true`"
                            .to_owned(),
                    );
                }
                AgentKind::Http { endpoint: uri }
            }
        };
        Some(Agent { id, name, kind, capabilities, env, timeout, max_concurrent })
    }

    /// A setting without effect is a mistake that would go unnoticed.
    fn misplaced(&mut self, raw: &RawAgent, kind: RawAgentType) {
        let is_http = kind == RawAgentType::Http;
        let first =
            |list: Option<&Vec<Text>>| list.and_then(|list| SourcePosition::of(list.first()?));
        let env = raw.env.as_ref().and_then(|env| SourcePosition::of(&env.0.first()?.0));
        for (setting, place, owner, belongs) in [
            (
                "command",
                raw.command.as_ref().and_then(SourcePosition::of),
                "run a program",
                !is_http,
            ),
            ("args", first(raw.args.as_ref()), "run a program", !is_http),
            ("input", raw.input.as_ref().and_then(SourcePosition::of), "run a program", !is_http),
            ("env", env, "run a program", !is_http),
            (
                "endpoint",
                raw.endpoint.as_ref().and_then(SourcePosition::of),
                "are of type http",
                is_http,
            ),
        ] {
            if place.is_some() && !belongs {
                self.wrong_at(place, format!("`{setting}` is for agents that {owner}"));
            }
        }
    }

    /// What is given, and for the rest how the program is usually run.
    fn program(&mut self, raw: RawAgent, usual: Program) -> Program {
        for text in raw.command.iter().chain(raw.args.iter().flatten()) {
            if text.value.contains('\0') {
                self.wrong(text, "no program can be given a zero byte");
            }
        }
        Program {
            command: raw.command.map_or(usual.command, |command| self.named("command", command)),
            args: raw
                .args
                .map_or(usual.args, |args| args.into_iter().map(|arg| arg.value).collect()),
            input: raw.input.map_or(usual.input, |input| match input.value {
                RawInput::Stdin => Input::Stdin,
                RawInput::Argument => Input::Argument,
            }),
        }
    }

    /// The values of `${NAME}` come from where keys come from. They may be keys, so none is shown.
    fn environment(&mut self, entries: Option<Entries<Text>>) -> IndexMap<String, Secret> {
        let entries = entries.map(|entries| entries.0).unwrap_or_default();
        self.unique("variable", entries.iter().map(|(name, _)| name));
        let mut env = IndexMap::new();
        for (name, value) in entries {
            if !is_variable(&name.value) {
                self.wrong(&name, "this is not the name of an environment variable").secret();
                continue;
            }
            match self.expanded(&value.value) {
                Err(missing) => self.warnings.push(format!(
                    "line {} sets {} from {missing}, which is not set, so it is left out",
                    name.referenced.line(),
                    name.value
                )),
                Ok(text) if text.contains('\0') => {
                    self.wrong(&value, "no program can be given a zero byte").secret();
                }
                Ok(text) => {
                    env.insert(name.value, Secret::new(text));
                }
            }
        }
        env
    }

    /// The text with the value of each variable; the name of the first that is not set.
    fn expanded(&mut self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            match after.split_once('}').filter(|(name, _)| is_variable(name)) {
                Some((name, after)) => {
                    let found = self.env.resolve(&[name]);
                    out.push_str(found.get(name).ok_or(name)?);
                    self.warnings.extend(found.warnings);
                    rest = after;
                }
                None => {
                    out.push_str("${");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}
