//! Checks `errors` of a provider.

use serde_saphyr::Spanned;
use switchtower_layers::classify::{ErrorRule, ErrorRules, ResponseClass};

use super::Checker;
use crate::raw::{RawErrorRule, Text};
use crate::suggest;

impl Checker<'_> {
    /// The rules, of which the first that applies counts.
    pub(super) fn error_rules(&mut self, raw: Option<Vec<Spanned<RawErrorRule>>>) -> ErrorRules {
        raw.into_iter().flatten().filter_map(|rule| self.error_rule(&rule)).collect()
    }

    /// `None` when something is wrong with it, which has been reported then.
    fn error_rule(&mut self, raw: &Spanned<RawErrorRule>) -> Option<ErrorRule> {
        let RawErrorRule { status, code, message, means } = &raw.value;
        let meaning = match means {
            Some(means) => self.meaning(means),
            None => {
                self.wrong(raw, "this rule does not say what the error `means`")
                    .help("add, for example, `means: exhausted`".to_owned());
                None
            }
        };
        if status.is_none() && code.is_none() && message.is_none() {
            self.wrong(raw, "this rule has no condition: every error would mean this")
                .help("add a `status`, a `code` or a `message`".to_owned());
        }
        let mut rule = ErrorRule::new(meaning?);
        if let Some(status) = status {
            if !(400..600).contains(&status.value) {
                self.wrong(status, format!("{} is no status of an error", status.value))
                    .help("they go from 400 to 599".to_owned());
            }
            rule = rule.status(status.value);
        }
        if let Some(code) = self.pattern("code", code.as_ref()) {
            rule = rule.code(code);
        }
        if let Some(message) = self.pattern("message", message.as_ref()) {
            rule = rule.message(message);
        }
        Some(rule)
    }

    fn meaning(&mut self, means: &Text) -> Option<ResponseClass> {
        let meaning = ResponseClass::from_name(&means.value);
        if meaning.is_none() {
            let names = ResponseClass::OF_ERRORS.map(ResponseClass::as_str);
            self.wrong(means, format!("`{}` is not a choice here", means.value))
                .help(suggest::help(&means.value, names, "the choices are"));
        }
        meaning
    }

    /// A text with `*` that is more than these.
    fn pattern<'t>(&mut self, what: &str, pattern: Option<&'t Text>) -> Option<&'t str> {
        let pattern = pattern?;
        if pattern.value.chars().all(|c| c == '*' || c.is_whitespace()) {
            self.wrong(pattern, format!("this {what} is empty: it would fit every error"))
                .help(format!("leave `{what}` out if it does not matter"));
        }
        Some(&pattern.value)
    }
}
