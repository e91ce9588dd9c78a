//! What the whole gateway costs, beside a bare hyper proxy that does nothing but pass bytes on.
//!
//! The provider, the proxy and the gateway are processes of their own, so that the CPU time of each
//! can be read from the system; this one makes the requests. Rounds are interleaved, and only the
//! ratios within one run mean anything.

mod bare;
mod load;
mod memory;
mod process;
mod provider;
mod report;
mod work;

use std::time::Duration;

use tokio::runtime::{self, Runtime};

use process::Process;
use report::{Row, Table};
use work::Work;

/// How much is done: all of it, or as little as shows that it works.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    round: Duration,
    idle_streams: usize,
}

const FULL: Effort = Effort { rounds: 5, round: Duration::from_millis(1500), idle_streams: 5000 };
const SMOKE: Effort = Effort { rounds: 1, round: Duration::from_millis(30), idle_streams: 20 };

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [process::PROVIDER] => current_thread().block_on(provider::run()),
        // As many threads as the gateway has.
        [process::BARE, provider] => {
            Runtime::new().expect("a runtime").block_on(bare::run(provider));
        }
        _ => {
            let effort = if words.contains(&"--test") { SMOKE } else { FULL };
            let wanted: Vec<&str> =
                words.iter().copied().filter(|word| !word.starts_with("--")).collect();
            current_thread().block_on(compare(effort, &wanted));
        }
    }
}

fn current_thread() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn compare(effort: Effort, wanted: &[&str]) {
    process::raise_limits();
    let provider = Process::provider();
    let bare = Process::bare(provider.address);
    let gateway = Process::gateway(provider.address);
    let idle = [&bare, &gateway].map(Process::resident);
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word));

    let mut table = Table::default();
    for work in work::all().into_iter().filter(|work| is_wanted(work.name)) {
        table.push(measure(&work, effort, [&provider, &bare, &gateway]).await);
    }
    print!("{table}");
    if is_wanted("memory") {
        print!("{}", memory::measure([&bare, &gateway], idle, effort.idle_streams).await);
    }
}

/// One round of each after the other, several times over.
async fn measure(work: &Work, effort: Effort, [provider, bare, gateway]: [&Process; 3]) -> Row {
    let mut row = Row::new(work.name);
    // Connections, code and caches are warm in what is counted.
    for process in [bare, gateway] {
        load::closed(process.address, work.to(process), effort.round / 4).await;
    }
    for _ in 0..effort.rounds {
        for (process, costs) in [(bare, &mut row.bare), (gateway, &mut row.gateway)] {
            let before = process.cpu();
            let done = load::closed(process.address, work.to(process), effort.round).await;
            costs.push(process.cpu() - before, done, effort.round);
        }
        let all = [
            (provider, &mut row.direct_delay),
            (bare, &mut row.bare_delay),
            (gateway, &mut row.gateway_delay),
        ];
        for (process, delays) in all {
            let rate = work.rate;
            load::open(process.address, work.to(process), rate, effort.round / 2, delays).await;
        }
    }
    row
}
