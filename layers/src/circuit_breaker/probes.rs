use tokio::time::Instant;

use super::Settings;

/// The probe slots of a half-open circuit. Pure: the caller passes in the time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Probes {
    /// The probes under way, with their numbers.
    taken: Vec<(u64, Instant)>,
    next: u64,
    successes: usize,
}

impl Probes {
    /// A place for another probe: one that is free, or that of a probe whose time is over.
    pub(super) fn take(&mut self, settings: &Settings, now: Instant) -> Option<u64> {
        // There is always one to come, even if fewer are wanted by now than have succeeded.
        let succeeded = self.successes.min(settings.places() - 1);
        if self.taken.len() + succeeded >= settings.places() {
            let lapsed = |since| now.saturating_duration_since(since) >= settings.probe_time;
            let place = self.taken.iter().position(|&(_, since)| lapsed(since))?;
            self.taken.swap_remove(place);
        }
        let number = self.next;
        self.next += 1;
        self.taken.push((number, now));
        Some(number)
    }

    /// The probe is over; its place may be another's by now.
    pub(super) fn give_back(&mut self, number: u64) {
        self.taken.retain(|&(taken, _)| taken != number);
    }

    /// One probe succeeded: whether that is enough.
    pub(super) fn succeeded(&mut self, settings: &Settings) -> bool {
        self.successes += 1;
        self.successes >= settings.places()
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.taken.len()
    }
}
