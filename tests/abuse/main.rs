//! Normal traffic in the middle of abuse of all kinds, before providers of which one keeps failing,
//! while the configuration is edited each second. All of it is answered as it should be, and when it
//! has ended nothing of it is left: no request, connection, task, process or memory.
//!
//! `ABUSE_SECONDS` is how long it goes on, 16 by default; a quarter of it, half a minute at most, is
//! to warm up. Where memory has grown by then, more rounds of it show whether that goes on.
//! `ABUSE_SEED` repeats what was chosen by chance.
//!
//! ```sh
//! ABUSE_SECONDS=120 cargo test --test abuse -- --nocapture
//! ```

#![cfg(target_os = "linux")]
// All of it runs in tests only; clippy sees that of test functions alone.
#![allow(clippy::unwrap_used)]

mod client;
mod edits;
mod frames;
mod house;
mod level;
mod mix;
mod normal;
mod providers;
mod rough;
mod slow;

use std::{env, mem, str::FromStr, sync::Arc, time::Duration};

use house::House;

/// A round's end is within this of the end of the round before, or memory is still growing.
const PLATEAU: f64 = 1.1;
/// One round of a few seconds more may need more at once than any before it, and what a heap once
/// had it rarely gives back. What leaks grows in each.
const MAX_ROUNDS: u64 = 5;

fn setting<T: FromStr>(name: &str, default: T) -> T {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}: {text}")),
        Err(_) => default,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn abuse_disturbs_nobody_and_leaves_nothing() {
    let seconds = setting("ABUSE_SECONDS", 16.);
    let seed = setting("ABUSE_SEED", fastrand::u64(..));
    println!("ABUSE_SECONDS={seconds} ABUSE_SEED={seed}");
    let warm_up = f64::min(seconds / 4., 30.);
    let house = Arc::new(House::start().await);
    let start = house.rest().await;
    println!("before: {start}");
    mix::run(&house, seed, Duration::from_secs_f64(warm_up)).await;
    let mut before = house.rest().await;
    println!("after the warm-up: {before}");
    let done = mix::run(&house, seed ^ 1, Duration::from_secs_f64(seconds - warm_up)).await;
    let mut end = house.rest().await;
    println!("after all: {end}\n{done:#?}");
    done.has_everything();

    for round in 2..=MAX_ROUNDS {
        if end.resident <= before.resident * PLATEAU {
            break;
        }
        mix::run(&house, seed ^ round, Duration::from_secs_f64(seconds - warm_up)).await;
        before = mem::replace(&mut end, house.rest().await);
        println!("after round {round}: {end}");
    }
    assert!(end.resident <= before.resident * PLATEAU, "memory grows: {end} after {before}");
    assert_eq!(end.sockets, start.sockets, "a connection is left");
    end.holds_the_files_of(&start, house.binary.home_path());
    house.returns_to(&start).await;
    house.nobody_is_left();
    house.told_no_key().await;
    house.stops().await;
}
