//! Rejects requests from other sites and with foreign host names.
//!
//! It listens on loopback, where every web page that the user visits can reach it, too. Three
//! rules keep such pages out:
//!
//! - `Host` must be a loopback name, so that a page cannot rebind its own name to 127.0.0.1;
//! - on a request that changes state, or opens a stream of events, `Origin` must be the gateway's
//!   own, and `Sec-Fetch-Site` must not say that the page is from elsewhere;
//! - what is sent by POST must be JSON, which a page cannot send elsewhere without asking first, as
//!   it cannot send anything by PUT, PATCH or DELETE, and there is no CORS to ask.
//!
//! With client keys the first rule falls away, and the gateway can have any name: a page that
//! rebinds its name has no key, and a browser adds none by itself.
//!
//! Heads over `limits.header_kb` are refused as well, and paths that would leave a provider's base URL: dot
//! segments, and escapes in a path that may be sent on.

mod check;
mod layer;

pub use layer::GuardLayer;
