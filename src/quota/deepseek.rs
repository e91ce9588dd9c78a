//! DeepSeek's `GET /user/balance`, see <https://api-docs.deepseek.com/api/get-user-balance>.

use serde::Deserialize;
use switchtower_layers::{
    BoxError,
    quota::{Balance, Snapshot},
};

#[derive(Deserialize)]
struct Answer {
    /// Whether there is enough for calls.
    is_available: bool,
    #[serde(default)]
    balance_infos: Vec<Info>,
}

#[derive(Deserialize)]
struct Info {
    currency: String,
    total_balance: String,
}

/// An account may have several currencies: the first one with a balance is reported.
pub(super) fn read(answer: &[u8]) -> Result<Snapshot, BoxError> {
    let Answer { is_available, balance_infos } = serde_json::from_slice(answer)?;
    let mut balances = Vec::new();
    for Info { currency, total_balance } in balance_infos {
        let amount: f64 = total_balance.trim().parse()?;
        balances.push(Balance { amount, currency });
    }
    let filled = balances.iter().position(|balance| balance.amount > 0.0);
    if balances.is_empty() {
        let summary = if is_available { "Balance: enough" } else { "Balance: not enough" };
        return Ok(Snapshot::new(is_available, summary));
    }
    let balance = balances.swap_remove(filled.unwrap_or(0));
    Ok(Snapshot::new(is_available, format!("Balance: {balance}")).balance(balance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_answer() {
        let read = read(
            br#"{"is_available": true, "balance_infos": [{"currency": "CNY", "total_balance": "561.18",
            "granted_balance": "10.00", "topped_up_balance": "551.18"}]}"#,
        );
        let snapshot = read.unwrap();
        assert!(snapshot.available);
        assert_eq!(snapshot.summary, "Balance: ¥561.18");
        assert_eq!(snapshot.balance, Some(Balance { amount: 561.18, currency: "CNY".into() }));
    }

    #[test]
    fn the_currency_with_something_in_it_is_told() {
        let infos = |usd, cny| {
            let answer = format!(
                r#"{{"is_available": {}, "balance_infos": [{{"currency": "USD", "total_balance": "{usd}"}},
                {{"currency": "CNY", "total_balance": "{cny}"}}]}}"#,
                usd != "0.00" || cny != "0.00"
            );
            let snapshot = read(answer.as_bytes()).unwrap();
            (snapshot.available, snapshot.summary)
        };
        assert_eq!(infos("0.00", "3.50"), (true, "Balance: ¥3.50".into()));
        assert_eq!(infos("2.00", "3.50"), (true, "Balance: $2.00".into()));
        assert_eq!(infos("0.00", "0.00"), (false, "Balance: $0.00".into()));
    }

    #[test]
    fn what_is_no_balance_is_an_error() {
        for answer in [
            "",
            "{}",
            "[]",
            r#"{"is_available": "yes"}"#,
            r#"{"is_available": true, "balance_infos": [{"currency": "CNY", "total_balance": "much"}]}"#,
        ] {
            assert!(read(answer.as_bytes()).is_err(), "{answer}");
        }
        let bare = read(br#"{"is_available": false}"#).unwrap();
        assert_eq!((bare.available, bare.balance), (false, None));
    }
}
