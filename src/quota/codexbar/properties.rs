//! Whatever the command prints, reading it ends well.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::parse::parse;

/// Something where another thing is expected.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-10i32..110).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({"message": 1, "remaining": "x"})),
    ]
}

fn entry() -> impl Strategy<Value = Value> {
    let window = || {
        prop_oneof![
            anything(),
            (anything(), anything()).prop_map(|(used, at)| {
                json!({"usedPercent": used, "windowMinutes": 300, "resetsAt": at})
            })
        ]
    };
    let names = prop_oneof![Just("codex"), Just("claude")];
    (names, anything(), window(), window(), anything(), prop::option::of(anything())).prop_map(
        |(name, credits, primary, secondary, details, error)| {
            json!({
                "provider": name,
                "credits": {"remaining": credits},
                "usage": {"primary": primary, "secondary": secondary, "details": details},
                "error": error,
            })
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, 95.0);
    }

    #[test]
    fn what_is_cut_off_is_an_error(entry in entry(), share in 0.0..1.0) {
        let text = entry.to_string();
        let cut = (text.len() as f64 * share) as usize;
        prop_assert!(parse(&text.as_bytes()[..cut], 95.0).is_err());
    }

    /// The other entries are reported, and each name once.
    #[test]
    fn an_odd_entry_spoils_nothing(entries in prop::collection::vec(entry(), 0..6)) {
        let well = json!({"provider": "well", "usage": {"primary": {"usedPercent": 12}}});
        let all: Vec<_> = entries.iter().cloned().chain([well]).collect();
        let parsed = parse(json!(all).to_string().as_bytes(), 95.0).unwrap();
        let mut names: Vec<_> = parsed.snapshots.iter().map(|(name, _)| name.as_str()).collect();
        let told = names.len();
        prop_assert_eq!(*names.last().unwrap(), "well");
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), told);
        for (name, snapshot) in &parsed.snapshots {
            let is_full = snapshot.used_percent.is_some_and(|used| used >= 95.0);
            prop_assert!(snapshot.available || is_full, "{}: {:?}", name, snapshot);
            prop_assert!(!snapshot.summary.is_empty());
        }
    }
}
