//! Parses the output of `codexbar usage --format json`: one object per provider, or only one.
//! Fields that are missing or of another kind than expected are as good as absent.

use serde_json::Value;
use switchtower_layers::quota::{Snapshot, timestamp};

/// The names and what is known of them.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) snapshots: Vec<(String, Snapshot)>,
    /// The providers that could not be asked, and why.
    pub(super) failures: Vec<(String, String)>,
}

/// `full_percent`: from here on a window counts as full.
///
/// # Errors
///
/// What it is instead of JSON, or instead of objects.
pub(super) fn parse(stdout: &[u8], full_percent: f64) -> Result<Parsed, String> {
    let value: Value =
        serde_json::from_slice(stdout).map_err(|error| format!("no JSON: {error}"))?;
    let entries = match &value {
        Value::Array(entries) => entries.as_slice(),
        Value::Object(_) => std::slice::from_ref(&value),
        _ => return Err("neither an array nor an object".to_owned()),
    };
    let mut parsed = Parsed::default();
    for entry in entries {
        let Some(name) = entry["provider"].as_str() else { continue };
        if let Some(why) = failure(&entry["error"]) {
            parsed.failures.push((name.to_owned(), why));
        } else if let Some(snapshot) = snapshot(entry, full_percent) {
            parsed.add(name, snapshot);
        }
    }
    Ok(parsed)
}

impl Parsed {
    /// One account of several with something left is enough.
    fn add(&mut self, name: &str, snapshot: Snapshot) {
        match self.snapshots.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) if known.available => {}
            Some((_, known)) => *known = snapshot,
            None => self.snapshots.push((name.to_owned(), snapshot)),
        }
    }
}

/// `None` when nothing is said of what is left.
fn snapshot(entry: &Value, full_percent: f64) -> Option<Snapshot> {
    let credits = entry["credits"]["remaining"].as_f64();
    let usage = &entry["usage"];
    let windows: Vec<Window<'_>> = ["Primary", "Secondary", "Tertiary"]
        .into_iter()
        .filter_map(|label| Window::of(label, &usage[label.to_ascii_lowercase()]))
        .collect();
    let full: Vec<_> = windows.iter().filter(|window| window.used >= full_percent).collect();
    let fullest = windows.iter().max_by(|a, b| a.used.total_cmp(&b.used));
    let is_exhausted = !full.is_empty() && credits.is_none_or(|credits| credits <= 0.0);

    // What counts: the windows that are full, or the one that will be.
    let told = if full.is_empty() { fullest.into_iter().collect() } else { full };
    let mut words: Vec<String> =
        credits.map(|credits| format!("Credits: {}", rounded(credits))).into_iter().collect();
    words.extend(told.iter().map(|window| format!("{}: {:.0}%", window.label, window.used)));
    if words.is_empty() {
        words = details(&usage["details"]);
    }
    if words.is_empty() {
        return None;
    }

    let mut snapshot = Snapshot::new(!is_exhausted, words.join(", "));
    snapshot.used_percent = fullest.map(|window| window.used);
    if is_exhausted {
        // All of them have to be over, so one that is not known makes the whole unknown.
        let resets: Option<Vec<_>> =
            told.iter().map(|window| window.resets_at.and_then(timestamp)).collect();
        snapshot.resets_at = resets.and_then(|resets| resets.into_iter().max());
    }
    Some(snapshot)
}

/// A period in which only so much may be used.
struct Window<'a> {
    label: &'static str,
    /// In percent.
    used: f64,
    resets_at: Option<&'a str>,
}

impl<'a> Window<'a> {
    fn of(label: &'static str, window: &'a Value) -> Option<Self> {
        let used = window["usedPercent"].as_f64()?;
        Some(Self { label, used, resets_at: window["resetsAt"].as_str() })
    }
}

/// The first lines of a report on a provider without credits and windows.
fn details(sections: &Value) -> Vec<String> {
    let sections = sections.as_array().into_iter().flatten();
    let rows = sections.filter_map(|section| section["rows"].as_array()).flatten();
    let lines = rows.filter_map(|row| {
        let (label, value) = (row["label"].as_str()?, row["value"].as_str()?);
        Some(format!("{}: {}", short(label), short(value)))
    });
    lines.take(3).collect()
}

/// A text, or an object with a `message`.
fn failure(error: &Value) -> Option<String> {
    if error.is_null() {
        return None;
    }
    let text = error.as_str().or_else(|| error["message"].as_str()).unwrap_or("an error");
    Some(short(text))
}

/// One short line, whatever somebody writes.
fn short(text: &str) -> String {
    text.split(char::is_control).next().unwrap_or_default().chars().take(200).collect()
}

/// To cents: `112.4`, `0`.
fn rounded(number: f64) -> f64 {
    // Adding nothing makes the negative nothing a positive one.
    (number * 100.0).round() / 100.0 + 0.0
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Parsed {
        parse(value.to_string().as_bytes(), 95.0).unwrap()
    }

    /// Whether something is left, and the summary.
    fn one(entry: &Value) -> (bool, String) {
        let mut snapshots = read(entry).snapshots;
        assert_eq!(snapshots.len(), 1, "{entry}");
        let (_, snapshot) = snapshots.remove(0);
        (snapshot.available, snapshot.summary)
    }

    fn codex(credits: &Value, primary: &Value, secondary: &Value) -> Value {
        let window = |used: &Value| json!({"usedPercent": used, "windowMinutes": 300});
        json!({
            "provider": "codex",
            "credits": {"remaining": credits},
            "usage": {"primary": window(primary), "secondary": window(secondary), "tertiary": null},
        })
    }

    #[test]
    fn credits_and_full_windows_decide() {
        let null = Value::Null;
        for (credits, primary, secondary, available, summary) in [
            (json!(0), null.clone(), json!(98), false, "Credits: 0, Secondary: 98%"),
            (json!(0), json!(28), json!(98), false, "Credits: 0, Secondary: 98%"),
            (
                json!(0.0),
                json!(100),
                json!(98.4),
                false,
                "Credits: 0, Primary: 100%, Secondary: 98%",
            ),
            (null.clone(), json!(95), json!(3), false, "Primary: 95%"),
            (null.clone(), json!(94.4), json!(3), true, "Primary: 94%"),
            (json!(-0.001), json!(95), null.clone(), false, "Credits: 0, Primary: 95%"),
            (
                json!(112.4),
                json!(100),
                json!(100),
                true,
                "Credits: 112.4, Primary: 100%, Secondary: 100%",
            ),
            (json!(0), json!(28), json!(59), true, "Credits: 0, Secondary: 59%"),
            (json!(0), null.clone(), null, true, "Credits: 0"),
        ] {
            let entry = codex(&credits, &primary, &secondary);
            assert_eq!(one(&entry), (available, summary.to_owned()), "{entry}");
        }
    }

    #[test]
    fn it_comes_back_when_all_that_is_full_is_over() {
        let resets = |primary: Value, secondary: Value| {
            let window = |at: &Value| json!({"usedPercent": 100, "resetsAt": at});
            let usage = json!({
                "primary": window(&primary), "secondary": window(&secondary),
                "tertiary": {"usedPercent": 3, "resetsAt": "2099-01-01T00:00:00Z"},
            });
            let parsed = read(&json!({"provider": "codex", "usage": usage}));
            parsed.snapshots[0].1.resets_at
        };
        let (early, late) = (json!("2025-12-04T19:15:00Z"), json!("2025-12-04T19:16:00Z"));
        let expected = UNIX_EPOCH + Duration::from_secs(1_764_875_760);
        assert_eq!(resets(early.clone(), late), Some(expected));
        assert_eq!(resets(early, json!("tomorrow")), None);
    }

    #[test]
    fn both_forms_and_providers_that_failed() {
        let entry = codex(&json!(1), &json!(50), &Value::Null);
        assert_eq!(read(&entry).snapshots.len(), 1);
        let parsed = read(&json!([
            entry,
            {"provider": "claude", "error": {"message": "not signed in\nat line 3", "kind": "auth"}},
            {"provider": "gemini", "error": "no token"},
            {"provider": "zai", "usage": {"primary": null}},
            {"usage": {"primary": {"usedPercent": 100}}},
            7,
        ]));
        let names: Vec<_> = parsed.snapshots.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["codex"]);
        let failures = [("claude", "not signed in"), ("gemini", "no token")];
        assert_eq!(parsed.failures, failures.map(|(name, why)| (name.to_owned(), why.to_owned())));
        assert!(read(&json!([])).snapshots.is_empty());
        for (printed, why) in
            [("", "no JSON: EOF"), ("oops", "no JSON: expected"), ("7", "neither")]
        {
            let error = parse(printed.as_bytes(), 95.0).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }

    #[test]
    fn one_account_of_several_is_enough() {
        let (full, half) = (
            codex(&Value::Null, &json!(99), &Value::Null),
            codex(&Value::Null, &json!(50), &Value::Null),
        );
        for accounts in [[&full, &half], [&half, &full]] {
            let parsed = read(&json!(accounts));
            assert_eq!(parsed.snapshots.len(), 1);
            assert!(parsed.snapshots[0].1.available);
        }
    }

    #[test]
    fn details_are_told_where_nothing_else_is() {
        let rows = json!([{"label": "Balance", "value": "$50.00"}, {"label": "no value"}]);
        let entry =
            json!({"provider": "deepseek", "usage": {"details": [{"title": "x", "rows": rows}]}});
        assert_eq!(one(&entry), (true, "Balance: $50.00".to_owned()));
    }
}
