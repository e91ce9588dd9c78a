//! Header hygiene: what may pass from the client to a provider, and back (RFC 9110, section 7.6).

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST,
        PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, STRICT_TRANSPORT_SECURITY, TE,
        TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

/// Always hop-by-hop, besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What the client's request says about its own connection or account.
const CLIENTS_OWN: [HeaderName; 13] = [
    HOST,
    EXPECT,
    CONTENT_LENGTH,
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
    HeaderName::from_static("origin"),
    HeaderName::from_static("referer"),
    HeaderName::from_static("x-switchtower-commit"),
];

/// What a provider's answer says about its own site, to which the client is no visitor.
const PROVIDERS_OWN: [HeaderName; 5] = [
    SET_COOKIE,
    STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("alt-svc"),
    // The gateway's own takes its place.
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("clear-site-data"),
];

/// Prefixes of the same: the provider's limits are not the client's, and there is no CORS here.
const PROVIDERS_PREFIXES: [&str; 2] = ["x-ratelimit-", "access-control-"];

/// Readies a client's headers for a provider.
pub(super) fn outbound(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    remove_all(headers, &CLIENTS_OWN);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// Readies a provider's headers for the client.
pub(super) fn inbound(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    remove_all(headers, &PROVIDERS_OWN);
    let foreign =
        |name: &HeaderName| PROVIDERS_PREFIXES.iter().any(|p| name.as_str().starts_with(p));
    let foreign: Vec<_> = headers.keys().filter(|name| foreign(name)).cloned().collect();
    remove_all(headers, &foreign);
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
        let named =
            lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse().ok());
        let named: Vec<HeaderName> = named.collect();
        remove_all(headers, &named);
    }
    remove_all(headers, &HOP_BY_HOP);
}

fn remove_all(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
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
        headers.keys().map(HeaderName::as_str).collect()
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
        outbound(&mut headers);
        let mut left = names(&headers);
        left.sort_unstable();
        assert_eq!(left, ["accept-encoding", "x-three"]);
    }

    #[test]
    fn the_clients_credentials_stay_here_and_unknown_headers_pass() {
        let mut headers = map(&[
            ("host", "localhost:3000"),
            ("authorization", "Bearer client"),
            ("x-api-key", "k"),
            ("api-key", "k"),
            ("cookie", "session"),
            ("proxy-authorization", "Basic x"),
            ("openai-organization", "org"),
            ("content-length", "5"),
            ("expect", "100-continue"),
            ("accept-encoding", "gzip"),
            ("content-type", "application/json"),
            ("x-stainless-lang", "python"),
            ("traceparent", "00-1-2-01"),
        ]);
        outbound(&mut headers);
        let mut left = names(&headers);
        left.sort_unstable();
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
        let mut left = names(&headers);
        left.sort_unstable();
        assert_eq!(left, ["content-length", "content-type", "openai-processing-ms", "retry-after"]);
    }
}
