//! Names for requests that came without one.

use http::{HeaderValue, Request};
use tower_http::request_id::{MakeRequestId, RequestId};
use uuid::{Builder, Uuid};

/// A UUID, version 4. It only has to be unlikely to come twice, so the system is not asked for its
/// bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RandomId;

impl MakeRequestId for RandomId {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let id = Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid();
        let mut text = Uuid::encode_buffer();
        HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)).ok().map(RequestId::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same() {
        let id = || {
            let id = RandomId.make_request_id(&Request::new(())).unwrap();
            Uuid::parse_str(id.header_value().to_str().unwrap()).unwrap()
        };
        let (one, other) = (id(), id());
        assert_ne!(one, other);
        assert_eq!(one.get_version_num(), 4);
    }
}
