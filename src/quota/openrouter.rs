//! OpenRouter's `GET /credits`, see <https://openrouter.ai/docs/api-reference/credits/get-credits>.

use serde::Deserialize;
use switchtower_layers::{
    BoxError,
    quota::{Balance, Snapshot},
};

#[derive(Deserialize)]
struct Answer {
    data: Credits,
}

/// In US dollars.
#[derive(Deserialize)]
struct Credits {
    total_credits: f64,
    total_usage: f64,
}

/// An account that never bought anything uses the models that cost nothing, so it is not empty.
pub(super) fn read(answer: &[u8]) -> Result<Snapshot, BoxError> {
    let Answer { data: Credits { total_credits, total_usage } } = serde_json::from_slice(answer)?;
    let amount = total_credits - total_usage;
    let balance = Balance { amount, currency: "USD".into() };
    let is_free = total_credits <= 0.0 && total_usage <= 0.0;
    let snapshot = Snapshot::new(is_free || amount > 0.0, format!("Balance: {balance}"));
    let snapshot = snapshot.balance(balance);
    Ok(match total_credits > 0.0 {
        true => snapshot.used_percent(100.0 * total_usage / total_credits),
        false => snapshot,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_was_bought_and_not_used() {
        for (credits, usage, available, summary, used) in [
            ("100.5", "25.125", true, "Balance: $75.38", Some(25.0)),
            ("10", "10", false, "Balance: $0.00", Some(100.0)),
            ("10", "10.25", false, "Balance: -$0.25", Some(102.5)),
            ("0", "0", true, "Balance: $0.00", None),
            ("0", "1", false, "Balance: -$1.00", None),
        ] {
            let answer =
                format!(r#"{{"data":{{"total_credits":{credits},"total_usage":{usage}}}}}"#);
            let snapshot = read(answer.as_bytes()).unwrap();
            assert_eq!((snapshot.available, &*snapshot.summary), (available, summary));
            assert_eq!(snapshot.used_percent, used);
        }
        assert!(read(br#"{"data":{}}"#).is_err() && read(b"<html>").is_err());
    }
}
