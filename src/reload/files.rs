use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ring::digest::SHA256;
use tokio::{task::spawn_blocking, time::sleep};

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// More than a configuration may have.
const MAX_BYTES: u64 = 4 << 20;

/// The files of a configuration, looked at once a second.
///
/// A look asks for time, length and inode, through symbolic links, and reads a file only when they
/// have changed: so it works on network mounts, with a directory that is exchanged as a whole, as
/// those of a ConfigMap are, and with editors that write another file and rename it. A change
/// counts when two looks agree, so that a file that is being written is left alone, and when the
/// text is another one.
#[derive(Debug)]
pub struct Files {
    paths: Vec<PathBuf>,
    rest: Rest<Vec<Option<Stamp>>>,
    /// Of the texts when they were last taken for read; they may have keys in them.
    digest: Digest,
}

type Digest = Vec<Option<[u8; 32]>>;

/// Identifies a version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: (u64, u64),
}

impl Files {
    /// The file of a configuration, and the `.env` files that [`Config::load`] asks for keys:
    /// beside it, and in the working directory.
    ///
    /// [`Config::load`]: crate::config::Config::load
    #[must_use]
    pub fn of_config(path: &Path) -> Self {
        let beside = path.parent().unwrap_or(Path::new("")).join(".env");
        Self::new([path.to_owned(), beside, ".env".into()])
    }

    /// Watches these files, as they are now. They need not exist.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut paths: Vec<PathBuf> = paths.into_iter().collect();
        paths.sort();
        paths.dedup();
        // The stamps come first: a change in between is seen by the next look.
        let (rest, digest) = (Rest::new(stamps(&paths)), digests(&paths));
        Self { paths, rest, digest }
    }

    /// Waits until they have changed, and have come to rest. Cancel safe.
    pub async fn changed(&mut self) {
        loop {
            sleep(INTERVAL).await;
            let paths = self.paths.clone();
            // A network mount may hang.
            let Ok(now) = spawn_blocking(move || stamps(&paths)).await else { continue };
            if self.rest.look(now) && self.read().await {
                return;
            }
        }
    }

    /// Takes them for read as they are now; whether they are others than the last time.
    pub async fn read(&mut self) -> bool {
        let paths = self.paths.clone();
        let Ok(digest) = spawn_blocking(move || digests(&paths)).await else { return false };
        let is_other = digest != self.digest;
        self.digest = digest;
        is_other
    }
}

/// Detects when a file has changed and is stable again.
#[derive(Debug)]
struct Rest<T> {
    settled: T,
    last: T,
}

impl<T: Clone + PartialEq> Rest<T> {
    fn new(now: T) -> Self {
        Self { settled: now.clone(), last: now }
    }

    /// Whether it is, for the second time in a row, other than when it last rested.
    fn look(&mut self, now: T) -> bool {
        let rests = now == self.last && now != self.settled;
        if rests {
            self.settled = now.clone();
        }
        self.last = now;
        rests
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| stamp(path)).collect()
}

/// `None` for a file that is not there, or cannot be seen.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = {
        use std::os::unix::fs::MetadataExt;
        (metadata.dev(), metadata.ino())
    };
    #[cfg(not(unix))]
    let inode = (0, 0);
    Some(Stamp { modified: metadata.modified().ok(), length: metadata.len(), inode })
}

fn digests(paths: &[PathBuf]) -> Digest {
    paths.iter().map(|path| digest(path).ok()).collect()
}

fn digest(path: &Path) -> io::Result<[u8; 32]> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut text)?;
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&SHA256, &text).as_ref());
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_change_counts_when_two_looks_agree() {
        let mut rest = Rest::new('a');
        let looks = ['a', 'b', 'c', 'c', 'c', 'd', 'c', 'c', 'b', 'b', 'a', 'a'];
        let told: Vec<_> = looks.into_iter().filter(|look| rest.look(*look)).collect();
        assert_eq!(told, ['c', 'b', 'a'], "d was gone before it could be read");
    }

    /// A directory, its file, and what watches it.
    fn watched(text: &str) -> (TempDir, PathBuf, Files) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gateway.yaml");
        fs::write(&path, text).unwrap();
        let files = Files::of_config(&path);
        (directory, path, files)
    }

    /// Paused time: the looks cost nothing. A file on disk does not change by itself.
    async fn is_told(files: &mut Files) -> bool {
        tokio::time::timeout(INTERVAL * 5, files.changed()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_renamed_removed_and_linked_is_seen() {
        let (directory, path, mut files) = watched("port: 1");
        assert!(!is_told(&mut files).await);
        fs::write(&path, "port: 22").unwrap();
        assert!(is_told(&mut files).await);
        assert!(!is_told(&mut files).await, "it is told once");
        let other = directory.path().join("other");
        fs::write(&other, "port: 33").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(is_told(&mut files).await);
        fs::remove_file(&path).unwrap();
        assert!(is_told(&mut files).await);
        fs::write(directory.path().join(".env"), "KEY=1").unwrap();
        assert!(is_told(&mut files).await, "it has come");
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_text_is_no_change() {
        let (directory, path, mut files) = watched("port: 1");
        let other = directory.path().join("other");
        fs::write(&other, "port: 1").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(!is_told(&mut files).await);
        fs::write(&path, "port: 2").unwrap();
        assert!(files.read().await);
        assert!(!is_told(&mut files).await, "it was read already");
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn a_link_may_lead_elsewhere() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        for (name, text) in [("one", "port: 1"), ("two", "port: 2")] {
            fs::create_dir(place(name)).unwrap();
            fs::write(place(name).join("gateway.yaml"), text).unwrap();
        }
        symlink("one", place("data")).unwrap();
        symlink("data/gateway.yaml", place("gateway.yaml")).unwrap();
        let mut files = Files::of_config(&place("gateway.yaml"));
        symlink("two", place("data_tmp")).unwrap();
        fs::rename(place("data_tmp"), place("data")).unwrap();
        assert!(is_told(&mut files).await);
    }
}
