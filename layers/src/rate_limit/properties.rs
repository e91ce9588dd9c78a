//! Whatever comes, the limiter decides like a bucket that is counted by hand.

use std::{num::NonZeroU32, time::Duration};

use proptest::prelude::*;
use tokio::time::advance;

use super::{
    Limit, Limiter,
    limiter::Decision::{Never, Pass, Wait},
};

const fn nanos(n: u64) -> Duration {
    Duration::from_nanos(n)
}

/// What is used, in the time that it takes to come back.
struct Bucket {
    interval: u64,
    capacity: u64,
    used: u64,
}

impl Bucket {
    fn pass_time(&mut self, time: u64) {
        self.used = self.used.saturating_sub(time);
    }

    /// The wait, or `None` when it passes.
    fn take(&mut self, cost: u64) -> Option<u64> {
        let (after, full) = (self.used + cost * self.interval, self.capacity * self.interval);
        if after <= full {
            self.used = after;
        }
        Some(after.saturating_sub(full)).filter(|&wait| wait > 0)
    }

    fn remaining(&self) -> u64 {
        self.capacity - self.used.div_ceil(self.interval)
    }
}

proptest! {
    #[test]
    fn it_counts_like_a_bucket(
        amount in 1..1000u32,
        burst in 1..30u32,
        steps in prop::collection::vec((0..400_000_000u64, 1..40u32), 1..60),
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limit = Limit::per_minute(amount).burst(burst);
            let limiter = Limiter::new(limit);
            let interval = 60_000_000_000u64.div_ceil(amount.into());
            let mut bucket = Bucket { interval, capacity: burst.into(), used: 0 };
            for (gap, cost) in steps {
                // So that some of them find it full again, whatever the limit.
                let gap = if gap % 7 == 0 { gap * 300 } else { gap };
                advance(nanos(gap)).await;
                bucket.pass_time(gap);
                let cost = NonZeroU32::new(cost).unwrap();
                let decision = limiter.decide("/", || Some(1), || cost);
                let standing = match decision.unwrap() {
                    Pass(standing) => {
                        prop_assert_eq!(bucket.take(cost.get().into()), None);
                        standing
                    }
                    Wait(_, standing, wait) => {
                        let expected = bucket.take(cost.get().into()).map(nanos);
                        prop_assert_eq!(Some(wait), expected);
                        standing
                    }
                    Never(_, standing, _) => {
                        prop_assert!(cost.get() > burst);
                        standing
                    }
                };
                prop_assert_eq!(standing.limit, burst);
                prop_assert_eq!(u64::from(standing.remaining), bucket.remaining());
                prop_assert_eq!(standing.reset, nanos(bucket.used));
            }
            Ok(())
        })?;
    }
}
