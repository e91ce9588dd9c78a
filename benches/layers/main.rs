//! What each layer costs, in time and in heap allocations: around a service that is ready with a
//! prebuilt answer, beside a layer that does nothing, what it is made of, and what others have.
//! Inputs are built outside of what counts.

#[path = "../contest/mod.rs"]
mod contest;

mod body;
mod budget;
mod call;
mod circuit_breaker;
mod deadlines;
mod inputs;
mod quota;
mod rate_limit;
mod retry;
mod stream_adapter;
mod telemetry;

use std::rc::Rc;

use tokio::runtime::Builder;

/// It has a share in the time, too, but a small one where little is allocated.
const COUNTER: contest::Counter = contest::Counter {
    count: |work| {
        let counted = allocation_counter::measure(work);
        (counted.count_total, counted.bytes_total)
    },
    rest: |work| allocation_counter::opt_out(work),
};

fn main() {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = Rc::new(runtime.expect("a runtime"));
    // For timers; all else is ready when it is called.
    let _entered = runtime.enter();

    let mut contests = contest::Contests::from_args(Some(COUNTER));
    rate_limit::hold(&mut contests);
    circuit_breaker::hold(&mut contests);
    quota::hold(&mut contests, &runtime);
    budget::hold(&mut contests);
    deadlines::hold(&mut contests);
    retry::hold(&mut contests);
    stream_adapter::hold(&mut contests);
    body::hold(&mut contests, &runtime);
    telemetry::hold(&mut contests);
    contests.finish();
}
