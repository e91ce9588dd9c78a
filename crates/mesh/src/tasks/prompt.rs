//! The prompt of an agent.

use std::fmt::Write as _;

use crate::spaces::Message;

/// How many messages of a space an agent is shown.
pub(super) const MESSAGES: usize = 20;
/// Maximum length of the earlier messages in a prompt, in bytes.
const MAX_HISTORY_LEN: usize = 16 << 10;
/// Minimum space for a truncated message, in bytes; with less it is left out.
const MIN_EXCERPT_LEN: usize = 200;

/// The task, after what was said in its space before it and before its files. A task without these
/// goes as it came.
pub(super) fn compose(text: &str, files: &[String], before: &[Message]) -> String {
    let mut message = String::new();
    if !before.is_empty() {
        message.push_str("What was said in the shared space so far, oldest first:\n\n");
        for said in shown(before) {
            message.push_str(&said);
        }
        message.push_str("---\n\nYour task:\n\n");
    }
    message.push_str(text);
    if !files.is_empty() {
        message.push_str("\n\nFiles:");
        for file in files {
            // One line each, whatever the name.
            let _ = write!(message, "\n- {}", file.replace(char::is_control, "\u{FFFD}"));
        }
    }
    message
}

/// The latest that there is room for.
fn shown(before: &[Message]) -> Vec<String> {
    let mut left = MAX_HISTORY_LEN;
    let mut shown = Vec::new();
    for message in before.iter().rev().take(MESSAGES) {
        if left < MIN_EXCERPT_LEN {
            break;
        }
        let source = message.source.as_ref().map(|source| format!(" {source}")).unwrap_or_default();
        let said = format!("[{}{source}]\n{}", message.role, message.content.trim());
        let said = cut(&said, left) + "\n\n";
        left = left.saturating_sub(said.len());
        shown.push(said);
    }
    shown.reverse();
    shown
}

/// At most so many bytes of a text, and a word more where something is left out.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let left_out = text.len() - end;
    format!("{}\n[{left_out} bytes are left out]", &text[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn said(role: &str, source: Option<&str>, content: &str) -> Message {
        Message {
            id: 1,
            role: role.into(),
            source: source.map(Into::into),
            task_id: None,
            content: content.into(),
            metadata: Value::Null,
            created_at: 0,
        }
    }

    #[test]
    fn a_task_alone_goes_as_it_came() {
        assert_eq!(compose(" - do it\n", &[], &[]), " - do it\n");
    }

    #[test]
    fn files_follow_a_line_each() {
        let files = ["src/main.rs".into(), "a b\nc".into()];
        assert_eq!(compose("Look", &files, &[]), "Look\n\nFiles:\n- src/main.rs\n- a b\u{FFFD}c");
    }

    #[test]
    fn what_was_said_comes_first() {
        let before = [said("user", None, "Why?\n"), said("agent", Some("codex"), "Because.")];
        assert_eq!(
            compose("And now?", &[], &before),
            "What was said in the shared space so far, oldest first:\n\n\
             [user]\nWhy?\n\n[agent codex]\nBecause.\n\n---\n\nYour task:\n\nAnd now?"
        );
    }

    #[test]
    fn the_latest_is_shown_and_the_rest_is_left_out() {
        let before: Vec<_> =
            (0..30).map(|nth| said("user", None, &format!("nth {nth}."))).collect();
        let message = compose("Go", &[], &before);
        assert!(!message.contains("nth 9.") && message.contains("nth 10."), "{message}");
        assert!(message.contains("nth 29."));

        let long = [said("user", None, "Ancient"), said("user", None, &"é".repeat(1 << 20))];
        let message = compose("Go", &[], &long);
        assert!(message.len() < MAX_HISTORY_LEN + 200, "{}", message.len());
        assert!(message.contains("bytes are left out") && !message.contains("Ancient"));
    }

    proptest! {
        #[test]
        fn a_cut_is_a_beginning(text in any::<String>(), limit in 0..40usize) {
            let cut = cut(&text, limit);
            if text.len() <= limit {
                prop_assert_eq!(cut, text);
            } else {
                let (kept, note) = cut.rsplit_once('\n').unwrap();
                prop_assert!(text.starts_with(kept) && kept.len() <= limit);
                let note = format!("{} {note}", text.len() - kept.len());
                let left_out = text.len() - kept.len();
                prop_assert_eq!(note, format!("{left_out} [{left_out} bytes are left out]"));
            }
        }
    }
}
