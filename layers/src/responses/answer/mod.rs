//! From Chat Completions answers to Responses.
//!
//! A whole answer goes through [`whole`], an event stream through a [`Machine`]. Both feed the
//! same model of output items, so that the same answer gives the same items.

mod calls;
mod chunk;
mod ending;
mod events;
mod failure;
mod ids;
mod inline;
mod item;
mod items;
mod json;
mod lenient;
mod machine;
mod non_chunk;
mod objects;
mod output;
mod resource;
mod scan;
mod surrogates;
mod unwrap;
mod usage;
mod whole;

pub use failure::Failure;
pub use ids::Ids;
pub use items::Sealing;
pub use machine::Machine;
pub use whole::whole;

#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
