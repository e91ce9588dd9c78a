use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderValue, Response,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
    request::Parts,
};
use switchtower_layers::{
    Code, Rejection,
    rate_limit::{ByIp, Limit, Limiter},
};

use super::{
    Client, Identity, Table,
    credentials::{X_API_KEY, presented_key},
    required_scope::RequiredScope,
};

/// So many unknown keys from one network; beyond that the answer is that it is too many.
const UNKNOWN_KEYS: Limit = Limit::per_minute(30);

/// Rate limit of unknown keys per network. A handle: clones count together.
#[derive(Clone, Debug)]
pub struct FailedKeyLimiter(Limiter<IpAddr>);

impl Default for FailedKeyLimiter {
    fn default() -> Self {
        Self(Limiter::new(UNKNOWN_KEYS))
    }
}

/// An answer instead of what was asked for. Boxed: it is rare, and large.
pub(super) type Refusal = Box<Response<Bytes>>;

/// Authenticates a request by its client key and checks its scope.
#[derive(Debug)]
pub(super) struct Authorizer {
    pub(super) table: Table,
    pub(super) failures: FailedKeyLimiter,
}

impl Authorizer {
    /// Lets a request in, introduced and without its key, or says why not.
    pub(super) fn check(&self, request: &mut Parts) -> Result<(), Refusal> {
        let need = RequiredScope::of(request.uri.path());
        let client = match presented_key(&request.headers).map_err(plain)? {
            Some(key) => Some(self.table.find(key).ok_or_else(|| self.unknown(request))?),
            None => None,
        };
        match (need, client) {
            (RequiredScope::Scope(scope), Some(client)) if !client.may(scope) => {
                let message = format!("the key `{}` has no scope `{scope}`", client.name());
                let challenge =
                    format!("{CHALLENGE}, error=\"insufficient_scope\", scope=\"{scope}\"");
                return Err(challenged(Rejection::new(Code::Forbidden, message), &challenge));
            }
            (RequiredScope::Nothing, None) => {
                request.extensions.insert(Identity::NOBODY);
            }
            (_, Some(client)) => admit(request, client),
            (_, None) => {
                let message = "this gateway needs a key: send `Authorization: Bearer <key>`";
                return Err(challenged(Rejection::new(Code::Unauthorized, message), CHALLENGE));
            }
        }
        Ok(())
    }

    fn unknown(&self, request: &Parts) -> Refusal {
        let network = request.extensions.get::<IpAddr>().copied().map(ByIp::network);
        match self.failures.0.check("", network) {
            Ok(()) => {
                let rejection = Rejection::new(Code::Unauthorized, "this key is not known here");
                challenged(rejection, &format!("{CHALLENGE}, error=\"invalid_token\""))
            }
            Err(limited) => {
                let message = "too many unknown keys came from this address: try again later";
                let rejection = Rejection::new(Code::RateLimited, message);
                plain(match limited.wait() {
                    Some(wait) => rejection.retry_after(wait),
                    None => rejection,
                })
            }
        }
    }
}

fn admit(request: &mut Parts, client: &Arc<Client>) {
    request.headers.remove(AUTHORIZATION);
    request.headers.remove(X_API_KEY);
    client.insert_extensions(&mut request.extensions);
}

/// RFC 6750, section 3: it has to have one parameter at least.
const CHALLENGE: &str = "Bearer realm=\"switchtower\"";

fn challenged(rejection: Rejection, challenge: &str) -> Refusal {
    let mut refusal = plain(rejection);
    if let Ok(challenge) = HeaderValue::try_from(challenge) {
        refusal.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    refusal
}

fn plain(rejection: Rejection) -> Refusal {
    Box::new(rejection.by("auth").into_response())
}

#[cfg(test)]
mod tests {
    use http::Request;
    use switchtower_layers::{budget::ClientKey, responses::Owner, route::ModelAllowlist};

    use super::*;
    use crate::config::{self, AuthKey, KeyHash, Scope};

    fn door() -> Authorizer {
        let key = AuthKey {
            hash: KeyHash::of(b"st-alice"),
            scopes: vec![Scope::Models],
            models: Some(vec!["gpt-".to_owned()]),
            rate_limit: None,
        };
        let keys = [("alice".to_owned(), key)].into_iter().collect();
        Authorizer {
            table: Table::new(&config::Auth { keys }),
            failures: FailedKeyLimiter::default(),
        }
    }

    fn request(path: &str, lines: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(path);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn who_comes_in_is_introduced_and_leaves_the_key_outside() {
        let lines = [("authorization", "Bearer st-alice"), ("x-api-key", "x"), ("accept", "*/*")];
        let mut request = request("/v1/models", &lines);
        door().check(&mut request).unwrap();
        assert_eq!(request.headers.keys().collect::<Vec<_>>(), ["accept"]);
        let extensions = &request.extensions;
        assert_eq!(extensions.get(), Some(&ClientKey("alice".into())));
        assert_eq!(extensions.get(), Some(&Owner("alice".into())));
        let allowed: &ModelAllowlist = extensions.get().expect("its models");
        assert!(allowed.allows("gpt-5") && !allowed.allows("o1"));
        assert!(Identity::may(extensions, Scope::Models));
        assert!(!Identity::may(extensions, Scope::Agents));
    }

    #[test]
    fn on_open_paths_it_is_known_who_shows_no_key() {
        let mut request = request("/health", &[("authorization", "Basic x")]);
        door().check(&mut request).unwrap();
        assert!(Scope::ALL.iter().all(|scope| !Identity::may(&request.extensions, *scope)));
        assert!(request.extensions.get::<Owner>().is_none());
        assert!(Identity::may(&http::Extensions::new(), Scope::Admin), "where there are no keys");
    }

    #[test]
    fn guesses_count_by_network() {
        let door = door();
        let guess = |address: &str| {
            let mut request = request("/v1/models", &[("x-api-key", "st-bob")]);
            request.extensions.insert(address.parse::<IpAddr>().unwrap());
            door.check(&mut request).unwrap_err().status().as_u16()
        };
        for _ in 0..30 {
            assert_eq!(guess("2001:db8::1"), 401);
        }
        let later = ["2001:db8::2", "2001:db8:0:1::1", "10.0.0.1"].map(guess);
        assert_eq!(later, [429, 401, 401]);
    }
}
