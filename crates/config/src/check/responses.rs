//! Checks `responses`.

use std::ops::RangeInclusive;

use serde_saphyr::Spanned;

use super::Checker;
use crate::Responses;
use crate::raw::RawResponses;

impl Checker<'_> {
    /// What is given, and for the rest the defaults.
    pub(super) fn responses(&mut self, raw: RawResponses) -> Responses {
        let RawResponses { store, max_entries, max_mb, expire_days } = raw;
        let defaults = Responses::default();
        Responses {
            store: store.unwrap_or(defaults.store),
            max_entries: self
                .within("max_entries", 1..=1_000_000_000, max_entries)
                .unwrap_or(defaults.max_entries),
            max_mb: self.within("max_mb", 1..=1 << 20, max_mb).unwrap_or(defaults.max_mb),
            expire_days: self
                .within("expire_days", 1..=36_500, expire_days)
                .unwrap_or(defaults.expire_days),
        }
    }

    /// A number that has to be in a range.
    pub(super) fn within(
        &mut self,
        name: &str,
        range: RangeInclusive<u64>,
        number: Option<Spanned<u64>>,
    ) -> Option<u64> {
        let number = number?;
        if !range.contains(&number.value) {
            let (least, most) = range.into_inner();
            self.wrong(&number, format!("`{name}` has to be from {least} to {most}"));
        }
        Some(number.value)
    }
}
