//! Checks URLs of providers and agents.

use http::Uri;

use super::Checker;
use crate::error::Problem;
use crate::raw::Text;

/// Endings that belong to a request, not to a base URL.
const REQUEST_PATHS: [&str; 3] = ["/chat/completions", "/responses", "/models"];

impl Checker<'_> {
    /// An absolute `http` or `https` URL without userinfo, query and fragment; a slash at the end is
    /// cut off.
    pub(super) fn url(&mut self, url: &Text) -> Option<Uri> {
        let text = url.value.trim_end_matches('/');
        let Some((scheme, rest)) = text.split_once("://") else {
            self.not_absolute(url, text);
            return None;
        };
        if !matches!(scheme, "http" | "https") {
            self.wrong(url, format!("`{scheme}` is not a scheme for a URL here"))
                .help("write http:// or https://".to_owned());
            return None;
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            self.wrong(url, "a URL here has no user and no password")
                .secret()
                .help("put the key into api_key_env or api_key".to_owned());
            return None;
        }
        if rest.contains(['?', '#']) {
            self.wrong(url, "a URL here has no `?` and no `#`").secret();
            return None;
        }
        match text.parse::<Uri>() {
            Ok(uri) if uri.host().is_some_and(|host| !host.is_empty()) => Some(uri),
            _ => {
                self.wrong(url, format!("`{}` is not a URL", url.value))
                    .help("write, for example, https://api.deepseek.com/v1".to_owned());
                None
            }
        }
    }

    /// A provider's URL, to which the path of a request is appended.
    pub(super) fn base_url(&mut self, url: &Text) -> Option<Uri> {
        let uri = self.url(url)?;
        if let Some(ending) = REQUEST_PATHS.iter().find(|ending| uri.path().ends_with(**ending)) {
            self.wrong(url, format!("a base_url ends before `{ending}`"))
                .help("the gateway appends the path of each request".to_owned());
        }
        Some(uri)
    }

    fn not_absolute(&mut self, url: &Text, text: &str) -> &mut Problem {
        let host = text.split(['/', ':']).next().unwrap_or_default();
        let local = host == "localhost" || host.starts_with("127.");
        let guess = if !local && !host.contains('.') {
            "write, for example, https://api.deepseek.com/v1".to_owned()
        } else if text.contains('@') || text.contains('?') {
            "begin with http:// or https://".to_owned()
        } else {
            format!("did you mean `{}://{text}`?", if local { "http" } else { "https" })
        };
        self.wrong(url, "a URL begins with http:// or https://").help(guess)
    }
}
