use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::window::Window;

/// A retry budget: the number of retries over all requests that share the handle.
///
/// Each original request adds its share, each retry takes one away, and so many are free per
/// window of time, for when there is little traffic. In no span of the window's length are there
/// more retries than that, so an outage is not made worse by them.
///
/// Clones are one budget. Give each provider its own, or the outage of one uses up what the others
/// may need; give the same one to a layer that takes the place of another.
///
/// ```
/// use std::time::Duration;
/// use switchtower_layers::retry::{Budget, RetryLayer, Settings};
///
/// let budget = Budget::new(0.1, 5, Duration::from_secs(30));
/// let settings = Settings { budget: Some(budget.clone()), ..Settings::default() };
/// let layer = RetryLayer::new(settings);
/// ```
#[derive(Clone, Debug)]
pub struct Budget(Arc<Mutex<Window>>);

impl Budget {
    /// A budget of one retry for `1 / share` requests, and `floor` more, in each `window`.
    ///
    /// The share may be above 1; negative ones are 0. The window moves on in steps of a tenth of
    /// its length.
    pub fn new(share: f64, floor: u32, window: Duration) -> Self {
        Self(Arc::new(Mutex::new(Window::new(share, floor, window, Instant::now()))))
    }

    /// An original request has come.
    pub fn deposit(&self) {
        self.0.lock().deposit(Instant::now());
    }

    /// Whether there may be one more retry; if so, it is taken from the budget.
    pub fn withdraw(&self) -> bool {
        self.0.lock().withdraw(Instant::now())
    }
}

impl Default for Budget {
    /// A fifth of the requests, and 10 more in 10 s.
    fn default() -> Self {
        Self::new(0.2, 10, Duration::from_secs(10))
    }
}
