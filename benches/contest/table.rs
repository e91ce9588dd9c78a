//! Rounds, and the table that comes of them.

use std::{fmt, time::Duration};

use super::{Contest, Counter, Gauge, Work};

/// Long enough for a cold cache to matter little, and short enough to be rarely interrupted.
const TURN: Duration = Duration::from_millis(1);
const ROUNDS: usize = 401;
/// When calls take longer than a turn, there are fewer rounds: this much time for the slowest.
const MAX_ROUND_TIME: Duration = Duration::from_secs(4);

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
    pub(super) fn of(title: &str, contest: Contest, counter: Option<Counter>) -> Vec<Self> {
        let Contest { mut contestants, size } = contest;
        let times = rounds(&mut contestants, counter);
        let first = times[0].clone();
        let against_first = |times: &[f64], compare: fn(f64, f64) -> f64| {
            let pairs = times.iter().zip(&first);
            median(pairs.map(|(&time, &first)| compare(time, first)).collect())
        };

        let events = size.and_then(|size| size.events);
        let of = if events.is_some() { "event" } else { "call" };
        let events = events.unwrap_or(1) as f64;
        let rows = contestants.into_iter().zip(times).map(|((name, mut work), times)| {
            let (more, ratio) = (
                against_first(&times, |time, first| time - first),
                against_first(&times, |time, first| time / first),
            );
            let time = median(times);
            Self {
                title: title.to_owned(),
                name,
                of,
                time: time / events,
                more: more / events,
                ratio,
                allocated: allocated(&mut work, counter),
                megabytes_per_second: size.map(|size| size.bytes as f64 / time * 1e3),
            }
        });
        rows.collect()
    }
}

/// Nanoseconds of a call, for each contestant one per round.
fn rounds(contestants: &mut [(String, Work)], counter: Option<Counter>) -> Vec<Vec<f64>> {
    let took = |work: &mut Work, calls| {
        let mut gauge = Gauge::time(counter);
        work(calls, &mut gauge);
        gauge.took()
    };
    let turns = contestants.iter_mut().map(|(_, work)| calls_per_turn(|calls| took(work, calls)));
    let turns: Vec<_> = turns.collect();
    let longest = turns.iter().map(|&(_, time)| time).max().unwrap_or_default().max(TURN);
    let rounds = ((MAX_ROUND_TIME.as_nanos() / longest.as_nanos()) as usize).clamp(5, ROUNDS);

    let count = contestants.len();
    let mut times = vec![Vec::with_capacity(rounds); count];
    for round in 0..rounds {
        for turn in 0..count {
            // The order alternates, so that no contender always follows the same one.
            let turn = if round % 2 == 0 { turn } else { count - 1 - turn };
            let at = (turn + round) % count;
            let ((_, work), (calls, _)) = (&mut contestants[at], turns[at]);
            times[at].push(took(work, calls).as_nanos() as f64 / calls as f64);
        }
    }
    times
}

/// And the time that they take.
fn calls_per_turn(mut took: impl FnMut(u64) -> Duration) -> (u64, Duration) {
    let mut calls = 1;
    loop {
        // The shortest of three: an interruption would lead to turns of few calls, all of them
        // cold.
        let time = (0..3).map(|_| took(calls)).min().unwrap_or_default();
        if time >= TURN / 2 {
            return (calls, time);
        }
        calls *= 2;
    }
}

fn allocated(work: &mut Work, counter: Option<Counter>) -> Option<(f64, f64)> {
    const CALLS: u64 = 64;
    let mut gauge = Gauge::heap(counter);
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

type Column = (&'static str, fn(&Row) -> Option<String>);

const COLUMNS: [Column; 6] = [
    ("ns", |row| Some(digits(row.time))),
    ("more", |row| Some(digits(row.more))),
    ("ratio", |row| Some(format!("{:.2}", row.ratio))),
    ("allocations", |row| row.allocated.map(|(count, _)| share(count))),
    ("bytes", |row| row.allocated.map(|(_, bytes)| share(bytes))),
    ("MB/s", |row| row.megabytes_per_second.map(digits)),
];

/// Markdown.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = |(_, cell): &Column| self.rows.iter().any(|row| cell(row).is_some());
        let columns: Vec<_> = COLUMNS.into_iter().filter(used).collect();
        let line = |title: &str, name: &str, of: &str, cells: Vec<String>| {
            let cells: String = cells.iter().map(|cell| format!(" {cell:>11} |")).collect();
            format!("| {title:<28} | {name:<30} | {of:<5} |{cells}\n")
        };
        let heads = columns.iter().map(|&(head, _)| head.to_owned()).collect();
        f.write_str(&line("contest", "contestant", "of a", heads))?;
        writeln!(f, "|---|---|---|{}", "--:|".repeat(columns.len()))?;
        let mut last = "";
        for row in &self.rows {
            let title = if row.title == last { "" } else { &row.title };
            last = &row.title;
            let cells = columns.iter().map(|(_, cell)| cell(row).unwrap_or_else(|| "–".to_owned()));
            f.write_str(&line(title, &row.name, row.of, cells.collect()))?;
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
