//! Undo information of `connect`, for `disconnect`.
//!
//! Beside a tool's file stand, while it is connected:
//!
//! | file | |
//! |---|---|
//! | `<file>.switchtower-backup` | the file as it was; absent if there was none |
//! | `<file>.switchtower-state` | the file as `connect` left it |
//!
//! A file that still is as `connect` left it gets back what it was, byte for byte. In one that was edited
//! since, only what `connect` set is put back, as the backup has it.

use super::text::split_mark;

/// A way to edit one kind of file.
pub(super) trait Edit {
    /// Whether the text sends requests to the gateway.
    fn is_connected(&self, text: &str) -> bool;
    /// The text that sends requests to this URL.
    fn connect(&self, text: &str, url: &str) -> Result<String, String>;
    /// The text with what `original` has wherever [`connect`](Self::connect) made a change.
    fn disconnect(&self, text: &str, original: &str) -> Result<String, String>;
}

/// What there is; `None` is a file that does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) file: Option<String>,
    pub(super) backup: Option<String>,
    pub(super) state: Option<String>,
}

impl Found {
    /// Whether `connect` was here.
    pub(super) fn is_remembered(&self) -> bool {
        self.backup.is_some() || self.state.is_some()
    }

    /// What there should be for the tool to be connected to this URL.
    pub(super) fn connect(&self, edit: &impl Edit, url: &str) -> Result<Self, String> {
        let text = self.file.as_deref().unwrap_or_default();
        if edit.is_connected(text) && self.is_remembered() {
            let connected = Some(edit.connect(text, url)?);
            // An edited file stays an edited one, so that `disconnect` keeps the edits.
            let untouched = self.state == self.file;
            let state = if untouched { connected.clone() } else { self.state.clone() };
            return Ok(Self { file: connected, backup: self.backup.clone(), state });
        }
        // What is left of an earlier connection, whose file was replaced or half undone by hand, is no
        // part of what the file was.
        let before = if self.is_remembered() { self.disconnect(edit)? } else { self.clone() };
        let connected = Some(edit.connect(before.file.as_deref().unwrap_or_default(), url)?);
        if !self.is_remembered() && connected == self.file {
            return Ok(self.clone());
        }
        Ok(Self { state: connected.clone(), file: connected, backup: before.file })
    }

    /// What there should be for the tool to be as it was.
    pub(super) fn disconnect(&self, edit: &impl Edit) -> Result<Self, String> {
        let file = match &self.file {
            file if !self.is_remembered() => file.clone(),
            None => None,
            file if *file == self.state => self.backup.clone(),
            Some(text) => {
                let left = edit.disconnect(text, self.backup.as_deref().unwrap_or_default())?;
                let (_, words) = split_mark(&left);
                let ours_alone = self.backup.is_none() && words.trim().is_empty();
                if ours_alone { None } else { Some(left) }
            }
        };
        Ok(Self { file, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line `on <url>` connects.
    struct Line;

    impl Edit for Line {
        fn is_connected(&self, text: &str) -> bool {
            text.lines().any(|line| line.starts_with("on "))
        }

        fn connect(&self, text: &str, url: &str) -> Result<String, String> {
            Ok(self.disconnect(text, "")? + &format!("on {url}\n"))
        }

        fn disconnect(&self, text: &str, _: &str) -> Result<String, String> {
            Ok(text
                .lines()
                .filter(|line| !line.starts_with("on "))
                .map(|l| l.to_owned() + "\n")
                .collect())
        }
    }

    fn found(file: Option<&str>) -> Found {
        Found { file: file.map(str::to_owned), ..Found::default() }
    }

    fn edited(found: &Found, line: &str) -> Found {
        Found { file: Some(found.file.clone().unwrap() + line), ..found.clone() }
    }

    #[test]
    fn there_and_back() {
        for file in [None, Some(""), Some("a"), Some("a\n")] {
            let before = found(file);
            let connected = before.connect(&Line, "x").unwrap();
            assert_eq!(connected.backup.as_deref(), file);
            assert_eq!(connected.connect(&Line, "x").unwrap(), connected, "again is the same");
            let moved = connected.connect(&Line, "y").unwrap();
            assert_eq!(moved.backup.as_deref(), file, "the backup is not overwritten");
            assert_eq!(connected.disconnect(&Line).unwrap(), before);
            assert_eq!(moved.disconnect(&Line).unwrap(), before);
            assert_eq!(before.disconnect(&Line).unwrap(), before, "nothing to undo");
        }
    }

    #[test]
    fn edits_in_between_stay() {
        let connected = edited(&found(Some("a\n")).connect(&Line, "x").unwrap(), "b\n");
        assert_eq!(connected.disconnect(&Line).unwrap(), found(Some("a\nb\n")));
        let moved = connected.connect(&Line, "y").unwrap();
        assert_eq!(moved.backup.as_deref(), Some("a\n"));
        assert_eq!(moved.disconnect(&Line).unwrap(), found(Some("a\nb\n")));
    }

    #[test]
    fn a_file_of_ours_goes_unless_something_else_is_in_it() {
        let connected = found(None).connect(&Line, "x").unwrap();
        assert_eq!(edited(&connected, "\n").disconnect(&Line).unwrap(), found(None));
        assert_eq!(edited(&connected, "b\n").disconnect(&Line).unwrap(), found(Some("b\n")));
        let gone = Found { file: None, ..connected };
        assert_eq!(gone.disconnect(&Line).unwrap(), found(None));
    }

    #[test]
    fn what_was_connected_by_hand_is_not_ours_to_undo() {
        let by_hand = found(Some("on x\n"));
        assert_eq!(by_hand.connect(&Line, "x").unwrap(), by_hand);
    }

    #[test]
    fn what_was_undone_by_hand_is_a_new_beginning() {
        let connected = found(Some("a\n")).connect(&Line, "x").unwrap();
        let replaced = Found { file: Some("c\n".to_owned()), ..connected };
        let again = replaced.connect(&Line, "x").unwrap();
        assert_eq!(again.backup.as_deref(), Some("c\n"));
        assert_eq!(again.disconnect(&Line).unwrap(), found(Some("c\n")));
    }
}
