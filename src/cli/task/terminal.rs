//! Output of a task: answers to stdout, everything else to stderr, with a spinner there on a
//! terminal.

use std::env;
use std::io::{self, IsTerminal, Write};

use tokio::time::Instant;

use super::progress::Piece;
use crate::cli::output::{Failure, start, tell};

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// Of what a spinner says: narrower than any terminal.
const COLUMNS: usize = 60;

pub(super) struct Screen {
    /// Stdout is a terminal.
    pub(super) streams: bool,
    /// Stderr is one that can do more than lines.
    pub(super) spins: bool,
    /// Whether there is a spinner now.
    drawn: bool,
    frame: usize,
    begun: Instant,
    /// Whether what was written last to the terminal has ended its line.
    at_start: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        Self {
            streams: io::stdout().is_terminal(),
            spins: io::stderr().is_terminal() && !is_dumb,
            drawn: false,
            frame: 0,
            begun: Instant::now(),
            at_start: true,
        }
    }

    pub(super) fn show(&mut self, piece: &Piece) -> Result<(), Failure> {
        match piece {
            Piece::Answer(text) => {
                self.clear();
                tell(text)?;
                if self.streams {
                    self.at_start = text.ends_with('\n');
                }
            }
            Piece::Aside(text) if !text.is_empty() => {
                self.clear();
                self.note(text);
            }
            Piece::Note(text) => self.line(text),
            Piece::Step(text) if !self.spins => self.line(text),
            Piece::Aside(_) | Piece::Step(_) => {}
        }
        Ok(())
    }

    /// A line to stderr.
    pub(super) fn line(&mut self, text: &str) {
        self.clear();
        let begin = if self.at_start { "" } else { "\n" };
        self.at_start = true;
        self.dim(&format!("{begin}{text}\n"));
    }

    /// Draws the spinner, but not into a line that is being written.
    pub(super) fn tick(&mut self, state: &str) {
        if !self.spins || !self.at_start {
            return;
        }
        self.frame = (self.frame + 1) % FRAMES.len();
        let (frame, seconds) = (FRAMES[self.frame], self.begun.elapsed().as_secs());
        let state = start(state, COLUMNS);
        err(&format!("\r\u{1b}[K{frame} {state}  {seconds} s"));
        self.drawn = true;
    }

    /// Takes the spinner away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            err("\r\u{1b}[K");
        }
    }

    fn note(&mut self, text: &str) {
        self.at_start = text.ends_with('\n');
        self.dim(text);
    }

    fn dim(&self, text: &str) {
        if self.spins && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) {
            err(&format!("\u{1b}[2m{text}\u{1b}[0m"));
        } else {
            err(text);
        }
    }
}

/// Ignored if stderr is closed.
fn err(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}
