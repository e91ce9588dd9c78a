use std::time::Duration;

use tokio::time::Instant;

/// The window moves on in steps of a tenth of its length.
const STEPS: usize = 10;

/// Shares are counted in millionths: a fraction of floating point loses a retry now and then, and
/// a whole number of requests per retry loses the share itself.
const WHOLE: u64 = 1_000_000;

/// Requests and retries of the recent past. Pure: the caller passes in the time.
///
/// The window covers `STEPS` steps up to and including the one under way. Retries count for one
/// step longer than requests, so that those of any time span of the window's length never exceed
/// the share of its requests, plus the floor, wherever the span begins.
#[derive(Clone, Debug)]
pub(super) struct Window {
    share: u64,
    floor: u32,
    step: Duration,
    start: Instant,
    /// The number of the step that is under way.
    newest: u64,
    steps: [Step; STEPS + 1],
}

#[derive(Clone, Copy, Debug, Default)]
struct Step {
    requests: u64,
    retries: u64,
}

impl Window {
    /// `share` is clamped to 0..=1000, and a window is at least 10 ms long.
    pub(super) fn new(share: f64, floor: u32, window: Duration, now: Instant) -> Self {
        // The cast turns NaN into 0.
        let share = (share.clamp(0.0, 1000.0) * WHOLE as f64).round() as u64;
        let step = (window / STEPS as u32).max(Duration::from_millis(1));
        Self { share, floor, step, start: now, newest: 0, steps: Default::default() }
    }

    /// A request has come.
    pub(super) fn deposit(&mut self, now: Instant) {
        self.step(now).requests += 1;
    }

    /// Whether there may be one more retry; if so, it is counted.
    pub(super) fn withdraw(&mut self, now: Instant) -> bool {
        self.step(now);
        let oldest = self.slot(self.newest + 1);
        let (mut requests, mut retries) = (0, 0);
        for (slot, step) in self.steps.iter().enumerate() {
            // It lies partly outside of the window.
            requests += if slot == oldest { 0 } else { step.requests };
            retries += step.retries;
        }
        let allowed = u64::from(self.floor) * WHOLE + self.share.saturating_mul(requests);
        let may = (retries + 1).saturating_mul(WHOLE) <= allowed;
        self.step(now).retries += u64::from(may);
        may
    }

    /// The step that is under way; those that have gone by are forgotten. Time that goes back
    /// counts as standing still.
    fn step(&mut self, now: Instant) -> &mut Step {
        let since = now.saturating_duration_since(self.start);
        let current = (since.as_nanos() / self.step.as_nanos()) as u64;
        for gone in (self.newest + 1..=current).take(self.steps.len()) {
            let slot = self.slot(gone);
            self.steps[slot] = Step::default();
        }
        self.newest = self.newest.max(current);
        let slot = self.slot(self.newest);
        &mut self.steps[slot]
    }

    fn slot(&self, number: u64) -> usize {
        (number % self.steps.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn withdrawals(window: &mut Window, now: Instant) -> u32 {
        (0..).take_while(|_| window.withdraw(now)).count() as u32
    }

    #[test]
    fn no_share_is_cut_off() {
        let now = Instant::now();
        for (share, floor, requests, retries) in [
            (0.0, 0, 100, 0),
            (0.0, 3, 100, 3),
            (0.1, 0, 9, 0),
            (0.1, 0, 10, 1),
            (0.1, 0, 30, 3),
            (0.1, 2, 19, 3),
            (0.2, 10, 0, 10),
            (0.2, 10, 4, 10),
            (0.2, 10, 5, 11),
            (0.29, 0, 100, 29),
            (0.6, 0, 5, 3),
            (0.7, 0, 10, 7),
            (0.9, 0, 10, 9),
            (1.0, 0, 3, 3),
            (1.5, 0, 4, 6),
            (-1.0, 1, 100, 1),
            (f64::NAN, 1, 100, 1),
            (f64::INFINITY, 0, 1, 1000),
        ] {
            let mut window = Window::new(share, floor, WINDOW, now);
            (0..requests).for_each(|_| window.deposit(now));
            assert_eq!(withdrawals(&mut window, now), retries, "{share} of {requests} + {floor}");
        }
    }

    #[test]
    fn what_is_old_counts_no_more() {
        let now = Instant::now();
        let mut window = Window::new(1.0, 2, WINDOW, now);
        window.deposit(now);
        assert_eq!(withdrawals(&mut window, now), 3);
        let mut later = window.clone();
        assert_eq!(withdrawals(&mut later, now + Duration::from_millis(10_999)), 0);
        assert_eq!(withdrawals(&mut later, now + Duration::from_millis(11_000)), 2);
        assert_eq!(withdrawals(&mut window, now + Duration::from_secs(1_000_000)), 2);
        assert_eq!(withdrawals(&mut window, now), 0, "time does not go back");
    }

    /// What may happen: time passes (in ms), then a request comes or a retry is asked for.
    fn calls() -> impl Strategy<Value = Vec<(u64, bool)>> {
        let gap = prop_oneof![4 => Just(0), 4 => 0..700u64, 1 => 5_000..15_000u64];
        prop::collection::vec((gap, any::<bool>()), 0..200)
    }

    proptest! {
        #[test]
        fn retries_stay_within_the_share_and_are_not_refused_without_need(
            percent in 0..300u64,
            floor in 0..5u32,
            calls in calls(),
        ) {
            let start = Instant::now();
            let mut window = Window::new(percent as f64 / 100.0, floor, WINDOW, start);
            let (mut now, mut requests, mut retries) = (0, Vec::new(), Vec::new());
            for (gap, asks) in calls {
                now += gap;
                let at = start + Duration::from_millis(now);
                let within = |times: &[u64], span: u64| {
                    times.iter().filter(|&&time| time + span > now).count() as u64
                };
                let allowed = |requests: u64| u64::from(floor) * 100 + percent * requests;
                if !asks {
                    window.deposit(at);
                    requests.push(now);
                } else if window.withdraw(at) {
                    retries.push(now);
                    prop_assert!(within(&retries, 10_000) * 100 <= allowed(within(&requests, 10_000)));
                } else {
                    let wanted = within(&retries, 11_000) + 1;
                    prop_assert!(wanted * 100 > allowed(within(&requests, 9_000)));
                }
            }
        }
    }
}
