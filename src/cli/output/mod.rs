//! Output that does not panic when the reader has closed the pipe.

mod sanitize;
mod time;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::config::ConfigError;
pub(super) use sanitize::{Plain, line, plain, start};
pub(super) use time::{ago, clock, until};

/// Why a command failed, to be read by a person.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error.count() {
            1 => Self(error.to_string()),
            count => Self(format!("{count} problems in the configuration\n\n{error}")),
        }
    }
}

/// Writes to stdout. A reader that has left (`switchtower models | head -1`) is no error.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    tell(text).map(drop)
}

/// The same; whether anybody reads it.
pub(super) fn tell(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure(format!("cannot write the output: {error}"))),
    }
}

/// Writes to stderr what is for a person and not for a pipe.
pub(super) fn note(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes JSON for people and programs to stdout.
pub(super) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value:#}\n"))
}

/// Writes an error to stderr; ignored if that is closed.
pub(super) fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "error: {message}");
}

/// Complains of a command line that makes no sense.
pub(super) fn misuse(message: &str) -> ExitCode {
    complain(&format!("{message}\n\nFor more information, try '--help'."));
    ExitCode::from(2)
}

/// Columns of text, two spaces apart, each as wide as its widest cell on a terminal.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let gap = width - cell.width();
            format!("  {cell}{:gap$}", "")
        });
        let line: String = cells.collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(columns(&[row("a", "b"), row("long", "")]), "  a     b\n  long\n");
        assert_eq!(columns(&[row("代码", "b"), row("long!", "c")]), "  代码   b\n  long!  c\n");
        assert_eq!(columns::<2>(&[]), "");
    }
}
