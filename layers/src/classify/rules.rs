use std::sync::{Arc, LazyLock};

use http::StatusCode;

use super::{ResponseClass, error::beginning, pattern::Pattern};
use crate::exchange::UpstreamError;

/// The built-in rules, one per line.
const TABLE: &str = include_str!("rules.txt");

static BUILT_IN: LazyLock<Vec<ErrorRule>> =
    LazyLock::new(|| lines().filter_map(|line| read(line).ok()).collect());

/// A rule of what an error of a provider means. It applies when all of its conditions hold.
///
/// ```
/// use http::StatusCode;
/// use switchtower_layers::{classify::{ErrorRule, ErrorRules, ResponseClass}, exchange::UpstreamError};
///
/// let rules: ErrorRules =
///     [ErrorRule::new(ResponseClass::Exhausted).status(400).message("tokens * used up")].into_iter().collect();
/// let error = UpstreamError::read(b"All tokens of May are used up");
/// assert_eq!(rules.classify(Some(StatusCode::BAD_REQUEST), &error), ResponseClass::Exhausted);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRule {
    /// From and to; none for any status.
    statuses: Vec<(u16, u16)>,
    code: Option<Pattern>,
    message: Option<Pattern>,
    meaning: ResponseClass,
}

impl ErrorRule {
    /// A rule without a condition: every error means this.
    pub fn new(meaning: ResponseClass) -> Self {
        Self { statuses: Vec::new(), code: None, message: None, meaning }
    }

    /// Applies to this status only, or to one of them if there are several.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.statuses.push((status, status));
        self
    }

    /// Matches errors whose code, type or [other label](UpstreamError::labels) equals this. `*`
    /// matches any characters; case-insensitive.
    #[must_use]
    pub fn code(mut self, code: &str) -> Self {
        self.code = Some(Pattern::whole(code));
        self
    }

    /// Matches errors whose message contains this. `*` matches any characters; case-insensitive.
    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        self.message = Some(Pattern::anywhere(message));
        self
    }

    fn applies(&self, status: Option<StatusCode>, words: &Words) -> bool {
        let is_in = |status: StatusCode| {
            self.statuses.iter().any(|&(from, to)| (from..=to).contains(&status.as_u16()))
        };
        (self.statuses.is_empty() || status.is_some_and(is_in))
            && self.code.as_ref().is_none_or(|code| words.names.iter().any(|n| code.matches(n)))
            && self
                .message
                .as_ref()
                .is_none_or(|message| message.matches(words.message(self.meaning, status)))
    }
}

/// Rules of what the errors of a provider mean, which come before the built-in ones. The first
/// that applies counts. Clones share them.
///
/// The built-in rules know the words of the providers in the field. They are a table in
/// `classify/rules.txt`, a line for each, with the place where it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorRules(Arc<[ErrorRule]>);

impl FromIterator<ErrorRule> for ErrorRules {
    fn from_iter<I: IntoIterator<Item = ErrorRule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

impl ErrorRules {
    /// Whether there is no rule besides the built-in ones.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Classifies an error. Without a status it came under a success, and what is then not said in
    /// words that are known is [`ResponseClass::Broken`].
    pub fn classify(&self, status: Option<StatusCode>, error: &UpstreamError) -> ResponseClass {
        let mut words = Words::of(error);
        let mut found = self.0.iter().find(|rule| rule.applies(status, &words));
        if found.is_none() {
            words.unquoted = Some(unquoted(&words.message));
            found = BUILT_IN.iter().find(|rule| rule.applies(status, &words));
        }
        found.map_or(ResponseClass::Broken, |rule| rule.meaning)
    }
}

/// What an error says, in lower case.
struct Words {
    names: Vec<String>,
    message: String,
    /// The message without what it quotes of the request.
    unquoted: Option<String>,
}

impl Words {
    fn of(error: &UpstreamError) -> Self {
        let names = error.code.iter().chain(&error.kind).chain(&error.labels);
        let message = error.message.as_deref().unwrap_or_default();
        Self {
            names: names.map(|name| name.to_lowercase()).collect(),
            message: beginning(message).to_lowercase(),
            unquoted: None,
        }
    }

    /// The part of the message that is searched for this class. A 400 or 422 for a client's mistake
    /// quotes the request: the name of a tool must not empty an account.
    fn message(&self, meaning: ResponseClass, status: Option<StatusCode>) -> &str {
        let holds_back = matches!(
            meaning,
            ResponseClass::Exhausted | ResponseClass::RateLimited(_) | ResponseClass::Overloaded
        );
        let may_quote =
            matches!(status, Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY));
        let unquoted = self.unquoted.as_deref().filter(|_| holds_back && may_quote);
        unquoted.unwrap_or(&self.message)
    }
}

/// Words of a quotation at most; what is longer is a provider's own message in another's.
const MAX_QUOTED_WORDS: usize = 3;

/// A message without short quotations and without identifiers, such as the names of tools.
fn unquoted(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(['\'', '"', '`']) {
        let (before, quotation) = rest.split_at(start);
        let quote = &quotation[..1];
        let is_apostrophe = before.ends_with(|c: char| c.is_alphanumeric());
        let end = quotation[1..].find(quote).filter(|_| !is_apostrophe);
        text.push_str(before);
        match end.map(|end| (&quotation[1..=end], &quotation[end + 2..])) {
            Some((quoted, behind)) if quoted.split_whitespace().count() <= MAX_QUOTED_WORDS => {
                // The key of an object of which more is quoted.
                if behind.trim_start().starts_with(':') {
                    text.push_str(quoted);
                }
                rest = behind;
            }
            _ => {
                text.push(' ');
                rest = &quotation[1..];
            }
        }
    }
    text.push_str(rest);
    let words = text.split(' ').filter(|word| !word.trim_matches('_').contains('_'));
    words.collect::<Vec<_>>().join(" ")
}

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Reads `statuses | code | message | meaning | source`.
fn read(line: &str) -> Result<ErrorRule, &'static str> {
    let mut columns = line.split('|').map(str::trim);
    let mut column = || columns.next().ok_or("a column is missing");
    let (statuses, code, message, meaning, source) =
        (column()?, column()?, column()?, column()?, column()?);
    if columns.next().is_some() || source.is_empty() {
        return Err("there are five columns, and the last one names a source");
    }
    let mut rule = ErrorRule::new(ResponseClass::from_name(meaning).ok_or("no such meaning")?);
    for status in statuses.split(',').map(str::trim).filter(|status| !status.is_empty()) {
        let (from, to) = (status.replace('x', "0"), status.replace('x', "9"));
        let number = |text: String| text.parse().map_err(|_| "no status");
        rule.statuses.push((number(from)?, number(to)?));
    }
    if !code.is_empty() {
        rule = rule.code(code);
    }
    if !message.is_empty() {
        rule = rule.message(message);
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_rule() {
        for line in lines() {
            let rule = read(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let is_free = rule.statuses.is_empty() && rule.code.is_none() && rule.message.is_none();
            assert!(!is_free, "no condition: {line}");
            assert!(!matches!(rule.meaning, ResponseClass::RateLimited(Some(_))));
        }
        assert_eq!(BUILT_IN.len(), lines().count());
        for (line, error) in [
            ("a", "a column is missing"),
            ("400|||client_error|", "there are five columns, and the last one names a source"),
            ("400|||no|s", "no such meaning"),
            ("4yx|||client_error|s", "no status"),
        ] {
            assert_eq!(read(line), Err(error), "{line}");
        }
    }

    /// A line that stands behind one which is more general is never used.
    #[test]
    fn no_line_hides_another() {
        let rules: Vec<_> = lines().map(|line| (line, read(line).unwrap())).collect();
        for (nth, (line, rule)) in rules.iter().enumerate() {
            let is_same = |(_, other): &&(&str, ErrorRule)| {
                other.code == rule.code
                    && other.message == rule.message
                    && (other.statuses.is_empty() || other.statuses == rule.statuses)
            };
            if let Some((other, _)) = rules[..nth].iter().find(is_same) {
                panic!("{line}\n stands behind {other}");
            }
        }
    }

    #[test]
    fn what_a_message_quotes_of_the_request_is_left_out() {
        for (message, expected) in [
            ("tool 'recharge_phone' is unknown", "tool  is unknown"),
            ("value \"spending limit\" in `tools`", "value  in "),
            ("found: recharge_card twice", "found: twice"),
            ("you don't have a key, it isn't there", "you don t have a key, it isn t there"),
            (
                "{'message': 'your credit balance is too low'}",
                "{message:  your credit balance is too low }",
            ),
            ("an open 'quotation", "an open  quotation"),
            ("", ""),
        ] {
            assert_eq!(unquoted(message), expected, "{message}");
        }
    }

    #[test]
    fn own_rules_come_first_and_in_order() {
        let status = |code| StatusCode::from_u16(code).ok();
        let error = UpstreamError::read(br#"{"error":{"code":"Odd","message":"It is late"}}"#);
        let rules: ErrorRules = [
            ErrorRule::new(ResponseClass::Exhausted).status(400).code("odd").message("very late"),
            ErrorRule::new(ResponseClass::Overloaded).status(400).status(404).code("o*"),
            ErrorRule::new(ResponseClass::Refused).message("LATE"),
        ]
        .into_iter()
        .collect();
        for (code, meaning) in [
            (status(400), ResponseClass::Overloaded),
            (status(404), ResponseClass::Overloaded),
            (status(422), ResponseClass::Refused),
            (None, ResponseClass::Refused),
        ] {
            assert_eq!(rules.classify(code, &error), meaning, "{code:?}");
        }
        let other = UpstreamError::default();
        assert_eq!(rules.classify(status(422), &other), ResponseClass::ClientError);
        assert_eq!(rules.classify(None, &other), ResponseClass::Broken);
        assert!(!rules.is_empty() && ErrorRules::default().is_empty());
    }
}
