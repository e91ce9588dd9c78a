use std::io;
use std::path::Path;

use tokio::task::spawn_blocking;

/// Checks that programs can be started in this directory.
///
/// # Errors
///
/// When it is not there, is no directory, or may not be entered: the predicate of a sentence.
pub async fn check_directory(directory: &Path) -> Result<(), String> {
    // That of the directory itself can be read without the right to enter it.
    let inside = directory.join(".");
    let metadata = spawn_blocking(move || std::fs::metadata(inside)).await;
    match metadata.map_err(io::Error::other).flatten() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err("is no directory".to_owned()),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => "does not exist".to_owned(),
            io::ErrorKind::NotADirectory => "is no directory".to_owned(),
            _ => format!("cannot be entered: {error}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_directory_can_be_entered() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(check_directory(root.path()).await, Ok(()));
        for (path, why) in [
            (file.clone(), "is no directory"),
            (file.join("below"), "is no directory"),
            (root.path().join("missing"), "does not exist"),
            (root.path().join("\0"), "cannot be entered"),
        ] {
            let found = check_directory(&path).await.unwrap_err();
            assert!(found.starts_with(why), "{path:?}: {found}");
        }
    }
}
