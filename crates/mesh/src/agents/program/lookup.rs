//! Looks up a command in the PATH.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What is looked through where `PATH` is not set, as execvp(3) does.
const PATH: &str = if cfg!(windows) { "" } else { "/bin:/usr/bin" };

/// The program that a command names: a path as it is, a name as the first of `path` that can be
/// run.
pub(in crate::agents) fn find(command: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    if command.contains(std::path::is_separator) {
        return with_extension(PathBuf::from(command));
    }
    if command.is_empty() {
        return None;
    }
    std::env::split_paths(path.unwrap_or(OsStr::new(PATH)))
        .find_map(|directory| with_extension(Path::new(".").join(directory).join(command)))
}

#[cfg(unix)]
fn with_extension(file: PathBuf) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(&file).ok()?;
    (found.is_file() && found.permissions().mode() & 0o111 != 0).then_some(file)
}

#[cfg(not(unix))]
fn with_extension(file: PathBuf) -> Option<PathBuf> {
    let known = ["", "exe", "cmd", "bat", "com"];
    let named = known.iter().map(|&extension| match extension {
        "" => file.clone(),
        extension => file.with_extension(extension),
    });
    named.into_iter().find(|file| file.extension().is_some() && file.is_file())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_that_can_be_run() {
        let home = tempfile::tempdir().unwrap();
        let make = |path: &str, mode: u32| {
            let file = home.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            file
        };
        make("a/tool", 0o644);
        fs::create_dir_all(home.path().join("b/tool")).unwrap();
        let third = make("c/tool", 0o755);
        make("d/tool", 0o755);
        let path = ["none", "a", "b", "c", "d"].map(|name| home.path().join(name));
        let path = std::env::join_paths(path).unwrap();
        assert_eq!(find("tool", Some(&path)), Some(third.clone()));
        assert_eq!(find("other", Some(&path)), None);
        assert_eq!(find("", Some(&path)), None);
        let direct = third.to_str().unwrap();
        assert_eq!(find(direct, None), Some(third.clone()));
        assert_eq!(find(&direct.replace("/c/", "/a/"), Some(&path)), None);
        assert!(find("sh", None).is_some());
    }
}
