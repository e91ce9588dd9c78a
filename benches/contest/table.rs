//! Rounds, and the table that comes of them.

use std::{fmt, time::Duration};

use super::{Contest, Gauge, Work};

/// Long enough for a cold cache to matter little, and short enough to be rarely interrupted.
const TURN: Duration = Duration::from_millis(1);
const ROUNDS: usize = 201;
/// For contests whose calls take longer than a turn: fewer rounds, within this time each.
const LONGEST: Duration = Duration::from_secs(2);

/// What one contestant needed. Nanoseconds are of a call, or of an event.
pub(super) struct Row {
    title: String,
    name: String,
    of: &'static str,
    time: f64,
    /// Above the first contestant, and as a share of it.
    more: f64,
    ratio: f64,
    /// Of a call.
    allocated: Option<(f64, f64)>,
    megabytes_per_second: Option<f64>,
}

impl Row {
    pub(super) fn of(title: &str, mut contest: Contest) -> Vec<Self> {
        let contestants = &mut contest.contestants;
        let calls: Vec<_> = contestants.iter_mut().map(|(_, work)| calls_per_turn(work)).collect();
        let slowest = calls.iter().map(|&(_, time)| time).max().unwrap_or(TURN);
        let rounds = (LONGEST.as_nanos() / slowest.max(TURN).as_nanos()) as usize;
        let rounds = rounds.clamp(5, ROUNDS);
        let mut times = vec![Vec::with_capacity(rounds); contestants.len()];
        for round in 0..rounds {
            for turn in 0..contestants.len() {
                // Nobody always comes after the same one.
                let at = (turn + round) % contestants.len();
                let (calls, _) = calls[at];
                times[at]
                    .push(took(&mut contestants[at].1, calls).as_nanos() as f64 / calls as f64);
            }
        }

        let size = contest.size;
        let events = size.and_then(|size| size.events);
        let of = if events.is_some() { "event" } else { "call" };
        let events = events.unwrap_or(1) as f64;
        let first = times[0].clone();
        let against_first = |times: &[f64], compare: fn(f64, f64) -> f64| {
            let pairs = times.iter().zip(&first);
            median(pairs.map(|(&time, &first)| compare(time, first)).collect())
        };
        let rows = contest.contestants.iter_mut().zip(times).map(|((name, work), times)| {
            let time = median(times.clone());
            Self {
                title: title.to_owned(),
                name: std::mem::take(name),
                of,
                time: time / events,
                more: against_first(&times, |time, first| time - first) / events,
                ratio: against_first(&times, |time, first| time / first),
                allocated: allocated(work),
                megabytes_per_second: size.map(|size| size.bytes as f64 / time * 1e3),
            }
        });
        rows.collect()
    }
}

fn took(work: &mut Work, calls: u64) -> Duration {
    let mut gauge = Gauge::time();
    work(calls, &mut gauge);
    gauge.took()
}

/// And the time they take.
fn calls_per_turn(work: &mut Work) -> (u64, Duration) {
    let mut calls = 1;
    loop {
        let time = took(work, calls);
        if time >= TURN / 2 {
            return (calls, time);
        }
        calls *= 2;
    }
}

fn allocated(work: &mut Work) -> Option<(f64, f64)> {
    const CALLS: u64 = 64;
    let mut gauge = Gauge::heap();
    work(CALLS, &mut gauge);
    let per_call = |all: u64| all as f64 / CALLS as f64;
    gauge.allocated().map(|(count, bytes)| (per_call(count), per_call(bytes)))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[derive(Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
}

/// Markdown.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |cells: [&str; 9]| {
            let [title, name, of, numbers @ ..] = cells;
            let numbers = numbers.map(|cell| format!("{cell:>11}")).join(" | ");
            format!("| {title:<24} | {name:<30} | {of:<5} | {numbers} |\n")
        };
        let head = [
            "contest",
            "contestant",
            "of a",
            "ns",
            "more",
            "ratio",
            "allocations",
            "bytes",
            "MB/s",
        ];
        f.write_str(&line(head))?;
        f.write_str("|---|---|---|--:|--:|--:|--:|--:|--:|\n")?;
        let mut last = "";
        for row in &self.rows {
            let title = if row.title == last { "" } else { &row.title };
            last = &row.title;
            let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
            let cells = [
                digits(row.time),
                digits(row.more),
                format!("{:.2}", row.ratio),
                or_dash(row.allocated.map(|(count, _)| share(count))),
                or_dash(row.allocated.map(|(_, bytes)| share(bytes))),
                or_dash(row.megabytes_per_second.map(digits)),
            ];
            let [time, more, ratio, count, bytes, speed] = cells.each_ref().map(String::as_str);
            f.write_str(&line([title, &row.name, row.of, time, more, ratio, count, bytes, speed]))?;
        }
        f.write_str(
            "\nMedians; \"more\" and \"ratio\" are against the first of the contest, round by round. \
             Allocations are of a call. Only ratios carry over to another machine.\n",
        )
    }
}

/// No more of them than are known.
fn digits(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// Whole, as nearly all are, or what happens only now and then.
fn share(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.2}") }
}
