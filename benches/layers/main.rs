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
mod telemetry;

use std::rc::Rc;

use tokio::runtime::Builder;

fn main() {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = Rc::new(runtime.expect("a runtime"));
    // For timers; all else is ready when it is called.
    let _entered = runtime.enter();

    let mut contests = contest::Contests::from_args();
    rate_limit::hold(&mut contests);
    circuit_breaker::hold(&mut contests);
    quota::hold(&mut contests, &runtime);
    budget::hold(&mut contests);
    deadlines::hold(&mut contests);
    retry::hold(&mut contests);
    body::hold(&mut contests, &runtime);
    telemetry::hold(&mut contests);
    contests.finish();
}
