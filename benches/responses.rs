//! What the Responses translator costs, beside one that builds trees of `serde_json::Value`.

use criterion::{criterion_group, criterion_main};

#[path = "responses/answer.rs"]
mod answer;
#[path = "responses/request.rs"]
mod request;

criterion_group!(benches, request::bench, answer::bench);
criterion_main!(benches);
