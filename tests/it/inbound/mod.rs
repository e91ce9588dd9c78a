//! What comes in, before anybody is asked: whose it is, whether it can be read, and that a refusal
//! reaches the client.

mod addresses;
mod early;
mod encodings;
mod keys;
