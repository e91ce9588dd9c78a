//! Environment variables and `.env` files: keys and proxies that are not in the configuration.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Secret;

/// The environment: the process's, or a fixed one in tests, above any number of `.env` files.
///
/// A `.env` file supplies only keys (variables that an `api_key_env` names, and those asked for with
/// [`secret`](Self::secret)) and proxies (`HTTPS_PROXY` and the like); and only those that the process
/// environment does not set. It is never opened for anything else. The first file that has a variable
/// wins.
#[derive(Clone, Debug)]
pub struct Env {
    /// `None` is the process environment.
    fixed: Option<HashMap<String, String>>,
    dotenv: Vec<PathBuf>,
}

impl Env {
    /// The environment of this process.
    #[must_use]
    pub fn process() -> Self {
        Self { fixed: None, dotenv: Vec::new() }
    }

    /// An empty environment.
    #[must_use]
    pub fn empty() -> Self {
        Self { fixed: Some(HashMap::new()), dotenv: Vec::new() }
    }

    /// Exactly these variables are set.
    pub fn fixed<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { fixed: Some(variables.collect()), dotenv: Vec::new() }
    }

    /// Adds the `.env` file of a directory, below those added before. It need not exist; one that
    /// is malformed is a warning.
    #[must_use]
    pub fn with_dotenv(mut self, directory: &Path) -> Self {
        let file = directory.join(".env");
        let same = |other: &PathBuf| match (other.canonicalize(), file.canonicalize()) {
            (Ok(one), Ok(two)) => one == two,
            _ => false,
        };
        if !self.dotenv.iter().any(same) {
            self.dotenv.push(file);
        }
        self
    }

    /// A key, of the process or of a `.env`; `None` also when it is empty.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<Secret> {
        let resolved = self.resolve(&[name]);
        resolved.get(name).map(str::trim).filter(|key| !key.is_empty()).map(Secret::new)
    }

    /// A variable of the process, never of a `.env`.
    pub(super) fn var(&self, name: &str) -> Option<String> {
        match &self.fixed {
            Some(variables) => variables.get(name).cloned(),
            // What is not UTF-8 stays set, and is refused as a key later.
            None => std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()),
        }
    }

    /// The same without `.env` files.
    pub(super) fn without_dotenv(&self) -> Self {
        Self { fixed: self.fixed.clone(), dotenv: Vec::new() }
    }

    /// The values of these variables, and what was odd about the files that were asked for them.
    pub(super) fn resolve(&self, names: &[&str]) -> Resolved {
        let mut resolved = Resolved::default();
        for name in names {
            if let Some(value) = self.var(name) {
                resolved.values.insert((*name).to_owned(), (value, None));
            }
        }
        for file in &self.dotenv {
            let wanted: Vec<_> = names.iter().filter(|name| resolved.get(name).is_none()).collect();
            if wanted.is_empty() {
                break;
            }
            for item in read_dotenv(file) {
                match item {
                    Ok((name, value)) if wanted.iter().any(|wanted| **wanted == name) => {
                        let found = || (value, Some(file.clone()));
                        resolved.values.entry(name).or_insert_with(found);
                    }
                    Ok(_) => {}
                    Err(warning) => resolved.warnings.push(warning),
                }
            }
        }
        resolved
    }
}

/// What [`Env::resolve`] found.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// The value, and the `.env` file that has it.
    values: HashMap<String, (String, Option<PathBuf>)>,
    pub(super) warnings: Vec<String>,
}

impl Resolved {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.with_file(name).map(|(value, _)| value)
    }

    /// The value, and the `.env` file that has it; none for a variable of the process.
    pub(super) fn with_file(&self, name: &str) -> Option<(&str, Option<&PathBuf>)> {
        self.values.get(name).map(|(value, file)| (value.as_str(), file.as_ref()))
    }
}

/// The variables of a `.env` file; a warning for each line that is none.
fn read_dotenv(path: &Path) -> Vec<Result<(String, String), String>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![Err(format!("{} is not read: {error}", path.display()))],
    };
    let mut text = String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned();
    text.push('\n');

    let line = Cell::new(0);
    let lines = Lines { rest: text.as_bytes(), number: &line };
    dotenvy::from_read_iter(lines)
        .map(|item| {
            item.map_err(|error| {
                // The parser's own message would print the line, and with it perhaps a key.
                let spans = match error {
                    dotenvy::Error::LineParse(text, _) => text.lines().count().max(1),
                    _ => 1,
                };
                let number = line.get() + 1 - spans.min(line.get());
                format!("{}:{number} is not a NAME=value line and is ignored", path.display())
            })
        })
        .collect()
}

/// Hands out one line per read, so that a buffered reader above it is never ahead of the count.
struct Lines<'a> {
    rest: &'a [u8],
    number: &'a Cell<usize>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line =
            self.rest.iter().position(|b| *b == b'\n').map_or(self.rest.len(), |end| end + 1);
        let length = line.min(buffer.len());
        let (now, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(now);
        if now.ends_with(b"\n") {
            self.number.set(self.number.get() + 1);
        }
        self.rest = rest;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(dotenv: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(".env"), dotenv).unwrap();
        directory
    }

    #[test]
    fn the_process_wins_then_the_first_file() {
        let near = directory("B=near\nC=near\n");
        let far = directory("A=far\nB=far\nC=far\nD=far");
        let env = Env::fixed([("A", "process"), ("EMPTY", "")])
            .with_dotenv(near.path())
            .with_dotenv(far.path());
        let found = env.resolve(&["A", "B", "D", "EMPTY", "NONE"]);
        assert_eq!(found.get("A"), Some("process"));
        assert_eq!(found.get("B"), Some("near"));
        assert_eq!(found.get("D"), Some("far"));
        assert_eq!(found.get("EMPTY"), Some(""), "set is set, even to nothing");
        assert_eq!(found.get("NONE"), None);
        assert_eq!(found.get("C"), None, "nobody asked for it");
        assert!(env.var("D").is_none());
        assert_eq!(env.secret("D").expect("a key").expose(), "far");
        assert!(env.secret("EMPTY").is_none() && env.secret("NONE").is_none());
        assert!(found.warnings.is_empty());
    }

    #[test]
    fn a_malformed_line_is_named_and_the_others_count() {
        let files =
            directory("\u{feff}# keys\n\nA=1\nthis is sk-secret\nexport B='2'  \nC=\"open\nD=4");
        let found = Env::empty().with_dotenv(files.path()).resolve(&["A", "B", "C", "D"]);
        assert_eq!((found.get("A"), found.get("B")), (Some("1"), Some("2")));
        assert_eq!((found.get("C"), found.get("D")), (None, None));
        let warnings = found.warnings.join("\n");
        assert!(
            warnings.contains(".env:4 is not") && warnings.contains(".env:6 is not"),
            "{warnings}"
        );
        assert!(!warnings.contains("secret"));
    }

    #[test]
    fn a_file_is_not_opened_when_nothing_is_missing() {
        let files = tempfile::tempdir().unwrap();
        std::fs::create_dir(files.path().join(".env")).unwrap();
        let env = Env::fixed([("A", "1")]).with_dotenv(files.path()).with_dotenv(files.path());
        assert!(env.resolve(&["A"]).warnings.is_empty());
        assert_eq!(env.resolve(&["B"]).warnings.len(), 1, "the same file is read once");
    }
}
