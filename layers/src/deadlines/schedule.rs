use std::time::Duration;

use tokio::time::Instant;

use super::{Deadline, DeadlineError, Settings};

/// Computes the deadline of an attempt that passes next. Pure: the caller passes in the time.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    settings: Settings,
    start: Instant,
    total: Option<Instant>,
    phase: Phase,
    /// When the upstream was last heard of.
    last: Instant,
    /// Whether the last frame came too late.
    late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No head yet.
    Head { streamed: bool },
    /// The head of a stream, and no content: silence is bounded by `first_token` alone.
    Token,
    /// All that is left is to go on.
    Flow,
}

/// A deadline and when it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: Instant,
    pub(super) error: DeadlineError,
}

impl Schedule {
    pub(super) fn new(
        settings: Settings,
        streamed: bool,
        start: Instant,
        total: Option<Instant>,
    ) -> Self {
        let phase = Phase::Head { streamed };
        Self { settings: settings.normal(), start, total, phase, last: start, late: false }
    }

    /// The head has come.
    pub(super) fn head(&mut self, now: Instant) {
        self.last = now;
        self.phase = match self.phase {
            Phase::Head { streamed: true } => Phase::Token,
            _ => Phase::Flow,
        };
    }

    pub(super) fn awaits_content(&self) -> bool {
        self.phase == Phase::Token
    }

    /// A piece of the body has come. It is refused when it comes too late and the one before did
    /// as well: a single one was perhaps there in time, but a stream of which something is always
    /// there must not outrun its deadlines.
    pub(super) fn frame(&mut self, now: Instant, content: bool) -> Option<DeadlineError> {
        if content {
            self.phase = Phase::Flow;
        }
        self.last = now;
        let passed = self.next().filter(|due| due.at < now);
        let again = std::mem::replace(&mut self.late, passed.is_some());
        passed.filter(|_| again).map(|due| due.error)
    }

    /// What passes if nothing comes any more; of several at one instant, the most specific.
    pub(super) fn next(&self) -> Option<Due> {
        let Settings { headers, first_token, idle } = self.settings;
        let from_start = |which, limit| due(which, self.start, limit);
        let headers = || from_start(Deadline::Headers, headers);
        let first_token = || from_start(Deadline::FirstToken, first_token);
        let idle = || due(Deadline::Idle, self.last, idle);
        let candidates = match self.phase {
            Phase::Head { streamed: true } => [headers(), first_token()],
            Phase::Head { streamed: false } => [first_token(), None],
            // Only without a limit of its own is this silence like any other.
            Phase::Token => [first_token().or_else(idle), None],
            Phase::Flow => [idle(), None],
        };
        let error = DeadlineError { which: Deadline::RequestDeadline, limit: None };
        let total = self.total.map(|at| Due { at, error });
        candidates.into_iter().flatten().chain(total).min_by_key(|due| due.at)
    }
}

/// A limit beyond the end of time is none.
fn due(which: Deadline, from: Instant, limit: Option<Duration>) -> Option<Due> {
    let at = from.checked_add(limit?)?;
    Some(Due { at, error: DeadlineError { which, limit } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Which is next, and how many seconds after the start.
    fn next(schedule: &Schedule) -> Option<(Deadline, u64)> {
        schedule.next().map(|due| (due.error.which, (due.at - schedule.start).as_secs()))
    }

    #[test]
    fn what_is_next_in_each_phase() {
        let start = Instant::now();
        let ours =
            Settings { headers: Some(secs(10)), first_token: Some(secs(30)), idle: Some(secs(15)) };
        let off = Settings::OFF;
        let zero = Settings { headers: Some(secs(0)), idle: Some(secs(0)), ..off };
        let endless = Settings { first_token: Some(Duration::MAX), ..off };
        let slow_head = Settings { headers: Some(secs(40)), ..ours };
        use Deadline::*;
        // Settings, streamed, total; next before the head, after it at 4 s, after content at 20 s.
        for (settings, streamed, total, head, token, flow) in [
            (ours, true, None, Some((Headers, 10)), Some((FirstToken, 30)), Some((Idle, 35))),
            (ours, false, None, Some((FirstToken, 30)), Some((Idle, 19)), Some((Idle, 35))),
            (
                slow_head,
                true,
                None,
                Some((FirstToken, 30)),
                Some((FirstToken, 30)),
                Some((Idle, 35)),
            ),
            (
                ours,
                true,
                Some(19),
                Some((Headers, 10)),
                Some((RequestDeadline, 19)),
                Some((RequestDeadline, 19)),
            ),
            (
                Settings { first_token: None, ..ours },
                true,
                None,
                Some((Headers, 10)),
                Some((Idle, 19)),
                Some((Idle, 35)),
            ),
            (
                Settings { first_token: Some(secs(0)), ..ours },
                true,
                None,
                Some((Headers, 10)),
                Some((Idle, 19)),
                Some((Idle, 35)),
            ),
            (
                Settings { idle: Some(secs(90)), ..ours },
                true,
                None,
                Some((Headers, 10)),
                Some((FirstToken, 30)),
                Some((Idle, 110)),
            ),
            (
                ours,
                true,
                Some(7),
                Some((RequestDeadline, 7)),
                Some((RequestDeadline, 7)),
                Some((RequestDeadline, 7)),
            ),
            (
                Settings { idle: None, ..ours },
                true,
                None,
                Some((Headers, 10)),
                Some((FirstToken, 30)),
                None,
            ),
            (Settings { idle: None, ..ours }, false, None, Some((FirstToken, 30)), None, None),
            (off, true, None, None, None, None),
            (zero, true, None, None, None, None),
            (endless, true, None, None, None, None),
            (
                off,
                false,
                Some(9),
                Some((RequestDeadline, 9)),
                Some((RequestDeadline, 9)),
                Some((RequestDeadline, 9)),
            ),
        ] {
            let total = total.map(|total| start + secs(total));
            let mut schedule = Schedule::new(settings, streamed, start, total);
            assert_eq!(next(&schedule), head, "head: {settings:?}");
            schedule.head(start + secs(4));
            assert_eq!(next(&schedule), token, "token: {settings:?}");
            assert_eq!(schedule.awaits_content(), streamed);
            schedule.frame(start + secs(20), true);
            assert_eq!(next(&schedule), flow, "flow: {settings:?}");
        }
    }

    #[test]
    fn one_late_frame_passes_and_the_second_does_not() {
        let start = Instant::now();
        let settings = Settings { first_token: Some(secs(10)), ..Settings::OFF };
        let mut schedule = Schedule::new(settings, true, start, Some(start + secs(20)));
        schedule.head(start);
        assert_eq!(schedule.frame(start + secs(10), false), None, "in time");
        assert_eq!(schedule.frame(start + secs(10), false), None, "in time");
        assert_eq!(schedule.frame(start + secs(11), false), None, "late");
        let mut with_content = schedule.clone();
        assert_eq!(with_content.frame(start + secs(12), true), None, "it is content");
        assert_eq!(with_content.frame(start + secs(21), false), None, "late once more");
        let passed = with_content.frame(start + secs(21), false).map(|error| error.which);
        assert_eq!(passed, Some(Deadline::RequestDeadline));
        let passed = schedule.frame(start + secs(12), false).map(|error| error.which);
        assert_eq!(passed, Some(Deadline::FirstToken));
    }
}
