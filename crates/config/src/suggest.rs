//! "did you mean ...?"

use indexmap::IndexSet;
use strsim::normalized_damerau_levenshtein;

/// How alike two names must be, from 0 to 1, to be worth a guess.
const ALIKE: f64 = 0.55;

/// How many names are listed when none is.
const SHOWN: usize = 20;

/// The candidate that `word` was most likely meant to be, if any is close.
fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let mut best = None;
    let mut best_score = ALIKE;
    for candidate in candidates {
        let plain = plain(candidate);
        let part_of_it = word.len() >= 3 && plain.contains(&word);
        let score = normalized_damerau_levenshtein(&word, &plain).max(if part_of_it {
            ALIKE + 0.01
        } else {
            0.0
        });
        if score > best_score {
            (best, best_score) = (Some(candidate), score);
        }
    }
    best
}

/// The help line for a name that does not exist: the nearest one, else all there are.
pub fn help<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    all: &str,
) -> Option<String> {
    let candidates: IndexSet<_> = candidates.into_iter().collect();
    if let Some(name) = nearest(word, candidates.iter().copied()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let shown: Vec<_> = candidates.iter().copied().take(SHOWN).collect();
    match candidates.len() - shown.len() {
        _ if shown.is_empty() => None,
        0 => Some(format!("{all}: {}", shown.join(", "))),
        more => Some(format!("{all}: {} and {more} more", shown.join(", "))),
    }
}

/// Case and separators are what people mix up first.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let settings = ["host", "port", "body_limit_mb", "base_url", "api_key", "api_key_env"];
        let near = |word| nearest(word, settings);
        assert_eq!(near("prot"), Some("port"));
        assert_eq!(near("bodyLimitMb"), Some("body_limit_mb"));
        assert_eq!(near("base-url"), Some("base_url"));
        assert_eq!(near("url"), Some("base_url"));
        assert_eq!(near("apikey"), Some("api_key"));
        assert_eq!(near("colour"), None);
        assert_eq!(near(""), None);
    }

    #[test]
    fn lists_the_names_when_none_is_near() {
        assert_eq!(help("x", ["aa", "bb"], "there are").as_deref(), Some("there are: aa, bb"));
        assert_eq!(help("x", [], "there are"), None);
    }
}
