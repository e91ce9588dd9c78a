//! Translates Chat Completions answers to Responses.
//!
//! A whole answer goes through [`whole`], an event stream through a [`StreamTranslator`]. Both feed the
//! same model of output items, so that the same answer gives the same items.

mod calls;
mod chunk;
mod custom_tool_input;
mod ending;
mod events;
mod failure;
mod ids;
mod item;
mod items;
mod json;
mod lenient;
mod non_chunk;
mod objects;
mod output;
mod resource;
mod scan;
mod surrogates;
mod think_tags;
mod translate_response;
mod translator;
mod usage;

pub use failure::Failure;
pub use ids::Ids;
pub use items::Sealing;
pub use translate_response::translate_response;
pub use translator::StreamTranslator;

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
