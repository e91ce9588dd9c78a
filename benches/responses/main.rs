//! What the Responses translator costs, beside one that builds trees of `serde_json::Value`, and
//! what framing a stream costs, beside the crates that do it.

#[path = "../contest/mod.rs"]
mod contest;

mod answer;
mod framing;
mod inputs;
mod naive;
mod request;

fn main() {
    let mut contests = contest::Contests::from_args();
    request::hold(&mut contests);
    answer::hold(&mut contests);
    framing::hold(&mut contests);
    contests.finish();
}
