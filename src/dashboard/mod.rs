//! `GET /dashboard`: the gateway's status as a web page.
//!
//! A page, its style and its scripts, all of them in the binary, with nothing from elsewhere. The
//! files are open to everybody, as there is nothing in them: what the page shows it fetches from
//! `/model-gateway/*`, `/agents`, `/tasks` and the two event streams, with the key that it asks for
//! where there are client keys, and that the browser keeps until the tab is closed.
//!
//! Names of models and what agents say come from strangers. The scripts put them into the page as
//! text only, and the policy that comes with each file allows no other script, style or address than
//! the gateway's own.
//!
//! | header | |
//! |---|---|
//! | `content-security-policy` | `default-src 'none'` and what is the page's own |
//! | `x-content-type-options` | `nosniff` |
//! | `referrer-policy` | `no-referrer` |
//! | `cache-control` | `no-cache`, with an `etag`: asked again each time, and answered with 304 |

mod files;

pub(crate) use files::File;
