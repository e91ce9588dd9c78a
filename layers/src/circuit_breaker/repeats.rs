use std::time::Duration;

use tokio::time::Instant;

/// Requests that are remembered at once; the oldest is forgotten for a new one.
const MAX_REQUESTS: usize = 64;
/// Time after which a request that has not failed again is forgotten.
const MAX_AGE: Duration = Duration::from_secs(300);

/// The requests whose faults a circuit has counted, by the hashes of their bodies, so that one
/// request that makes a server fail is counted once, however often it is sent. Pure: the time is
/// an argument.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Repeats(Vec<(u64, Instant)>);

impl Repeats {
    /// Records a fault of this request: whether it is the first one.
    pub(super) fn is_first(&mut self, request: u64, now: Instant) -> bool {
        self.0.retain(|&(_, seen)| now.saturating_duration_since(seen) < MAX_AGE);
        let known = self.0.iter().position(|&(hash, _)| hash == request);
        if let Some(known) = known {
            self.0.remove(known);
        } else if self.0.len() == MAX_REQUESTS {
            self.0.remove(0);
        }
        self.0.push((request, now));
        known.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_new_once_until_it_is_forgotten() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        let seconds = |n| start + Duration::from_secs(n);
        assert!(repeats.is_first(1, start));
        assert!(repeats.is_first(2, start));
        assert!(!repeats.is_first(1, seconds(299)));
        assert!(!repeats.is_first(1, seconds(400)), "it has failed again meanwhile");
        assert!(repeats.is_first(2, seconds(400)), "it has not");
    }

    #[test]
    fn their_number_is_bounded() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for request in 0..2 * MAX_REQUESTS as u64 {
            assert!(repeats.is_first(request, now));
        }
        assert_eq!(repeats.0.len(), MAX_REQUESTS);
        assert!(!repeats.is_first(MAX_REQUESTS as u64, now));
        assert!(repeats.is_first(0, now));
    }
}
