//! The well-known command-line agents, and how each is given a task without a terminal.

/// Command line of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// `command`: a name that is looked for on `PATH`, or a path.
    pub command: String,
    /// `args`: what it is given always.
    pub args: Vec<String>,
    /// `input`: how it is given the task.
    pub input: Input,
}

/// The way in which a program gets its task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// `stdin`, which is closed then. The default, but for OpenClaw and Aider.
    #[default]
    Stdin,
    /// `argument`: the last one, after `args`. The task may not begin with `-` then.
    Argument,
}

impl Program {
    fn new(command: &str, args: &[&str], input: Input) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { command: command.to_owned(), args, input }
    }

    /// Prints the answer and ends; without a prompt among the arguments it reads it from stdin, see
    /// <https://code.claude.com/docs/en/headless>.
    #[must_use]
    pub fn claude_code() -> Self {
        Self::new("claude", &["-p"], Input::Stdin)
    }

    /// `-` reads the prompt from stdin; the answer alone goes to stdout. It would not run outside a
    /// Git repository, where gateways often are, though it only reads unless its own configuration
    /// lets it write. See <https://developers.openai.com/codex/noninteractive>.
    #[must_use]
    pub fn codex() -> Self {
        Self::new("codex", &["exec", "--skip-git-repo-check", "-"], Input::Stdin)
    }

    /// Runs one turn of OpenClaw's default agent. The message is an argument, and a session has to
    /// be chosen, see <https://docs.openclaw.ai/cli/agent>.
    #[must_use]
    pub fn openclaw() -> Self {
        Self::new("openclaw", &["agent", "--agent", "main", "--message"], Input::Argument)
    }

    /// Runs Gemini without a terminal: it reads the prompt from stdin, prints the answer and ends,
    /// see <https://geminicli.com/docs/cli/headless/>.
    #[must_use]
    pub fn gemini() -> Self {
        Self::new("gemini", &[], Input::Stdin)
    }

    /// Runs one message without confirmation, see <https://aider.chat/docs/scripting.html>.
    #[must_use]
    pub fn aider() -> Self {
        let args = ["--yes-always", "--no-pretty", "--no-check-update", "--message"];
        Self::new("aider", &args, Input::Argument)
    }
}
