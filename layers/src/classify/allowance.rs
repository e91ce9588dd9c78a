/// Number of retries of a target that a request may use. A router sets it with
/// [`Exchange::allow_retries`](crate::Exchange::allow_retries), the `retry` layer reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryAllowance {
    /// As many as the retry layer's settings say.
    #[default]
    All,
    /// Another target is left: as many as its settings say for before a failover.
    BeforeFailover,
    /// At most so many.
    AtMost(u32),
}

/// The retries that a target had left when its error was passed on for a failover: an extension of
/// the response, set by the `retry` layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetriesLeft(pub u32);
