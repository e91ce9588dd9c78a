//! Interactive prompts on the terminal.

use std::io::{self, IsTerminal, Read, Write};
use std::process;

use crate::cli::output::Failure;
use crate::cli::signals::INTERRUPTED;

const CTRL_C: u8 = 3;

/// Asks on stderr, and reads the answers from stdin.
pub(super) struct Asker(bool);

impl Asker {
    /// Without a terminal, or with `is_quiet`, there are no prompts.
    pub(super) fn new(is_quiet: bool) -> Self {
        Self(!is_quiet && io::stdin().is_terminal() && io::stderr().is_terminal())
    }

    pub(super) fn asks(&self) -> bool {
        self.0
    }

    /// The answer, or what is suggested.
    pub(super) fn line(&self, question: &str, suggested: &str) -> Result<String, Failure> {
        if !self.0 {
            return Ok(suggested.to_owned());
        }
        match suggested {
            "" => say(&format!("{question}: ")),
            suggested => say(&format!("{question} [{suggested}]: ")),
        }
        match read()?.trim() {
            "" => Ok(suggested.to_owned()),
            answer => Ok(answer.to_owned()),
        }
    }

    /// Whether the answer is yes; without a terminal it is no.
    pub(super) fn agrees(&self, question: &str) -> Result<bool, Failure> {
        if !self.0 {
            return Ok(false);
        }
        say(&format!("{question} [y/N]: "));
        Ok(matches!(read()?.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Reads an answer without echo.
    pub(super) fn secret(&self, question: &str) -> Result<String, Failure> {
        // First, so that nothing is seen of what is typed at once.
        let hidden = Hidden::new();
        say(&format!("{question}: "));
        let answer = read_until(hidden.interrupt());
        drop(hidden);
        say("\n");
        match answer? {
            Some(answer) => Ok(answer.trim().to_owned()),
            None => process::exit(INTERRUPTED),
        }
    }
}

/// Writes to stderr; without a reader there is no prompt either.
pub(super) fn say(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

fn read() -> Result<String, Failure> {
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(0) => Err(unanswered()),
        Ok(_) => Ok(line),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Reads a line, or returns `None` as soon as this character is typed, without Enter.
fn read_until(interrupt: u8) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    for byte in io::stdin().lock().bytes() {
        let byte = byte.map_err(|error| unreadable(&error))?;
        if byte == interrupt {
            return Ok(None);
        }
        line.push(byte);
        if byte == b'\n' {
            break;
        }
    }
    if line.is_empty() {
        return Err(unanswered());
    }
    String::from_utf8(line).map(Some).map_err(|error| unreadable(&error))
}

fn unanswered() -> Failure {
    Failure("it was not answered".to_owned())
}

fn unreadable(error: &dyn std::error::Error) -> Failure {
    Failure(format!("stdin cannot be read: {error}"))
}

/// While it lives, the terminal does not show what is typed. Ctrl-C ends the answer, not the program,
/// which would leave the terminal like that.
#[cfg(unix)]
struct Hidden(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Hidden {
    fn new() -> Self {
        use rustix::termios::{
            LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr,
        };
        let Ok(before) = tcgetattr(io::stdin()) else { return Self(None) };
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        // Ends a line, as Enter does, so that the reader gets it at once.
        let interrupt = hidden.special_codes[SpecialCodeIndex::VINTR];
        hidden.special_codes[SpecialCodeIndex::VEOL] = interrupt;
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &hidden);
        Self(Some(before))
    }

    /// What Ctrl-C is on this terminal.
    fn interrupt(&self) -> u8 {
        use rustix::termios::SpecialCodeIndex;
        self.0.as_ref().map_or(CTRL_C, |before| before.special_codes[SpecialCodeIndex::VINTR])
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Elsewhere it is shown, which is said.
#[cfg(not(unix))]
struct Hidden;

#[cfg(not(unix))]
impl Hidden {
    fn new() -> Self {
        say("(it will be seen) ");
        Self
    }

    fn interrupt(&self) -> u8 {
        CTRL_C
    }
}
