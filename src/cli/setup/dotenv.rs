//! A key in a `.env`, whose other lines stay as they are.

/// The variables, as the gateway reads them.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let text = text.trim_start_matches('\u{feff}');
    dotenvy::from_read_iter(text.as_bytes()).filter_map(Result::ok).collect()
}

/// Sets a variable. None if it cannot be done without breaking another one.
pub(super) fn set(text: &str, name: &str, value: &str) -> Option<String> {
    let before = pairs(text);
    // The first one counts.
    if before.iter().find(|(known, _)| known == name).is_some_and(|(_, known)| known == value) {
        return Some(text.to_owned());
    }
    let line = format!("{name}={}\n", quoted(value));
    let mut after = String::with_capacity(text.len() + line.len());
    let mut is_set = false;
    for old in text.split_inclusive('\n') {
        if !is_set && defines(old, name) {
            after.push_str(&line);
            is_set = true;
        } else {
            after.push_str(old);
        }
    }
    if !is_set {
        if !after.is_empty() && !after.ends_with('\n') {
            after.push('\n');
        }
        after.push_str(&line);
    }
    // A value may go over several lines, so that what looks like a line was none.
    let found = pairs(&after);
    let value_of = |name: &str| found.iter().find(|(known, _)| known == name);
    let kept = before.iter().all(|(known, _)| value_of(known).is_some());
    let is_set = value_of(name).is_some_and(|(_, found)| found == value);
    (kept && is_set).then_some(after)
}

fn defines(line: &str, name: &str) -> bool {
    let line = line.trim_start_matches('\u{feff}').trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=:".contains(c);
    if value.chars().all(plain) {
        value.to_owned()
    } else if !value.contains(['\'', '\\']) {
        format!("'{value}'")
    } else {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        format!("\"{escaped}\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_lines_stay() {
        assert_eq!(set("", "K", "sk-1").as_deref(), Some("K=sk-1\n"));
        let text = "# mine\nA = 1\nexport K='old'\nK=second\nthis is none\nB=\"x\"";
        assert_eq!(
            set(text, "K", "new key").as_deref(),
            Some("# mine\nA = 1\nK='new key'\nK=second\nthis is none\nB=\"x\"")
        );
        assert_eq!(set(text, "C", "$c").as_deref(), Some(format!("{text}\nC='$c'\n").as_str()));
        assert_eq!(set(text, "K", "old").as_deref(), Some(text), "nothing is to be done");
        assert_eq!(set("KEY=1\n", "K", "2").as_deref(), Some("KEY=1\nK=2\n"));
    }

    #[test]
    fn what_cannot_be_told_apart_is_left_alone() {
        assert_eq!(set("A=\"one\nK=two\"\nB=3\n", "K", "new"), None);
        assert_eq!(set("K=\"one\ntwo\"\nA=\"x\"\n", "K", "new"), None);
        assert_eq!(set("A=\"never closed\n", "K", "new"), None);
    }

    proptest! {
        #[test]
        fn any_key_is_read_back(key in "[!-~]([ -~]{0,30}[!-~])?") {
            let text = set("A=1\n", "K", &key);
            prop_assert_eq!(pairs(&text.unwrap()), [("A".into(), "1".into()), ("K".into(), key)]);
        }
    }
}
