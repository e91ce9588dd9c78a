use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ring::rand::{SecureRandom, SystemRandom};
use switchtower_layers::responses::{AeadSeal, Seal};

const FILE: &str = "seal.key";
const LENGTH: usize = 32;

/// Seals by the key of this installation: 32 random bytes in `seal.key`, for this user only, made
/// when something is sealed for the first time and never changed.
#[derive(Debug)]
pub struct KeySeal {
    path: PathBuf,
    seal: OnceLock<AeadSeal>,
}

impl KeySeal {
    /// With the key in this directory, if there is one yet.
    pub(super) fn open(directory: &Path) -> Result<Self, KeyError> {
        let path = directory.join(FILE);
        let seal = match read(&path) {
            Ok(key) => OnceLock::from(AeadSeal::new(key)),
            Err(Reason::Io(error)) if error.kind() == ErrorKind::NotFound => OnceLock::new(),
            Err(reason) => return Err(KeyError { path, reason }),
        };
        Ok(Self { path, seal })
    }

    fn made(&self) -> &AeadSeal {
        self.seal.get_or_init(|| match make(&self.path) {
            Ok(key) => AeadSeal::new(key),
            Err(reason) => {
                let error = KeyError { path: self.path.clone(), reason };
                tracing::error!(%error, "reasoning is sealed until the next restart only");
                AeadSeal::random()
            }
        })
    }
}

impl Seal for KeySeal {
    fn seal(&self, owner: &str, text: &str) -> String {
        self.made().seal(owner, text)
    }

    /// Without a key nothing was sealed here.
    fn open(&self, owner: &str, sealed: &str) -> Option<String> {
        self.seal.get()?.open(owner, sealed)
    }

    fn is_ours(&self, sealed: &str) -> bool {
        sealed.starts_with(AeadSeal::PREFIX)
    }
}

fn read(path: &Path) -> Result<[u8; LENGTH], Reason> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    for_this_user_only(&file)?;
    file.take(LENGTH as u64 + 1).read_to_end(&mut bytes)?;
    bytes.try_into().map_err(|_| Reason::Length)
}

/// Whole or not at all; if another process was faster its key is the one.
fn make(path: &Path) -> Result<[u8; LENGTH], Reason> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut make = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
    make.recursive(true).create(directory)?;

    let mut key = [0; LENGTH];
    SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("no random bytes"))?;
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let mut create = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut create, 0o600);
    let written =
        create.write(true).create(true).truncate(true).open(&draft).and_then(|mut file| {
            file.write_all(&key)?;
            file.sync_all()?;
            fs::hard_link(&draft, path)
        });
    // It has done its service, or there was none.
    let _ = fs::remove_file(&draft);
    match written {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error.into()),
    }
}

fn for_this_user_only(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    let _ = file;
    Ok(())
}

/// Reason why the key cannot be used, with advice.
#[derive(Debug)]
pub struct KeyError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Io(io::Error),
    Length,
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::Io(error) => write!(
                f,
                "cannot use the key in {path}: {error}\n  \
                 help: let this user read and write there, or set `dataDir` to another directory"
            ),
            Reason::Length => write!(
                f,
                "cannot use the key in {path}: it is not {LENGTH} bytes long\n  \
                 help: restore it, or remove it: reasoning that clients still have is then \
                 forgotten"
            ),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::Io(error) => Some(error),
            Reason::Length => None,
        }
    }
}

/// One whose key has not been looked for.
#[cfg(test)]
pub(super) fn unopened(directory: &Path) -> KeySeal {
    KeySeal { path: directory.join(FILE), seal: OnceLock::new() }
}
