//! Header hygiene: what may pass from the client to a provider, and back (RFC 9110, section 7.6).

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT_ENCODING, CONNECTION},
};

/// Always hop-by-hop, besides those that `Connection` names.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What the client's request says about its own connection, account or page.
const CLIENTS_OWN: [&str; 8] = [
    "host",
    "expect",
    "content-length",
    "openai-organization",
    "openai-project",
    "origin",
    "referer",
    "x-switchtower-commit",
];

/// What a provider's answer says about its own site, to which the client is no visitor.
const PROVIDERS_OWN: [&str; 5] = [
    "set-cookie",
    "strict-transport-security",
    "alt-svc",
    // The gateway's own takes its place.
    "x-request-id",
    "clear-site-data",
];

/// Prefixes of the same: the provider's limits are not the client's, and there is no CORS here.
const PROVIDERS_PREFIXES: [&str; 2] = ["x-ratelimit-", "access-control-"];

/// Readies a client's headers for a provider. Hop-by-hop headers must be gone already: what the
/// gateway itself has set since then is nothing that the client's `Connection` may name.
pub(super) fn outbound(headers: &mut HeaderMap) {
    remove_where(headers, |name| CLIENTS_OWN.contains(&name) || has_credentials(name));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// Readies a provider's headers for the client.
pub(super) fn inbound(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    remove_where(headers, |name| {
        PROVIDERS_OWN.contains(&name) || PROVIDERS_PREFIXES.iter().any(|p| name.starts_with(p))
    });
}

/// Removes what is meant for this connection only, by every `Connection` line.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
        let named =
            lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse().ok());
        let named: Vec<HeaderName> = named.collect();
        remove_all(headers, &named);
    }
    remove_where(headers, |name| HOP_BY_HOP.contains(&name));
}

/// Whether a header's name says that it carries a client's credentials, for whatever service. One
/// pass over each name of each request: most letters begin none of the words.
fn has_credentials(name: &str) -> bool {
    let name = name.as_bytes();
    let mut rests = (0..name.len()).map(|at| &name[at..]);
    rests.any(|rest| match rest[0] {
        b'a' => {
            [&b"auth"[..], b"api-key", b"api_key", b"apikey"].iter().any(|w| rest.starts_with(w))
        }
        b'c' => rest.starts_with(b"cookie") || rest.starts_with(b"credential"),
        b'p' => rest.starts_with(b"password"),
        b's' => rest.starts_with(b"secret"),
        b't' => rest.starts_with(b"token"),
        _ => false,
    })
}

/// A pass over those that are there costs less than a look-up of each that may be.
fn remove_where(headers: &mut HeaderMap, matches: impl Fn(&str) -> bool) {
    // Nothing matches most of the time, and then nothing is allocated.
    let found: Vec<_> = headers.keys().filter(|name| matches(name.as_str())).cloned().collect();
    remove_all(headers, &found);
}

fn remove_all(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
            })
            .collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_connection_line_counts() {
        let mut headers = map(&[
            ("connection", "close, x-one"),
            ("connection", "X-Two , keep-alive,, b@d"),
            ("x-one", "1"),
            ("x-one", "2"),
            ("x-two", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("transfer-encoding", "chunked"),
            ("x-three", "stays"),
        ]);
        remove_hop_by_hop(&mut headers);
        assert_eq!(names(&headers), ["x-three"]);
    }

    #[test]
    fn the_clients_credentials_stay_here_and_unknown_headers_pass() {
        let mut headers = map(&[
            ("host", "localhost:3000"),
            ("authorization", "Bearer client"),
            ("x-api-key", "k"),
            ("api-key", "k"),
            ("cookie", "session"),
            ("anthropic-api-key", "k"),
            ("x-goog-api-key", "k"),
            ("api_key", "k"),
            ("x-auth-token", "k"),
            ("cf-access-client-secret", "k"),
            ("openai-organization", "org"),
            ("content-length", "5"),
            ("expect", "100-continue"),
            ("accept-encoding", "gzip"),
            ("content-type", "application/json"),
            ("x-stainless-lang", "python"),
            ("traceparent", "00-1-2-01"),
        ]);
        outbound(&mut headers);
        let left = names(&headers);
        assert_eq!(left, ["accept-encoding", "content-type", "traceparent", "x-stainless-lang"]);
        assert_eq!(headers[ACCEPT_ENCODING], "identity");
    }

    #[test]
    fn a_providers_own_headers_stay_there() {
        let mut headers = map(&[
            ("x-ratelimit-remaining-requests", "5"),
            ("x-ratelimit-reset-tokens", "1s"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("access-control-allow-origin", "*"),
            ("strict-transport-security", "max-age=1"),
            ("alt-svc", "h3"),
            ("x-request-id", "theirs"),
            ("connection", "keep-alive"),
            ("content-type", "application/json"),
            ("content-length", "2"),
            ("retry-after", "3"),
            ("openai-processing-ms", "12"),
        ]);
        inbound(&mut headers);
        let left = names(&headers);
        assert_eq!(left, ["content-length", "content-type", "openai-processing-ms", "retry-after"]);
    }

    const CREDENTIALS: [&str; 9] = [
        "auth",
        "token",
        "secret",
        "password",
        "credential",
        "cookie",
        "api-key",
        "api_key",
        "apikey",
    ];

    /// Any value, and names of which many mean something here.
    fn any_headers() -> impl Strategy<Value = HeaderMap> {
        let name = prop_oneof![
            "connection|te|upgrade|trailer|transfer-encoding|proxy-[a-z]{1,9}|keep-alive",
            "host|expect|content-length|cookie|x-[a-z]{0,3}(auth|token|secret|api-key)[a-z]{0,3}",
            "x-ratelimit-[a-z]{1,5}|set-cookie|access-control-[a-z]{1,5}|alt-svc",
            "[a-z][a-z0-9-]{0,12}",
        ];
        let value = prop_oneof![
            "[ ,]*(close|te|x-[a-z]{0,3}|content-type|,| ){0,5}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..20),
        ];
        prop::collection::vec((name, value), 0..12).prop_map(|lines| {
            let lines = lines.iter().filter_map(|(name, value)| {
                Some((name.parse().ok()?, HeaderValue::from_bytes(value).ok()?))
            });
            lines.fold(HeaderMap::new(), |mut headers, (name, value): (HeaderName, _)| {
                headers.append(name, value);
                headers
            })
        })
    }

    /// All that is left of a name is what was there.
    fn only_less(before: &HeaderMap, after: &HeaderMap) -> bool {
        after.keys().all(|name| after.get_all(name).iter().eq(before.get_all(name)))
    }

    proptest! {
        #[test]
        fn whatever_comes_only_what_may_pass_is_left(before in any_headers()) {
            let mut hops = before.clone();
            remove_hop_by_hop(&mut hops);
            prop_assert!(only_less(&before, &hops));
            prop_assert!(!HOP_BY_HOP.iter().any(|name| hops.contains_key(*name)));
            let named = before.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
            for name in named.flat_map(|line| line.split(',')).map(str::trim) {
                prop_assert!(!hops.contains_key(name), "{}", name);
            }

            let mut out = hops.clone();
            outbound(&mut out);
            prop_assert_eq!(out.remove(ACCEPT_ENCODING), Some(HeaderValue::from_static("identity")));
            prop_assert!(only_less(&hops, &out));
            prop_assert!(!CLIENTS_OWN.iter().any(|name| out.contains_key(*name)));
            for name in out.keys().map(HeaderName::as_str) {
                prop_assert!(!CREDENTIALS.iter().any(|part| name.contains(part)), "{}", name);
            }

            let mut back = before.clone();
            inbound(&mut back);
            prop_assert!(only_less(&hops, &back));
            prop_assert!(!PROVIDERS_OWN.iter().any(|name| back.contains_key(*name)));
        }
    }
}
