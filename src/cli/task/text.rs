//! The task's text, and the files that it refers to.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use crate::cli::output::Failure;

/// The text that was given, else what stdin says; none when there is nothing to read or nothing in it.
pub(super) fn find(given: Option<&str>) -> Result<Option<String>, Failure> {
    let text = match given {
        Some(text) if text != "-" => text.to_owned(),
        None if io::stdin().is_terminal() => return Ok(None),
        _ => {
            let mut text = String::new();
            let read = io::stdin().lock().read_to_string(&mut text);
            read.map_err(|error| Failure(format!("stdin cannot be read: {error}")))?;
            text
        }
    };
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// Paths that mean the same in the gateway's working directory.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let absolute = |path: &PathBuf| {
        let wrong = |why: &str| Failure(format!("{}: {why}", path.display()));
        let path = path.canonicalize().map_err(|error| wrong(&error.to_string()))?;
        let text = Path::to_str(&path).map(str::to_owned);
        text.ok_or_else(|| wrong("its name is not UTF-8"))
    };
    paths.iter().map(absolute).collect()
}
