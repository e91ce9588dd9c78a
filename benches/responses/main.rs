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
    // An allocator that counts has to copy what grows, which for large texts is about half of the time.
    let mut contests = contest::Contests::from_args(None);
    request::hold(&mut contests);
    answer::hold(&mut contests);
    framing::hold(&mut contests);
    contests.finish();
}
