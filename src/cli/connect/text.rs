//! Cutting and pasting in a text whose every other byte stays.

use std::ops::Range;

/// Replaces these ranges, which do not overlap; two insertions at one place stay in their order.
pub(super) fn splice(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in edits {
        out.push_str(&text[at..range.start]);
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Where the line of this offset begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// Where the line of this offset ends, its line break included.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// How this text ends its lines.
pub(super) fn line_break(text: &str) -> &'static str {
    match text.find('\n') {
        Some(end) if text[..end].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The byte order mark that a text may begin with, and the rest.
pub(super) fn split_mark(text: &str) -> (&str, &str) {
    text.split_at(first(text))
}

/// Where the text begins after a byte order mark.
pub(super) fn first(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

/// What has to stand between the end of this text and a paragraph of its own.
pub(super) fn gap(text: &str) -> String {
    let nl = line_break(text);
    match text {
        _ if text.len() == first(text) => String::new(),
        _ if text.ends_with('\n') => nl.to_owned(),
        _ => format!("{nl}{nl}"),
    }
}

/// The start of a paragraph, and of the blank line before it.
pub(super) fn with_blank_line_before(text: &str, start: usize) -> usize {
    if start == 0 {
        return 0;
    }
    let before = line_start(text, start - 1);
    if text[before..start].trim().is_empty() { before } else { start }
}
