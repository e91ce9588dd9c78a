//! The threat model's tests are there: see `SECURITY.md`.

use std::{fs, path::Path};

const SECURITY: &str = include_str!("../../SECURITY.md");

#[test]
fn each_line_of_the_threat_model_has_tests() {
    let rows = SECURITY.lines().filter(|line| line.starts_with('|')).skip(2);
    let mut count = 0;
    for row in rows {
        let shown_by = row.trim_end_matches([' ', '|']).rsplit('|').next().expect("a last cell");
        let tests: Vec<&str> = shown_by.split('`').filter(|part| part.contains("::")).collect();
        assert!(!tests.is_empty(), "nothing shows: {row}");
        for test in tests {
            let (file, name) = test.split_once("::").expect("a file and a name");
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(&format!("fn {name}(")), "{file} has no {name}");
        }
        count += 1;
    }
    assert!(count > 20, "{count} lines");
}
