//! docs/CONFIG.md lists every setting, and no other.

use std::collections::{BTreeMap, BTreeSet};

const SHAPE: &str = include_str!("../../../crates/config/src/raw.rs");
const DOCS: &str = include_str!("../../../docs/CONFIG.md");

/// The fields of each struct of the file's shape: name and type.
fn structs() -> BTreeMap<&'static str, Vec<(&'static str, &'static str)>> {
    let mut structs = BTreeMap::<_, Vec<_>>::new();
    let (mut current, mut renamed) = (None, None);
    for line in SHAPE.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("pub(super) struct ") {
            current = rest.strip_suffix(" {");
        } else if let Some(rest) = line.strip_prefix("#[serde(rename = \"") {
            renamed = rest.strip_suffix("\")]");
        } else if let (Some(name), Some(field)) = (current, line.strip_prefix("pub(super) ")) {
            let Some((field, kind)) = field.split_once(": ") else { continue };
            let known = renamed.take().unwrap_or(field.trim_start_matches("r#"));
            if !field.ends_with("_twin") {
                structs.entry(name).or_default().push((known, kind));
            }
        }
    }
    structs
}

/// The paths of all settings below this struct.
fn paths(name: &str, prefix: &str, found: &mut BTreeSet<String>) {
    let structs = structs();
    for (field, kind) in &structs[name] {
        let inner = kind
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| structs.contains_key(word));
        let place = match (kind.contains("Vec<"), kind.contains("Entries<")) {
            (true, _) => format!("{prefix}{field}[]."),
            (_, true) => format!("{prefix}{field}.X."),
            _ => format!("{prefix}{field}."),
        };
        match inner {
            Some(inner) => paths(inner, &place, found),
            None => drop(found.insert(format!("{prefix}{field}"))),
        }
    }
}

#[test]
fn every_setting_is_documented() {
    let mut expected = BTreeSet::new();
    paths("Raw", "", &mut expected);
    expected.insert("auth.keys".to_owned());
    let rows = DOCS.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<String> = rows.map(str::to_owned).collect();
    let missing: Vec<_> = expected.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&expected).collect();
    assert_eq!((missing, unknown), (vec![], vec![]));
    assert!(expected.len() > 100, "{expected:?}");
}
