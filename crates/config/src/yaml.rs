//! Parses text to [`Raw`], and rewords the parser's errors.

use serde_saphyr::{
    DuplicateKeyPolicy, Error, MessageFormatter, UserMessageFormatter, from_str_with_options,
};

use super::error::{Problem, SourcePosition};
use super::raw::Raw;
use super::suggest;

/// Reads the text; an empty one is an empty configuration.
pub(super) fn parse(text: &str) -> Result<Raw, Vec<Problem>> {
    // Mappings keep their duplicates, so that they are reported with all other mistakes.
    match read(text, DuplicateKeyPolicy::PassThrough) {
        Ok(raw) => Ok(raw.unwrap_or_default()),
        // A setting given twice comes without its place that way; the strict policy knows it.
        Err(error) if is_duplicate(&error) => {
            let strict = read(text, DuplicateKeyPolicy::Error).err();
            Err(vec![problem(&strict.unwrap_or(error))])
        }
        Err(error) => Err(vec![problem(&error)]),
    }
}

fn is_duplicate(error: &Error) -> bool {
    matches!(error.without_snippet(), Error::Message { msg, .. } if msg.starts_with("duplicate field"))
}

fn read(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Option<Raw>, Error> {
    from_str_with_options(text, serde_saphyr::options! { duplicate_keys: duplicate_keys })
}

fn problem(error: &Error) -> Problem {
    let place = error.location().and_then(SourcePosition::at);
    let error = error.without_snippet();
    if let (Error::AliasError { error, locations, .. }, Some(_)) = (error, place) {
        let (message, _) = words(error);
        let defined = locations.defined_location.line();
        let mut problem = Problem::new(place, message);
        problem.help(format!("the value comes from the anchor on line {defined}"));
        return problem;
    }
    let (message, help) = words(error);
    let mut problem = Problem::new(place, message);
    if may_be_key(error, help.as_deref()) {
        problem.secret();
    }
    problem.help(help);
    problem
}

/// Whether a misspelt name may have been meant for `api_key`: then a key stands beside it.
fn may_be_key(error: &Error, help: Option<&str>) -> bool {
    let Error::SerdeUnknownField { expected, .. } = error else { return false };
    let guess = help.and_then(|help| help.strip_prefix("did you mean `"));
    expected.contains(&"api_key") && guess.is_none_or(|guess| guess.starts_with("api_key`"))
}

/// What is wrong, and what would be right.
fn words(error: &Error) -> (String, Option<String>) {
    let message = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let help = suggest::help(field, expected.iter().copied(), "the settings here are");
            return (format!("unknown setting `{field}`"), help);
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let help = suggest::help(variant, expected.iter().copied(), "the choices are");
            return (format!("`{variant}` is not a choice here"), help);
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("`{key}` is given twice")
        }
        Error::InvalidScalar { ty, .. } => format!("expected {}", expected_scalar(ty)),
        Error::Unexpected { expected: "sequence start", .. } => {
            "expected a list, such as [a, b]".into()
        }
        Error::Unexpected { expected: "mapping start", .. } => {
            "expected `name: value` pairs".into()
        }
        Error::Unexpected { expected: "string scalar", .. }
        | Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => {
            "expected a single value".into()
        }
        Error::NullIntoString { .. } => "expected a value, found nothing".into(),
        Error::MultipleDocuments { .. } => {
            "a second document begins here; the configuration is one document".into()
        }
        Error::UnknownAnchor { .. } => "this anchor is not defined above".into(),
        other => UserMessageFormatter.format_message(other).into_owned(),
    };
    (message, None)
}

fn expected_scalar(rust_type: &str) -> &str {
    match rust_type {
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number, 0 or more",
        "i64" => "a whole number",
        "floating point" => "a number",
        "boolean" => "true or false",
        other => other,
    }
}
