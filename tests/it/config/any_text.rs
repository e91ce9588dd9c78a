//! Whatever is in the file, reading it ends with an answer.

use std::fs;

use proptest::prelude::*;
use switchtower::config::{Config, Env};

use super::SAMPLE;

fn refused(text: &str) -> String {
    Config::from_yaml("gateway.yaml", text, &Env::empty()).expect_err("it is wrong").to_string()
}

#[test]
fn deep_nesting_is_refused() {
    for open in ["[", "{a: ", "- ", "? "] {
        let error = refused(&format!("models: {}", open.repeat(100_000)));
        assert!(error.starts_with("gateway.yaml:1:"), "{open}");
    }
    let bomb = (0..64).fold("x0: &x0 [a]\n".to_owned(), |text, i| {
        format!("{text}x{}: &x{} [*x{i}, *x{i}, *x{i}]\n", i + 1, i + 1)
    });
    refused(&bomb);
    refused(&format!("agents:\n- {{{bomb}}}"));
}

/// Text that looks enough like a configuration to get past the first line.
fn almost_yaml() -> impl proptest::strategy::Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "models",
        "providers",
        "host",
        "auth",
        "keys",
        "hash",
        "key_env",
        "scopes",
        "tls",
        "limits",
        "base_url",
        "api_key",
        "aliases",
        "routing",
        "rules",
        "agents",
        "agent",
        "a",
        "b",
        "''",
        "http://x",
        "0",
        "1",
        "true",
        "~",
        "[",
        "]",
        "{",
        "}",
        ",",
        ": ",
        ":",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "&x ",
        "*x",
        "<<: ",
        "|",
        ">",
        "!",
        "!!str ",
        "\"",
        "'",
        "#",
        "\t",
        "\u{1}",
        "代",
        "\r\n",
        "---",
        "...",
        "%",
        "@",
        "?",
        " ",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![almost_yaml(), any::<String>()]) {
        match Config::from_yaml("gateway.yaml", &text, &Env::empty()) {
            Ok(config) => drop(format!("{config:?}")),
            Err(error) => {
                let error = error.to_string();
                prop_assert!(names_a_place(&error), "{}", error);
                prop_assert!(!error.contains(|c: char| c.is_control() && c != '\n'));
            }
        }
    }

    #[test]
    fn the_sample_with_a_hole_does_not_panic(from in 0..SAMPLE.len(), length in 0..80_usize) {
        let text: String =
            SAMPLE.char_indices().filter(|(i, _)| !(from..from + length).contains(i)).map(|(_, c)| c).collect();
        if let Err(error) = Config::from_yaml("gateway.yaml", &text, &Env::empty()) {
            prop_assert!(names_a_place(&error.to_string()), "{}", error);
        }
    }

    #[test]
    fn no_bytes_panic(
        at in 0..=SAMPLE.len(),
        bytes in prop::collection::vec(any::<u8>(), 0..30),
        is_alone: bool,
    ) {
        let mut text = if is_alone { Vec::new() } else { SAMPLE.as_bytes().to_vec() };
        text.splice(at.min(text.len())..at.min(text.len()), bytes);
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(&file, &text).expect("a file");
        if let Err(error) = Config::load(file.path()) {
            let error = error.to_string();
            let rest = error.strip_prefix(&*file.path().display().to_string());
            let rest = rest.expect("it names the file");
            prop_assert!(has_a_place(rest) || rest.starts_with(": line "), "{}", error);
        }
    }
}

/// `gateway.yaml:<line>:<column>`, both from 1.
fn names_a_place(error: &str) -> bool {
    error.strip_prefix("gateway.yaml").is_some_and(has_a_place)
}

fn has_a_place(rest: &str) -> bool {
    let mut numbers = rest.split(':').skip(1).map(str::parse::<u32>);
    rest.starts_with(':')
        && matches!((numbers.next(), numbers.next()), (Some(Ok(1..)), Some(Ok(1..))))
}
