use std::time::{SystemTime, UNIX_EPOCH};

/// What the time fields of the Responses API are in.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
