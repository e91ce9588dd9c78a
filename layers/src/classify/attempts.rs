use http::Response;

use crate::Rejected;

/// Number of attempts at one target behind a response: a response extension, set by a layer that
/// made more than one. Layers further out add it up instead of counting their own calls.
///
/// ```
/// use switchtower_layers::classify::Attempts;
///
/// let mut response = http::Response::new(());
/// assert_eq!(Attempts::of(&response), Attempts(1), "nobody made another");
/// response.extensions_mut().insert(Attempts(3));
/// assert_eq!(Attempts::of(&response), Attempts(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempts(pub u32);

impl Attempts {
    /// The number in the response; without one it is 1, or 0 if an inner layer has [`Rejected`] the
    /// request.
    pub fn of<B>(response: &Response<B>) -> Self {
        let extensions = response.extensions();
        let made = u32::from(extensions.get::<Rejected>().is_none());
        extensions.get().copied().unwrap_or(Self(made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Rejection};

    #[test]
    fn a_rejection_is_no_attempt() {
        let rejection = Rejection::new(Code::RateLimited, "no");
        let mut response = rejection.into_response::<bytes::Bytes>();
        assert_eq!(Attempts::of(&response), Attempts(0));
        response.extensions_mut().insert(Attempts(2));
        assert_eq!(Attempts::of(&response), Attempts(2), "made before it was rejected");
    }
}
