use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING, UPGRADE},
    uri::Authority,
};
use switchtower_layers::{Code, Rejection};

/// Where a browser says that the page is from (Fetch Metadata Request Headers, section 2.4).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// What depends on the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The largest head, in bytes of names and values and the path.
    pub(super) max_head: usize,
    /// Whether only loopback names are answered to.
    pub(super) is_local: bool,
}

/// All rules, in the order in which a client should hear of them.
pub(super) fn check<B>(request: &Request<B>, rules: Rules) -> Result<(), Rejection> {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    size(uri, headers, rules.max_head)?;
    path(uri)?;
    let host = host(uri, headers, rules.is_local)?;
    if is_safe(method) {
        if is_stream(uri, headers) {
            origin(headers, &host)?;
        }
        return Ok(());
    }
    plain_path(uri)?;
    origin(headers, &host)?;
    // A page has to ask before it sends by any other method, whatever the body is.
    if method == Method::POST && !is_artifact(uri.path()) {
        content_type(headers)?;
    }
    Ok(())
}

/// What a page can open elsewhere without asking. It could read a WebSocket, to which the rules of
/// CORS do not apply, and hold the places of streams that it cannot read.
fn is_stream(uri: &Uri, headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE)
        || matches!(uri.path(), "/events" | "/ws" | "/model-gateway/events")
}

/// Artifacts are put: no POST does anything there, which is what its client should hear.
fn is_artifact(path: &str) -> bool {
    let below = path.strip_prefix("/spaces/").and_then(|path| path.split_once('/'));
    below.is_some_and(|(_, path)| path.starts_with("artifacts/"))
}

/// RFC 9110, section 9.2.1.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

fn size(uri: &Uri, headers: &HeaderMap, max_head: usize) -> Result<(), Rejection> {
    let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    let bytes = uri.path().len()
        + uri.query().map_or(0, str::len)
        + headers.iter().map(line).sum::<usize>();
    if bytes <= max_head {
        return Ok(());
    }
    let message = format!("the request's head has more than {max_head} bytes");
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Err(Rejection::new(Code::InvalidRequest, message).status(status))
}

fn path(uri: &Uri) -> Result<(), Rejection> {
    let is_dots = |segment: &str| {
        let plain = segment.replace("%2e", ".").replace("%2E", ".");
        plain == "." || plain == ".."
    };
    // Nearly all paths have neither, and cost no more than a look.
    let may_have_dots = uri.path().contains(['.', '%']);
    if may_have_dots && uri.path().split(['/', '\\']).any(is_dots) {
        return Err(Rejection::new(Code::InvalidRequest, "the path has dot segments"));
    }
    Ok(())
}

/// What may go to a provider must be nothing that a server might decode into another path.
fn plain_path(uri: &Uri) -> Result<(), Rejection> {
    if !uri.path().starts_with("/v1") {
        return Ok(());
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~:@".contains(&byte);
    let message = if !uri.path().bytes().all(is_plain) {
        "the path may have letters, digits and -._~:@ only"
    } else if uri.path().contains("//") {
        // Many servers merge slashes, and then limits by path would be for another one.
        "the path has an empty segment"
    } else {
        return Ok(());
    };
    Err(Rejection::new(Code::InvalidRequest, message))
}

/// The authority that the client means; where there are no client keys, it must be a loopback one.
fn host(uri: &Uri, headers: &HeaderMap, is_local: bool) -> Result<Authority, Rejection> {
    let invalid = |message| Rejection::new(Code::InvalidRequest, message);
    let mut lines = headers.get_all(HOST).iter();
    let header = match (lines.next(), lines.next()) {
        (Some(_), Some(_)) => return Err(invalid("there is more than one Host header")),
        (line, _) => line.map(|line| Authority::try_from(line.as_bytes())).transpose(),
    };
    let header = header.map_err(|_| invalid("the Host header is not an authority"))?;
    let named = [uri.authority().cloned(), header];
    let is_foreign = |named: &&Authority| is_local && !is_loopback(named.host());
    if let Some(foreign) = named.iter().flatten().find(is_foreign) {
        let message = format!(
            "this gateway answers only to localhost, 127.0.0.1 and [::1], not to `{}`",
            foreign.host()
        );
        return Err(Rejection::new(Code::Forbidden, message));
    }
    let [authority, header] = named;
    authority.or(header).ok_or_else(|| invalid("the request has no Host"))
}

fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.to_canonical().is_loopback())
}

fn origin(headers: &HeaderMap, host: &Authority) -> Result<(), Rejection> {
    let is_own = |origin: &HeaderValue| {
        let uri = Uri::try_from(origin.as_bytes()).ok();
        uri.is_some_and(|uri| uri.authority() == Some(host))
    };
    // Browsers send it where they leave out the origin; other clients do not. Another port is
    // "same-site".
    let is_elsewhere = |site: &HeaderValue| site == "cross-site" || site == "same-site";
    let is_foreign = headers.get_all(SEC_FETCH_SITE).iter().any(is_elsewhere);
    if !is_foreign && headers.get_all(ORIGIN).iter().all(is_own) {
        return Ok(());
    }
    Err(Rejection::new(Code::Forbidden, "web pages of other origins may not use this gateway"))
}

/// A POST without a body needs no type: a page that sends one says its `Origin`, and a form its type.
fn content_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let is_empty = headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0");
    if is_empty && !headers.contains_key(TRANSFER_ENCODING) && !headers.contains_key(CONTENT_TYPE) {
        return Ok(());
    }
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let essence = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let essence = essence.to_ascii_lowercase();
    if essence == b"application/json"
        || (essence.starts_with(b"application/") && essence.ends_with(b"+json"))
    {
        return Ok(());
    }
    let message = "the body must be JSON: send `Content-Type: application/json`";
    Err(Rejection::new(Code::UnsupportedMediaType, message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX_HEAD: usize = 64 << 10;
    const LOCAL: Rules = Rules { max_head: MAX_HEAD, is_local: true };

    fn status(method: &str, uri: &str, headers: &[(&str, &str)]) -> u16 {
        status_by(LOCAL, method, uri, headers)
    }

    fn status_by(rules: Rules, method: &str, uri: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match check(&request.body(()).unwrap(), rules) {
            Ok(()) => 200,
            Err(rejection) => rejection.into_response::<bytes::Bytes>().status().as_u16(),
        }
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn loopback_hosts_only() {
        for (host, expected) in [
            ("localhost", 200),
            ("localhost:3000", 200),
            ("LOCALHOST.:1", 200),
            ("127.0.0.1:3000", 200),
            ("127.1.2.3", 200),
            ("[::1]:3000", 200),
            ("[::ffff:127.0.0.1]", 200),
            ("evil.example", 403),
            ("evil.example:3000", 403),
            ("localhost.evil.example", 403),
            ("127.0.0.1.evil.example", 403),
            ("0.0.0.0", 403),
            ("192.168.1.5:3000", 403),
            ("a b", 400),
            ("", 400),
        ] {
            assert_eq!(status("GET", "/", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status("GET", "/", &[]), 400);
        assert_eq!(status("GET", "/", &[("host", "localhost"), ("host", "localhost")]), 400);
    }

    #[test]
    fn an_authority_in_the_uri_counts_as_much_as_the_header() {
        assert_eq!(status("GET", "http://localhost:3000/", &[]), 200);
        assert_eq!(status("GET", "http://evil.example/", &[("host", "localhost")]), 403);
        assert_eq!(status("GET", "http://localhost/", &[("host", "evil.example")]), 403);
    }

    #[test]
    fn where_a_key_is_needed_any_one_host_will_do() {
        let keyed = Rules { is_local: false, ..LOCAL };
        let get = |headers: &[(&str, &str)]| status_by(keyed, "GET", "/", headers);
        assert_eq!(get(&[("host", "gateway.example:3000")]), 200);
        assert_eq!(get(&[("host", "192.168.1.5")]), 200);
        assert_eq!(get(&[("host", "a.example"), ("host", "a.example")]), 400);
        assert_eq!(get(&[("host", "a b")]), 400);
        assert_eq!(get(&[]), 400);
        for (origin, expected) in
            [("https://gateway.example", 200), ("https://evil.example", 403), ("null", 403)]
        {
            let headers = [("host", "gateway.example"), JSON, ("origin", origin)];
            assert_eq!(status_by(keyed, "POST", "/v1/x", &headers), expected, "{origin}");
        }
    }

    #[test]
    fn foreign_origins_may_not_change_state() {
        for (origin, expected) in [
            ("http://localhost:3000", 200),
            ("http://localhost:5173", 403),
            ("http://127.0.0.1:3000", 403),
            ("https://evil.example", 403),
            ("null", 403),
            ("", 403),
        ] {
            let headers = [("host", "localhost:3000"), JSON, ("origin", origin)];
            assert_eq!(status("POST", "/v1/x", &headers), expected, "{origin}");
            assert_eq!(status("DELETE", "/v1/x", &headers), expected, "{origin}");
            assert_eq!(status("GET", "/v1/x", &headers), 200, "{origin}");
        }
    }

    #[test]
    fn foreign_origins_may_not_open_streams() {
        let own = ("origin", "http://localhost:3000");
        let foreign = ("origin", "http://localhost:5173");
        let upgrade = ("upgrade", "websocket");
        for (path, headers, expected) in [
            ("/events", &[own][..], 200),
            ("/events", &[], 200),
            ("/events", &[foreign], 403),
            ("/events", &[("sec-fetch-site", "cross-site")], 403),
            ("/events", &[("sec-fetch-site", "same-site")], 403),
            ("/events?taskId=x", &[("sec-fetch-site", "cross-site")], 403),
            ("/model-gateway/events", &[("sec-fetch-site", "cross-site")], 403),
            ("/events", &[("sec-fetch-site", "none")], 200),
            ("/events", &[own, ("sec-fetch-site", "same-origin")], 200),
            ("/ws", &[own, upgrade], 200),
            ("/ws", &[foreign, upgrade], 403),
            ("/ws", &[foreign], 403),
            ("/ws", &[("origin", "null"), upgrade], 403),
            ("/x", &[foreign, upgrade], 403),
            ("/x", &[foreign], 200),
        ] {
            let all = [&[("host", "localhost:3000")], headers].concat();
            assert_eq!(status("GET", path, &all), expected, "{path} {headers:?}");
        }
        let headers = [("host", "localhost:3000"), JSON, ("sec-fetch-site", "cross-site")];
        assert_eq!(status("POST", "/tasks", &headers), 403, "without an origin, too");
    }

    #[test]
    fn artifacts_are_no_json_and_have_names_of_their_own() {
        let host = ("host", "localhost:3000");
        let path = "/spaces/space_1/artifacts/%E6%8A%A5%20a.png";
        assert_eq!(status("PUT", path, &[host, ("content-type", "image/png")]), 200);
        assert_eq!(status("PUT", path, &[host, ("origin", "https://evil.example")]), 403);
        assert_eq!(status("PUT", "/spaces/space_1/artifacts/%2e%2e", &[host]), 400);
        assert_eq!(status("PUT", "/v1/%E6", &[host]), 400);
        assert_eq!(status("POST", path, &[host, ("content-type", "image/png")]), 200, "as 405");
        for path in ["/spaces/space_1/artifacts", "/spaces/artifacts/a", "/spaces/s/messages"] {
            assert_eq!(status("POST", path, &[host, ("content-type", "image/png")]), 415);
        }
        assert_eq!(status("DELETE", "/agents/%E6%8A%A5", &[host]), 200);
    }

    #[test]
    fn bodies_are_json() {
        for (content_type, expected) in [
            ("application/json", 200),
            ("Application/JSON ; charset=utf-8", 200),
            ("application/vnd.api+json", 200),
            ("text/plain", 415),
            ("application/x-www-form-urlencoded", 415),
            ("multipart/form-data; boundary=application/json", 415),
            ("text/x+json", 415),
            ("", 415),
        ] {
            let headers = [("host", "localhost"), ("content-type", content_type)];
            assert_eq!(status("POST", "/", &headers), expected, "{content_type}");
        }
    }

    #[test]
    fn only_what_a_page_could_send_unasked_needs_a_type() {
        for (method, header, expected) in [
            ("POST", ("content-length", "1"), 415),
            ("POST", ("transfer-encoding", "chunked"), 415),
            ("POST", ("content-type", "application/x-www-form-urlencoded"), 415),
            ("POST", ("content-length", "0"), 200),
            ("POST", ("accept", "*/*"), 200),
            ("PUT", ("content-length", "1"), 200),
            ("PUT", ("content-type", "image/png"), 200),
            ("DELETE", ("content-length", "1"), 200),
        ] {
            let headers = [("host", "localhost"), header];
            assert_eq!(status(method, "/", &headers), expected, "{method}: {header:?}");
        }
    }

    #[test]
    fn what_might_become_another_path_is_refused_where_it_could_be_sent_on() {
        for path in [
            "/v1/..%2fx",
            "/v1/..%5cx",
            "/v1/..;/x",
            "/v1/%252e%252e/x",
            "/v1/a%00",
            "/v1//x",
            "/v1/x//",
        ] {
            assert_eq!(status("POST", path, &[("host", "localhost"), JSON]), 400, "{path}");
            assert_eq!(status("GET", path, &[("host", "localhost")]), 200, "{path}");
        }
        let path = "/v1/files/file-1_a/x:y~@b";
        assert_eq!(status("POST", path, &[("host", "localhost"), JSON]), 200);
    }

    #[test]
    fn large_heads_and_dot_segments_are_refused() {
        let long = "x".repeat(MAX_HEAD);
        assert_eq!(status("GET", "/", &[("host", "localhost"), ("x-long", &long)]), 431);
        for path in ["/v1/../admin", "/v1/%2e%2E/admin", "/v1/./x", "/v1/..", "/v1/..\\x"] {
            assert_eq!(status("GET", path, &[("host", "localhost")]), 400, "{path}");
        }
        assert_eq!(status("GET", "/v1/a..b/...", &[("host", "localhost")]), 200);
    }

    proptest! {
        /// Names that look like this machine's, and ways to write a second one.
        #[test]
        fn whatever_the_host_is_only_this_machine_passes(
            host in "(localhost|127[.]0[.]0[.]1|\\[::1\\]|evil|a@|@|:|:80|[.]|%|é|\\[|\\]|#|/){0,6}",
            origin in prop::option::of("(http://|null|localhost|evil|:80|@|/){0,4}"),
        ) {
            let mut headers = HeaderMap::new();
            let Ok(value) = HeaderValue::from_bytes(host.as_bytes()) else { return Ok(()) };
            headers.insert(HOST, value);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let origin = origin.map(|text| HeaderValue::try_from(text).expect("ASCII"));
            headers.extend(origin.clone().map(|value| (ORIGIN, value)));
            let mut request = Request::post("/tasks").body(()).unwrap();
            *request.headers_mut() = headers;
            if check(&request, LOCAL).is_ok() {
                let end = host.rsplit('@').next().unwrap_or_default();
                let is_own = ["localhost", "127.0.0.1", "[::1]"].iter().any(|own| {
                    let rest = end.strip_prefix(own);
                    rest.is_some_and(|rest| {
                        let rest = rest.strip_prefix('.').unwrap_or(rest);
                        // No name begins with a bracket, whatever follows.
                        rest.is_empty() || rest.starts_with(':') || *own == "[::1]"
                    })
                });
                prop_assert!(is_own, "{}", host);
                if let Some(origin) = origin {
                    let own = format!("://{host}");
                    let origin = origin.to_str().expect("ASCII");
                    prop_assert!(origin.contains(&own), "{} at {}", origin, host);
                }
            }
        }
    }
}
