//! Reading and writing a tool's file, and what is remembered beside it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::memory::Found;

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
            Some(text) => replace(&place, text, path),
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

/// Writes beside it and renames, with the permissions of `like`. A link stays one.
fn replace(path: &Path, text: &str, like: &Path) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        target => target?,
    };
    let (Some(directory), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    fs::create_dir_all(directory)?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", std::process::id()));
    let temporary = directory.join(temporary);
    let permissions = fs::metadata(like).ok().map(|metadata| metadata.permissions());
    let result = fill(&temporary, text, permissions).and_then(|()| fs::rename(&temporary, &target));
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn fill(path: &Path, text: &str, permissions: Option<Permissions>) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.sync_all()
}

/// For its owner alone, since there may be keys in it.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
