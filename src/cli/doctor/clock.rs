//! Whether this machine's clock is right, by those of the providers that answered.

use super::finding::{Finding, Group};

/// Maximum clock skew, in seconds, that certificates and tokens tolerate.
const MAX_SKEW_S: u64 = 300;

/// `ahead`: by how many seconds each of the other clocks is ahead. Without any there is no finding.
pub(super) fn look(mut ahead: Vec<i64>) -> Option<Finding> {
    ahead.sort_unstable();
    // Of an even number the one that is nearer: one provider alone may be wrong.
    let (low, high) = (*ahead.get((ahead.len().max(1) - 1) / 2)?, *ahead.get(ahead.len() / 2)?);
    let off = if low.unsigned_abs() <= high.unsigned_abs() { low } else { high };
    if off.unsigned_abs() <= MAX_SKEW_S {
        return Some(Finding::ok(Group::Clock, "agrees with that of the providers"));
    }
    let (minutes, which) = (off.unsigned_abs() / 60, if off > 0 { "behind" } else { "ahead of" });
    Some(Finding::warn(
        Group::Clock,
        format!("is {minutes} min {which} that of the providers"),
        "set it, or have it set: timedatectl set-ntp true",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_counts() {
        let says = |ahead: &[i64]| look(ahead.to_vec()).map(|finding| finding.what);
        assert_eq!(says(&[]), None);
        let agrees = Some("agrees with that of the providers".to_owned());
        for ahead in [&[0][..], &[-300], &[300], &[9000, 0], &[-9000, 1, 9000], &[1, -1, 9000]] {
            assert_eq!(says(ahead), agrees, "{ahead:?}");
        }
        for (ahead, words) in [
            (&[301][..], "is 5 min behind that of the providers"),
            (&[-7200], "is 120 min ahead of that of the providers"),
            (&[400, 900], "is 6 min behind that of the providers"),
            (&[0, 900, 1000], "is 15 min behind that of the providers"),
        ] {
            assert_eq!(says(ahead).as_deref(), Some(words), "{ahead:?}");
        }
    }
}
