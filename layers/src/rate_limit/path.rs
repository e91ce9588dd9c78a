/// Which paths a limit is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Paths {
    /// This one.
    Exactly(Box<str>),
    /// All that begin with this.
    Below(Box<str>),
}

impl Paths {
    pub(super) const ALL: &str = "*";

    /// A plain path matches that path; a `*` at its end matches any suffix.
    pub(super) fn new(pattern: &str) -> Self {
        match pattern.strip_suffix('*') {
            Some(prefix) => Self::Below(prefix.into()),
            None => Self::Exactly(bare(pattern).into()),
        }
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exactly(exact) => **exact == *bare(path),
            Self::Below(prefix) => path.starts_with(&**prefix),
        }
    }
}

/// Servers often take a path with a slash at its end for the same; a limit must not be evaded so.
fn bare(path: &str) -> &str {
    path.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_are_exact_and_stars_are_prefixes() {
        for (pattern, path, matches) in [
            ("/v1/responses", "/v1/responses", true),
            ("/v1/responses", "/v1/responses/", true),
            ("/v1/responses/", "/v1/responses", true),
            ("/v1/responses", "/v1/responses/resp_1", false),
            ("/v1/responses", "/v1/responsesX", false),
            ("/v1/responses", "/openai/v1/responses", false),
            ("/v1/*", "/v1/responses", true),
            ("/v1/*", "/v1", false),
            ("/v1*", "/v1", true),
            ("/", "/", true),
            ("/", "/v1", false),
            (Paths::ALL, "/", true),
            (Paths::ALL, "*", true),
            (Paths::ALL, "", true),
        ] {
            assert_eq!(Paths::new(pattern).matches(path), matches, "{pattern} {path}");
        }
    }
}
