//! Whether what has to outlive a restart can be written.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use super::finding::{Finding, Group};
use crate::config::Config;
use crate::database;

/// `runs`: a gateway has the port, and so its data, too.
pub(super) fn look(config: &Config, runs: bool) -> Vec<Finding> {
    let directory = &config.data_dir;
    let shown = directory.display();
    let mut findings = vec![match try_out(directory) {
        Err(error) => Finding::fail(
            Group::Data,
            format!("{shown} cannot be written to: {error}"),
            "let this user write there, or set `dataDir` to another directory",
        ),
        Ok(true) => Finding::ok(Group::Data, format!("{shown} can be written to")),
        Ok(false) => Finding::ok(Group::Data, format!("{shown} is made when it is needed")),
    }];
    let wrong = databases(directory)
        .into_iter()
        .filter_map(|name| database::probe(directory, &name, "data").err());
    for error in wrong {
        findings.push(match error.is_busy() && runs {
            true => Finding::ok(Group::Data, "the gateway that runs has it open"),
            false => Finding::of_error(Group::Data, &error.to_string()),
        });
    }
    findings.dedup();
    if let Some(logs) = &config.log_dir
        && let Err(error) = try_out(logs)
    {
        let what = format!("logDir: {} cannot be written to: {error}", logs.display());
        let next = "change `logDir`, or leave it out for standard error only";
        findings.push(Finding::fail(Group::Data, what, next));
    }
    findings
}

/// Writes a file into the directory, or where it would be made, and removes it. Whether the
/// directory is there.
fn try_out(directory: &Path) -> io::Result<bool> {
    let there = match fs::metadata(directory) {
        Ok(found) if !found.is_dir() => return Err(io::Error::other("it is no directory")),
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let is_there = |path: &&Path| path.as_os_str().is_empty() || path.exists();
    let place = directory.ancestors().find(is_there).unwrap_or(Path::new(""));
    let file = place.join(format!(".switchtower-doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&file)?;
    fs::remove_file(&file)?;
    Ok(there)
}

/// The names of those that are there.
fn databases(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".sqlite")).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(directory: &Path, runs: bool) -> Vec<String> {
        let config = Config { data_dir: directory.to_owned(), ..Config::default() };
        let findings = look(&config, runs);
        let text =
            findings.into_iter().map(|finding| format!("{} {}", finding.level, finding.what));
        text.map(|text| text.replace(&directory.display().to_string(), "DIR")).collect()
    }

    #[test]
    fn written_made_or_neither() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(said(home.path(), false), ["ok DIR can be written to"]);
        assert_eq!(said(&home.path().join("a/b"), false), ["ok DIR is made when it is needed"]);
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(said(&file, false), ["fail DIR cannot be written to: it is no directory"]);
        assert!(said(&file.join("under"), false)[0].starts_with("fail DIR cannot be"));
        assert_eq!(fs::read_dir(&home).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn what_another_has_open() {
        let home = tempfile::tempdir().unwrap();
        let open = |name| database::open(home.path(), name, "things", "", 1).unwrap();
        let _held = ["a.sqlite", "b.sqlite"].map(open);
        let locked = said(home.path(), false);
        assert_eq!(locked.len(), 3, "{locked:?}");
        assert!(
            locked[1].starts_with("fail cannot keep the data in DIR/a.sqlite: another process")
        );
        assert_eq!(said(home.path(), true)[1..], ["ok the gateway that runs has it open"]);
    }
}
