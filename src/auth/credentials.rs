use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, AsHeaderName},
};
use switchtower_layers::{Code, Rejection};

pub(super) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The key that a request shows: that of `Authorization`, if it has the scheme `Bearer`, else that
/// of `x-api-key`.
pub(super) fn presented_key(headers: &HeaderMap) -> Result<Option<&[u8]>, Rejection> {
    let authorization = one_line(headers, AUTHORIZATION, "Authorization")?;
    let other = one_line(headers, X_API_KEY, "x-api-key")?;
    let bearer = authorization.and_then(|value| bearer(value.as_bytes()));
    Ok(bearer.or(other.map(|value| value.as_bytes().trim_ascii())))
}

/// With two lines, a proxy in front may have checked the other one.
fn one_line<'h>(
    headers: &'h HeaderMap,
    name: impl AsHeaderName,
    text: &str,
) -> Result<Option<&'h HeaderValue>, Rejection> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (line, None) => Ok(line),
        (_, Some(_)) => {
            let message = format!("there is more than one {text} header");
            Err(Rejection::new(Code::InvalidRequest, message))
        }
    }
}

/// RFC 6750, section 2.1; schemes are compared without case (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.trim_ascii().split_at_checked("bearer".len())?;
    let is_bearer =
        scheme.eq_ignore_ascii_case(b"bearer") && key.first().is_none_or(|b| *b == b' ');
    is_bearer.then(|| key.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;

    fn key(lines: &[(&str, &str)]) -> Result<Option<String>, Code> {
        let mut request = Request::builder();
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let headers = request.body(()).unwrap().headers().clone();
        let presented_key = presented_key(&headers).map_err(|rejection| rejection.code())?;
        Ok(presented_key.map(|key| String::from_utf8_lossy(key).into_owned()))
    }

    #[test]
    fn both_headers_and_one_line_each() {
        let some = |key: &str| Ok(Some(key.to_owned()));
        for (lines, expected) in [
            (&[][..], Ok(None)),
            (&[("authorization", "Bearer k")], some("k")),
            (&[("authorization", "bEARER   k ")], some("k")),
            (&[("authorization", "Bearer a b")], some("a b")),
            (&[("authorization", "Bearer")], some("")),
            (&[("authorization", "Bearerk")], Ok(None)),
            (&[("authorization", "Basic azpr")], Ok(None)),
            (&[("authorization", "é")], Ok(None)),
            (&[("authorization", "")], Ok(None)),
            (&[("x-api-key", " k")], some("k")),
            (&[("x-api-key", "")], some("")),
            (&[("authorization", "Bearer a"), ("x-api-key", "b")], some("a")),
            (&[("authorization", "Basic a"), ("x-api-key", "b")], some("b")),
            (
                &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
                Err(Code::InvalidRequest),
            ),
            (&[("x-api-key", "a"), ("x-api-key", "b")], Err(Code::InvalidRequest)),
        ] {
            assert_eq!(key(lines), expected, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_a_part_of_one_line(
            lines in prop::collection::vec(
                (any::<bool>(), prop_oneof![
                    "([Bb]earer|Basic|k| |\t){0,6}".prop_map(String::into_bytes),
                    prop::collection::vec(any::<u8>(), 0..20),
                ]),
                0..4,
            ),
        ) {
            let mut headers = HeaderMap::new();
            for (is_authorization, value) in &lines {
                let Ok(value) = HeaderValue::from_bytes(value) else { continue };
                headers.append(if *is_authorization { AUTHORIZATION } else { X_API_KEY }, value);
            }
            let is_twice = headers.len() > headers.keys_len();
            match presented_key(&headers) {
                Err(_) => prop_assert!(is_twice),
                Ok(key) => {
                    prop_assert!(!is_twice);
                    let key = key.unwrap_or_default();
                    prop_assert_eq!(key, key.trim_ascii());
                    let has_it = |value: &HeaderValue| value.as_bytes().ends_with(key)
                        || value.as_bytes().trim_ascii().ends_with(key);
                    prop_assert!(key.is_empty() || headers.values().any(has_it));
                }
            }
        }
    }
}
