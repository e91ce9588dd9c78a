//! Configuration errors, with place, reason and the nearest valid name.

use std::fmt;

use serde_saphyr::{Location, Spanned};

use super::excerpt::{excerpt, without_keys};

/// A configuration that cannot be used. It displays as one paragraph per problem: place, reason,
/// the line itself, and a hint.
#[derive(Debug)]
pub struct ConfigError {
    file: String,
    problems: Vec<Problem>,
}

impl ConfigError {
    /// `text` is the file's, for the excerpts.
    pub(super) fn new(file: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.place.map_or((0, 0), |at| (at.line, at.column)));
        let lines: Vec<&str> = text.lines().collect();
        for problem in &mut problems {
            problem.quote(&lines);
        }
        Self { file: file.to_owned(), problems }
    }

    /// A file that could not even be read.
    pub(super) fn unreadable(file: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), problems: vec![Problem::new(None, reason)] }
    }

    /// The problems one by one, each as a line: place and reason.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(|problem| {
            let place = problem.place.map(|at| format!(":{}:{}", at.line, at.column));
            let place = place.unwrap_or_default();
            format!("{}{place}: {}", self.file, one_line(&problem.message))
        })
    }

    /// Number of problems; at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.problems.len()
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            f.write_str(&self.file)?;
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// A part of the file: line and column from 1, and its length in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SourcePosition {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) length: usize,
}

impl SourcePosition {
    /// `None` for the parser's "unknown".
    pub(super) fn at(location: Location) -> Option<Self> {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        (location != Location::UNKNOWN).then(|| Self {
            line: number(location.line()),
            column: number(location.column()),
            length: usize::try_from(location.span().len()).unwrap_or(1),
        })
    }

    /// Where a value is used; for an anchored one that is not where it is defined.
    pub(super) fn of<T>(value: &Spanned<T>) -> Option<Self> {
        Self::at(value.referenced)
    }
}

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Problem {
    place: Option<SourcePosition>,
    message: String,
    help: Option<String>,
    /// The line and its marker, once they are known.
    excerpt: Option<(String, String)>,
    secret: bool,
}

impl Problem {
    pub(super) fn new(place: Option<SourcePosition>, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), help: None, excerpt: None, secret: false }
    }

    pub(super) fn help(&mut self, help: impl Into<Option<String>>) -> &mut Self {
        self.help = help.into();
        self
    }

    /// The line is not to be shown: what is wrong may be a key or a password.
    pub(super) fn secret(&mut self) -> &mut Self {
        self.secret = true;
        self
    }

    fn quote(&mut self, lines: &[&str]) {
        let Some(SourcePosition { line, column, length }) = self.place else { return };
        let Some(index) = line.checked_sub(1) else { return };
        if let (Some(text), false) = (lines.get(index), self.secret) {
            let before = index.checked_sub(1).and_then(|i| lines.get(i)).unwrap_or(&"");
            self.excerpt = Some(excerpt(&without_keys(before, text), column, length));
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(SourcePosition { line, column, .. }) = self.place {
            write!(f, ":{line}:{column}")?;
            write!(f, ": {}", one_line(&self.message))?;
            if let Some((text, marker)) = &self.excerpt {
                let gutter = line.to_string().len();
                write!(f, "\n  {line} | {text}\n  {:gutter$} | {marker}", "")?;
            }
        } else {
            write!(f, ": {}", one_line(&self.message))?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {}", one_line(help)),
            None => Ok(()),
        }
    }
}

/// Names come from the file, and a terminal must not obey them.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
