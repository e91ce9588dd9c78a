/// Where a request stands in its plan. Pure: it knows numbers, not targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    targets: usize,
    /// The next target that was not tried.
    next: usize,
    /// The target of the last attempt.
    last: Option<usize>,
    /// How many more times a target may be asked again when none is left.
    again: u32,
    committed: bool,
}

/// Why another attempt is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The last one, if there was one, will not do better if it is asked again.
    Other,
    /// The last one broke off, which says little about the next time.
    OtherOrAgain,
}

impl Cursor {
    pub(super) fn new(targets: usize, again: u32) -> Self {
        Self { targets, next: 0, last: None, again, committed: false }
    }

    /// The target of the next attempt; `None` when the plan is exhausted. Targets for which `skip`
    /// holds are removed from the plan.
    pub(super) fn advance(
        &mut self,
        next: Next,
        mut skip: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        if self.committed {
            return None;
        }
        while self.next < self.targets {
            let target = self.next;
            self.next += 1;
            if !skip(target) {
                self.last = Some(target);
                return Some(target);
            }
        }
        if next == Next::OtherOrAgain && self.again > 0 {
            self.again -= 1;
            return self.last;
        }
        None
    }

    /// The targets that were not tried yet.
    pub(super) fn untried(&self) -> std::ops::Range<usize> {
        self.next..self.targets
    }

    /// An attempt is made at this target again: whether there may be one.
    pub(super) fn go_back(&mut self, target: usize) -> bool {
        if !self.committed {
            self.last = Some(target);
        }
        !self.committed
    }

    /// The client has seen bytes: there will be no other attempt.
    pub(super) fn commit(&mut self) {
        self.committed = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_target_once_and_the_last_one_again_only_when_it_broke() {
        let mut cursor = Cursor::new(2, 1);
        let none = |_| false;
        assert_eq!(cursor.advance(Next::Other, none), Some(0));
        assert_eq!(cursor.advance(Next::OtherOrAgain, none), Some(1), "another one comes first");
        assert_eq!(cursor.clone().advance(Next::Other, none), None);
        assert_eq!(cursor.advance(Next::OtherOrAgain, none), Some(1));
        assert_eq!(cursor.advance(Next::OtherOrAgain, none), None);
    }

    #[test]
    fn skipped_targets_are_passed_over_and_never_asked_again() {
        let mut cursor = Cursor::new(3, 5);
        assert_eq!(cursor.advance(Next::Other, |target| target != 1), Some(1));
        assert_eq!(cursor.advance(Next::OtherOrAgain, |target| target == 2), Some(1));
        assert_eq!(Cursor::new(2, 5).advance(Next::OtherOrAgain, |_| true), None);
    }

    proptest! {
        #[test]
        fn it_ends_revisits_only_by_policy_and_never_moves_after_commit(
            targets in 0..6usize,
            again in 0..4u32,
            steps in prop::collection::vec((any::<bool>(), any::<u8>()), 1..40),
            commit_at in 0..40usize,
        ) {
            let mut cursor = Cursor::new(targets, again);
            let mut visits = vec![0; targets];
            let mut order = Vec::new();
            for (step, (broke, skips)) in steps.into_iter().enumerate() {
                if step == commit_at {
                    cursor.commit();
                }
                let next = if broke { Next::OtherOrAgain } else { Next::Other };
                let target = cursor.advance(next, |target| skips >> target & 1 == 1);
                prop_assert!(target.is_none() || step < commit_at, "an attempt after commit");
                if let Some(target) = target {
                    visits[target] += 1;
                    order.push(target);
                }
            }
            prop_assert!(order.is_sorted(), "it never goes back: {order:?}");
            let repeats: u32 = visits.iter().map(|&n: &u32| n.saturating_sub(1)).sum();
            prop_assert!(repeats <= again);
            prop_assert!(order.len() <= targets + again as usize);
        }
    }
}
