//! Failover and commit over real sockets: a provider that refuses, errs, stalls, lies or cuts is never
//! the client's problem while another target can answer, and a broken answer never passes for a whole one.
//!
//! `faults` lists what a provider may do, `rules` says by DESIGN what the client then sees and how many
//! attempts that takes, `cell` runs it, and `table` crosses everything with everything.

mod again;
mod cell;
mod chain;
mod cooldowns;
mod errors;
mod exhaustion;
mod faults;
mod forms;
mod load;
mod policies;
mod reasons;
mod requests;
mod responses;
mod rules;
mod story;
mod table;
