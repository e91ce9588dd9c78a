//! The line that is wrong, and the marker below it.

/// Columns of the file that are shown at most.
const WIDTH: usize = 90;

/// One line of a file, cut to what fits a terminal, and a marker under the wrong part.
///
/// `column` counts characters from 1; `length` is in characters.
pub(super) fn excerpt(line: &str, column: usize, length: usize) -> (String, String) {
    let chars: Vec<char> = line.chars().map(printable).collect();
    let at = column.saturating_sub(1).min(chars.len());
    let start = if chars.len() > WIDTH { at.saturating_sub(WIDTH / 2) } else { 0 };
    let end = chars.len().min(start + WIDTH);

    let mut shown = String::new();
    let mut marker = String::new();
    if start > 0 {
        shown.push_str("... ");
        marker.push_str("    ");
    }
    shown.extend(&chars[start..end]);
    if end < chars.len() {
        shown.push_str(" ...");
    }
    marker.extend(chars[start..at].iter().map(|c| same_width(*c, ' ', '\u{3000}')));
    let marked = &chars[at..end.min(at + length.max(1))];
    if marked.is_empty() {
        marker.push('^');
    }
    marker.extend(marked.iter().map(|c| same_width(*c, '^', '\u{ff3e}')));
    (shown.trim_end().to_owned(), marker)
}

/// A terminal must not obey what a file says.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// Most scripts from Hangul Jamo on take two columns, so the marker does, too.
fn same_width(c: char, narrow: char, wide: char) -> char {
    match c {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => wide,
        '\u{f900}'..='\u{faff}' | '\u{ff01}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}' => wide,
        _ => narrow,
    }
}

/// The line with inline keys starred out, so that an error can be pasted into a bug report.
///
/// `before` is the line above it: a key may stand alone below its `api_key:`. A client's key may
/// stand behind `key:`, though it should not.
pub(super) fn without_keys(before: &str, line: &str) -> String {
    let opening = before.trim_end().trim_end_matches(['|', '>', '-', '+']).trim_end();
    if opening.strip_suffix(':').is_some_and(is_key) {
        return stars(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(found) = rest.find("key") {
        let (head, tail) = rest.split_at(found + "key".len());
        out.push_str(head);
        rest = tail;
        // Not `api_key_env`, which only names a variable.
        if is_key(&out) && tail.trim_start_matches(['"', '\'', ' ']).starts_with(':') {
            let value = tail.len() - tail.trim_start_matches(['"', '\'', ' ', ':']).len();
            let quote = tail[..value].chars().next_back().filter(|c| matches!(c, '"' | '\''));
            let end = match quote {
                Some(quote) => tail[value..].find(quote),
                None => tail[value..].find([' ', '}']),
            };
            let end = value + end.unwrap_or(tail.len() - value);
            let end = tail[..end].trim_end_matches(',').len().max(value);
            out.push_str(&tail[..value]);
            out.push_str(&stars(&tail[value..end]));
            rest = &tail[end..];
        }
    }
    without_variables(&without_userinfo(&(out + rest)))
}

/// The same for user and password of URLs. In the URL of a proxy the scheme may be missing.
fn without_userinfo(line: &str) -> String {
    const QUOTES: [char; 2] = ['"', '\''];
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((head, tail)) = split_after_first(rest, ["://", "proxy: "]) {
        out.push_str(head);
        let start = tail.len() - tail.trim_start_matches(QUOTES).len();
        let opened = tail[..start].chars().next_back();
        let is_open = |quote: &char| out.matches(*quote).count() % 2 == 1;
        let end = match opened.or_else(|| QUOTES.into_iter().find(is_open)) {
            Some(quote) => tail[start..].find(quote),
            None => tail[start..].find(char::is_whitespace),
        };
        let value = &tail[..end.map_or(tail.len(), |end| start + end)];
        // With a scheme, this is for the next turn.
        let userinfo = match value.contains("://") {
            true => start,
            false => value.rfind('@').unwrap_or(start),
        };
        out.push_str(&tail[..start]);
        out.push_str(&stars(&tail[start..userinfo]));
        rest = &tail[userinfo..];
    }
    out + rest
}

/// The text up to and including whichever of these comes first, and the rest.
fn split_after_first<'t>(text: &'t str, ends: [&str; 2]) -> Option<(&'t str, &'t str)> {
    let ends = ends.iter().filter_map(|end| text.find(end).map(|at| at + end.len()));
    ends.min().map(|end| text.split_at(end))
}

/// The same for the values in `env: {NAME: value}`.
fn without_variables(line: &str) -> String {
    let Some(start) = line.find("env: {").map(|at| at + "env: {".len()) else {
        return line.to_owned();
    };
    let mut depth = 1;
    let closes = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    };
    let end = line[start..].find(closes).map_or(line.len(), |end| start + end);
    let pair = |pair: &str| match pair.split_once(": ") {
        Some((name, value)) => format!("{name}: {}", stars(value)),
        None => stars(pair),
    };
    let pairs: Vec<String> = line[start..end].split(',').map(pair).collect();
    format!("{}{}{}", &line[..start], pairs.join(","), &line[end..])
}

/// Whether the last word is `key` or `api_key`.
fn is_key(text: &str) -> bool {
    let word = text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
    matches!(word, Some("key" | "api_key"))
}

/// As long as the text, so that the marker below still points at its place.
fn stars(text: &str) -> String {
    text.chars().map(|c| if c == ' ' { ' ' } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, column: usize, length: usize) -> String {
        let (line, marker) = excerpt(line, column, length);
        format!("{line}\n{marker}")
    }

    #[test]
    fn marks_the_wrong_part() {
        assert_eq!(shown("port: abc", 7, 3), "port: abc\n      ^^^");
        assert_eq!(shown("port:", 6, 0), "port:\n     ^");
        assert_eq!(shown("port: abc", 7, 99), "port: abc\n      ^^^");
        assert_eq!(shown("", 40, 2), "\n^");
        assert_eq!(shown("\tport: \u{1b}[2J", 8, 1), " port: \u{fffd}[2J\n       ^");
        assert_eq!(shown("[代码, x]", 6, 1), "[代码, x]\n \u{3000}\u{3000}  ^");
    }

    #[test]
    fn cuts_long_lines_around_the_place() {
        let long = format!("{}HERE{}", "a".repeat(200), "b".repeat(200));
        let shown = shown(&long, 201, 4);
        let (line, marker) = shown.split_once('\n').unwrap();
        assert_eq!(line.find("HERE"), marker.find("^^^^"));
        assert!(line.starts_with("... a") && line.ends_with("b ..."));
        assert!(line.len() < 100);
    }

    #[test]
    fn stars_out_inline_keys() {
        for (line, safe) in [
            ("api_key: sk-1", "api_key: ****"),
            ("  api_key: sk-1 # mine", "  api_key: **** # mine"),
            ("{api_key: sk-1, models: [a]}", "{api_key: ****, models: [a]}"),
            ("{api_key: sk-1}", "{api_key: ****}"),
            ("{'api_key': 's k', a: 1}", "{'api_key': '* *', a: 1}"),
            ("{api_key: \"s,k\", api_key: x}", "{api_key: \"***\", api_key: *}"),
            ("api_key_env: NAME", "api_key_env: NAME"),
            ("{api_key_env: NAME, api_key: ключ}", "{api_key_env: NAME, api_key: ****}"),
            ("an api_key is here", "an api_key is here"),
            ("{env: {A: sk-1, B: 'x'}, id: a}", "{env: {A: ****, B: ***}, id: a}"),
            ("{env: {A: sk-1", "{env: {A: ****"),
            ("{env: {A: x${B}y}, id: a}", "{env: {A: ******}, id: a}"),
            ("{name: a, key: st-1}", "{name: a, key: ****}"),
            ("keys: [a], monkey: b", "keys: [a], monkey: b"),
            ("proxy: http://u:p@h:1", "proxy: http://***@h:1"),
            ("{proxy: 'http://u:a b@h', x: a@b}", "{proxy: 'http://*** *@h', x: a@b}"),
            ("{proxy: \"http://u:p@q@h:1\"}", "{proxy: \"http://*****@h:1\"}"),
            ("proxy: u:p@h:1 # a@b", "proxy: ***@h:1 # a@b"),
            (
                "{proxy: u:p@h, base_url: 'http://v:q@h'}",
                "{proxy: ***@h, base_url: 'http://***@h'}",
            ),
            ("{proxy: 'u:é @h', base_url: https://a}", "{proxy: '*** @h', base_url: https://a}"),
            ("{proxy: '代 x', y: '", "{proxy: '代 x', y: '"),
            ("proxy: '@", "proxy: '@"),
            ("{https_proxy: socks5://u:p@h, x: y}", "{https_proxy: socks5://***@h, x: y}"),
            ("models: [gemini@001, a@b]", "models: [gemini@001, a@b]"),
            ("base_url: https://a/v1 # b@c", "base_url: https://a/v1 # b@c"),
        ] {
            assert_eq!(without_keys("", line), safe);
        }
        assert_eq!(without_keys("  api_key: >-", "    sk 1"), "    ** *");
        assert_eq!(without_keys("  api_key: x", "  models: [a]"), "  models: [a]");
    }
}
