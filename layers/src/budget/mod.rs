//! Gives each client so many requests, tokens and dollars per day and month.
//!
//! What a request may use is reserved before it goes inward, so that requests at once cannot spend
//! the same budget; what it did use is booked when its answer has ended, and the rest is given
//! back. A request that does not fit any more is answered here. State is in the [`Ledger`], a
//! handle that clones and rebuilt layers share, with one account per key; a [`KeyExtractor`] says
//! what the key is.
//!
//! | setting | default |
//! |---|---|
//! | [`Limits`]: requests, tokens, money; per day, per month | none: a key without limits is not counted |
//! | [`BudgetLayer::estimator`]: what a request may use | [`SizeEstimator`]: a token for every 4 bytes, and 1024 for an answer without a cap |
//! | [`BudgetLayer::pricing`]: what tokens cost | [`NoPricing`] |
//! | a model without a price in a [`PriceList`] | costs nothing |
//! | requests without a key (`None`) | share one account |
//! | days and months | of the calendar, in UTC |
//!
//! | answer | status | code |
//! |---|---|---|
//! | a budget is used up | 429 | `QUOTA_EXHAUSTED`, with `Retry-After` until its next period |
//! | the rest of it is reserved by requests under way | 429 | `QUOTA_EXHAUSTED`, with `Retry-After: 1` |
//! | the request may take more than a whole budget: waiting would not help | 400 | `INVALID_REQUEST` |
//!
//! All are marked as [`Rejected`](crate::Rejected).
//!
//! What is booked, once the body has ended, failed or was dropped, is read from the
//! [`Exchange`](crate::Exchange) that an [`observe`](crate#layers) layer further in writes to:
//!
//! | how it went | requests | tokens and money |
//! |---|---|---|
//! | no attempt was made: a rejection, or the client left first | 0 | 0 |
//! | the answer reports its usage, however it ended | 1 | the usage, by the price of the target that answered |
//! | an error | 1 | 0 |
//! | a stream without usage, whole or cut | 1 | the prompt as estimated, and one token for each event with content |
//! | the client left before the answer's head | 1 | the prompt as estimated |
//! | another answer without usage | 1 | the estimate |
//!
//! Of several attempts the last one counts. Without an observer a success counts as estimated, an
//! error as one request, and a call that was dropped before its head as nothing.
//!
//! At the end of a period:
//!
//! - a reservation belongs to no period, so what is under way at midnight stands against both days;
//! - what was used is booked to the day and the month in which the answer ends;
//! - debt carries over: what requests used beyond a limit, because their estimates were too low, is
//!   used of the next period already. What was left over is not.
//!
//! The count is exact, however many threads ask: used and reserved together never exceed a limit
//! when something is reserved, so that what is used exceeds it by no more than what the admitted
//! requests used beyond their reservations.
//!
//! The layer does no I/O. [`Ledger::changes`] lists the accounts to persist, and
//! [`Ledger::restore`] loads them.
//!
//! Place it behind the [`buffer`](crate#layers) layer, as the estimate is made from the body, and
//! outside of whatever makes more than one attempt. A [rate limit](crate#layers) is for peaks: it
//! counts before a request is sent, gives nothing back, and knows no calendar.
//!
//! ```
//! use std::convert::Infallible;
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, Full};
//! use switchtower_layers::{Buffered, budget::{BudgetLayer, ByClient, Ledger, Limit, Limits, Period}};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let ledger = Ledger::new(Limits::from([Limit::requests(1, Period::Day)]));
//! let service = ServiceBuilder::new()
//!     .layer(BudgetLayer::new(ledger.clone(), ByClient::new()))
//!     .service(service_fn(async |_: http::Request<Buffered>| {
//!         Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::from("an answer")))
//!     }));
//!
//! let request = http::Request::new(Buffered::from(r#"{"model":"m","max_tokens":100}"#));
//! let response = service.clone().oneshot(request.clone()).await?;
//! assert_eq!(ledger.standing(&None, ledger.now())[0].reserved, 1, "it is under way");
//! response.into_body().collect().await?;
//! assert_eq!(ledger.standing(&None, ledger.now())[0].used, 1);
//!
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.status(), 429);
//! let body = response.into_body().collect().await?.to_bytes();
//! assert!(body.starts_with(b"{\"error\":{\"code\":\"QUOTA_EXHAUSTED\""));
//! # Ok(()) }
//! ```

mod account;
mod accounts;
mod body;
mod changes;
mod estimate;
mod exhausted;
mod future;
mod layer;
mod ledger;
mod limit;
mod pending_charge;
mod period;
mod price;
mod record;
mod service;
mod spend;

pub use crate::key::{
    ByClient, ByExtension, ByHeader, ByIp, ByTarget, ClientKey, HeaderKey, Key, KeyExtractor,
};
pub use body::ResponseBody;
pub use changes::{Change, Changes};
pub use estimate::{DEFAULT_ANSWER, Estimate, Estimator, SizeEstimator};
pub use exhausted::{Exhausted, Recovery};
pub use future::ResponseFuture;
pub use layer::BudgetLayer;
pub use ledger::{Ledger, Reservation};
pub use limit::{Limit, Limits, Unit};
pub use period::Period;
pub use price::{NoPricing, Price, PriceList, Pricing};
pub use record::{BudgetStatus, Record, Used};
pub use service::Budget;
pub use spend::{Money, Spend};

#[cfg(test)]
mod ledger_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
