//! Contests: several ways to do the same thing, timed side by side.
//!
//! Only ratios within one run carry over to another machine, so the contestants of a contest take
//! short turns in many rounds, and what slows the machine for a while slows all of them. A number
//! is the median over the rounds. Heap allocations are counted apart from the time.
//!
//! ```text
//! cargo bench --bench layers                        one table of all contests
//! cargo bench --bench layers -- 'rate limit'        of those whose titles have this in them
//! cargo bench --bench layers -- --test              every contestant once, no table
//! cargo bench --bench layers -- --save-baseline x   any option of criterion's: criterion runs them
//! ```

mod gauge;
mod table;

use std::hint::black_box;

use criterion::{Criterion, Throughput};

pub(crate) use self::gauge::{Counter, Gauge};
use self::table::{Row, Table};

/// Does the same thing so many times, the gauge around what counts.
pub(crate) type Work = Box<dyn FnMut(u64, &mut Gauge)>;

/// Nothing to prepare. What is given back is dropped.
pub(crate) fn work<T>(mut call: impl FnMut() -> T + 'static) -> Work {
    Box::new(move |calls, gauge| {
        gauge.section(|| {
            for _ in 0..calls {
                black_box(call());
            }
        });
    })
}

/// A fresh input for each call, made outside of what counts, and few at a time, so that they are
/// in the cache, as they would be in a server.
pub(crate) fn prepared<I: 'static, T>(
    mut input: impl FnMut() -> I + 'static,
    mut call: impl FnMut(I) -> T + 'static,
) -> Work {
    const AT_ONCE: u64 = 16;
    let mut inputs = Vec::with_capacity(AT_ONCE as usize);
    Box::new(move |calls, gauge| {
        let mut left = calls;
        while left > 0 {
            let now = left.min(AT_ONCE);
            left -= now;
            inputs.extend((0..now).map(|_| input()));
            gauge.section(|| {
                for input in inputs.drain(..) {
                    black_box(call(input));
                }
            });
        }
    })
}

/// The contestants, the first of which is what the others are compared with.
pub(crate) struct Contest {
    contestants: Vec<(String, Work)>,
    size: Option<Size>,
}

/// What one call handles.
#[derive(Clone, Copy)]
struct Size {
    /// None when it is one thing as a whole.
    events: Option<usize>,
    bytes: usize,
}

impl Contest {
    pub(crate) fn add(&mut self, name: &str, work: Work) {
        self.contestants.push((name.to_owned(), work));
    }

    /// A call handles so many bytes.
    pub(crate) fn bytes(&mut self, bytes: usize) {
        self.size = Some(Size { events: None, bytes });
    }

    /// Number of events per call; times are reported per event.
    pub(crate) fn events(&mut self, events: usize, bytes: usize) {
        self.size = Some(Size { events: Some(events), bytes });
    }
}

enum Mode {
    /// Everything once.
    Smoke,
    Table(Table),
    Criterion(Box<Criterion>),
}

/// Holds the contests that were asked for.
pub(crate) struct Contests {
    mode: Mode,
    filters: Vec<String>,
    counter: Option<Counter>,
}

impl Contests {
    pub(crate) fn from_args(counter: Option<Counter>) -> Self {
        let (options, filters): (Vec<_>, Vec<_>) =
            std::env::args().skip(1).partition(|arg| arg.starts_with('-'));
        let has = |option: &str| options.iter().any(|given| given == option);
        if options.iter().any(|option| option != "--bench" && option != "--test") {
            let mode = Mode::Criterion(Box::new(Criterion::default().configure_from_args()));
            return Self { mode, filters: Vec::new(), counter };
        }
        // Cargo gives `--bench` when it benches, and nothing when it tests.
        let smoke = has("--test") || !has("--bench");
        let mode = if smoke { Mode::Smoke } else { Mode::Table(Table::default()) };
        Self { mode, filters, counter }
    }

    pub(crate) fn hold(&mut self, title: &str, enter: impl FnOnce(&mut Contest)) {
        let asked = |filter: &String| title.contains(filter);
        if !self.filters.is_empty() && !self.filters.iter().any(asked) {
            return;
        }
        let mut contest = Contest { contestants: Vec::new(), size: None };
        enter(&mut contest);
        let counter = self.counter;
        match &mut self.mode {
            Mode::Smoke => {
                for (name, work) in &mut contest.contestants {
                    work(1, &mut Gauge::time(counter));
                    work(1, &mut Gauge::heap(counter));
                    println!("{title}: {name}: ok");
                }
            }
            Mode::Table(table) => {
                eprintln!("{title}");
                table.rows.extend(Row::of(title, contest, counter));
            }
            Mode::Criterion(criterion) => run(criterion, title, contest, counter),
        }
    }

    pub(crate) fn finish(self) {
        match self.mode {
            Mode::Smoke => {}
            Mode::Table(table) => println!("\n{table}"),
            Mode::Criterion(criterion) => criterion.final_summary(),
        }
    }
}

fn run(criterion: &mut Criterion, title: &str, contest: Contest, counter: Option<Counter>) {
    let mut group = criterion.benchmark_group(title);
    if let Some(Size { events, bytes }) = contest.size {
        let (elements, bytes) = (events.unwrap_or(1) as u64, bytes as u64);
        group.throughput(Throughput::ElementsAndBytes { elements, bytes });
    }
    for (name, mut work) in contest.contestants {
        group.bench_function(name, |b| {
            b.iter_custom(|calls| {
                let mut gauge = Gauge::time(counter);
                work(calls, &mut gauge);
                gauge.took()
            });
        });
    }
}
