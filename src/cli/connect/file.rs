//! Reading and writing a tool's file, and what is remembered beside it.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::undo::Found;
use crate::cli::file::replace;

/// Reads the file, its backup and its state.
///
/// # Errors
///
/// When one of them exists and cannot be read, or is not UTF-8.
pub(super) fn find(path: &Path) -> Result<Found, String> {
    Ok(Found {
        file: read(path)?,
        backup: read(&beside(path, "backup"))?,
        state: read(&beside(path, "state"))?,
    })
}

/// Whether all that [`write()`] will replace can be replaced.
///
/// # Errors
///
/// When the file is read-only, no file, or a link to nowhere.
pub(super) fn check(path: &Path) -> Result<(), String> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(format!("{}: is not a file", path.display())),
        Ok(metadata) if metadata.permissions().readonly() => {
            Err(format!("{}: cannot be written: it is read-only", path.display()))
        }
        Err(_) if fs::symlink_metadata(path).is_ok() => {
            Err(format!("{}: is a symbolic link to nowhere", path.display()))
        }
        _ => Ok(()),
    }
}

/// Turns what there is into what there should be, each file whole or not at all. What is remembered is
/// written before the change, and forgotten after it, so that an end in between loses nothing.
///
/// # Errors
///
/// When one of the files cannot be written.
pub(super) fn write(path: &Path, from: &Found, to: &Found) -> Result<(), String> {
    let backup = (beside(path, "backup"), &from.backup, &to.backup);
    let state = (beside(path, "state"), &from.state, &to.state);
    let file = (path.to_owned(), &from.file, &to.file);
    let steps = if to.is_remembered() { [backup, state, file] } else { [file, state, backup] };
    for (place, from, to) in steps {
        let result = match to {
            to if to == from => Ok(()),
            Some(text) => replace(&place, text, fs::metadata(path).ok().map(|it| it.permissions())),
            None => fs::remove_file(&place),
        };
        result.map_err(|error| format!("{}: cannot be written: {error}", place.display()))?;
    }
    Ok(())
}

/// The path of what is remembered beside a file.
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".switchtower-{what}"));
    name.into()
}

fn read(path: &Path) -> Result<Option<String>, String> {
    let wrong = |what: String| format!("{}: {what}", path.display());
    match fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(wrong("is not UTF-8".to_owned())),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(format!("cannot be read: {error}"))),
    }
}
