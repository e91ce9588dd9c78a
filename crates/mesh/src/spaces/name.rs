//! Names of artifacts.

use super::limits;

/// Whether an artifact may have that name. It never becomes a path here, but it may where somebody
/// saves it.
///
/// # Errors
///
/// What is wrong with it, for a person.
pub fn check(name: &str) -> Result<(), &'static str> {
    match name {
        "" => Err("an artifact's name is not empty"),
        name if name.chars().count() > limits::NAME => {
            Err("an artifact's name has at most 255 characters")
        }
        name if name.starts_with('.') => Err("an artifact's name does not begin with a dot"),
        name if name.contains(|c: char| matches!(c, '/' | '\\') || c.is_control()) => {
            Err("an artifact's name has no slashes and no control characters")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_where_they_are() {
        let longest = "报".repeat(255);
        for name in ["a", "report v2.md", "报告.md", "a..b", "~", "%2e%2e", "C:", &longest] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        let long = "x".repeat(256);
        for name in [
            "", ".", "..", ".ssh", "a/b", "/a", "../a", "..\\a", "a\\b", "a\0", "a\n", "\u{85}",
            &long,
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }
}
