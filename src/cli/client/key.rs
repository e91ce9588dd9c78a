//! The client key that goes with each request.

use std::path::Path;

use http::HeaderValue;

use crate::cli::args::FileArgs;
use crate::cli::output::Failure;
use crate::config::{Config, Env};

/// Environment variable with the client key of the command's user.
pub(super) const VARIABLE: &str = "SWITCHTOWER_API_KEY";

/// The key, as it is sent. It comes from where the configuration's keys come from: the environment,
/// a `.env` beside the configuration, one in the working directory.
pub(super) fn find(args: &FileArgs) -> Result<Option<HeaderValue>, Failure> {
    let file = Config::locate(args.config.as_deref());
    let beside = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let env = Env::process().with_dotenv(beside).with_dotenv(Path::new(""));
    env.secret(VARIABLE).map(|key| bearer(key.expose())).transpose()
}

fn bearer(key: &str) -> Result<HeaderValue, Failure> {
    let wrong = |_| Failure(format!("{VARIABLE} has characters that no key has"));
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(wrong)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_and_not_printed() {
        let value = bearer("st-1").unwrap();
        assert_eq!(value, "Bearer st-1");
        assert!(!format!("{value:?}").contains("st-1"));
        let error = bearer("st-\n1").unwrap_err().to_string();
        assert!(error.contains(VARIABLE) && !error.contains("st-"), "{error}");
    }
}
