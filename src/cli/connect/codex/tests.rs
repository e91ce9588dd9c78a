use proptest::prelude::*;

use super::*;
use crate::cli::connect::tool::Format;
use crate::cli::connect::undo::Found;

const URL: &str = "http://127.0.0.1:3000/v1";
const TABLE: &str = "\
[model_providers.switchtower]
name = \"Switchtower\"
base_url = \"http://127.0.0.1:3000/v1\"
wire_api = \"responses\"
";

#[test]
fn what_it_writes() {
    for (text, connected) in [
        ("", "model_provider = \"switchtower\"\n\nTABLE"),
        ("model = \"m\"\n", "model = \"m\"\nmodel_provider = \"switchtower\"\n\nTABLE"),
        ("model = \"m\"", "model = \"m\"\nmodel_provider = \"switchtower\"\n\nTABLE"),
        ("# mine\n[a]\nb = 1\n", "model_provider = \"switchtower\"\n# mine\n[a]\nb = 1\n\nTABLE"),
        (
            "a.b = [\n 1,\n] # c\n\n[d]\ne = 1",
            "a.b = [\n 1,\n] # c\nmodel_provider = \"switchtower\"\n\n[d]\ne = 1\n\nTABLE",
        ),
        (
            "model_provider  =  'openai' # mine\r\nmodel = \"m\"\r\n",
            "model_provider  =  \"switchtower\" # mine\r\nmodel = \"m\"\r\n\r\nTABLE",
        ),
        (
            "[model_providers.switchtower]\nbase_url = \"http://old\" # old\nenv_key = \"K\"\n",
            "model_provider = \"switchtower\"\n[model_providers.switchtower]\nname = \"Switchtower\"\n\
             wire_api = \"responses\"\nbase_url = \"http://127.0.0.1:3000/v1\" # old\nenv_key = \"K\"\n",
        ),
        ("\u{feff}a = 1\n", "\u{feff}a = 1\nmodel_provider = \"switchtower\"\n\nTABLE"),
        ("\u{feff}[a]\n", "\u{feff}model_provider = \"switchtower\"\n[a]\n\nTABLE"),
    ] {
        let table =
            if text.contains("\r\n") { TABLE.replace('\n', "\r\n") } else { TABLE.to_owned() };
        let expected = connected.replace("TABLE", &table);
        assert_eq!(connect(text, URL).unwrap(), expected);
        assert_eq!(connect(&expected, URL).unwrap(), expected, "again is the same");
        assert!(is_connected(&expected) && !is_connected(text));
    }
}

#[test]
fn it_is_taken_out_of_an_edited_file() {
    for (original, now, left) in [
        // The user's own lines, above, between and below.
        (
            "model = \"m\"\n",
            "# new\nmodel = \"n\"\nmodel_provider = \"switchtower\" # ?\nx = 1\n\nTABLE\n[y]\nz = 1\n",
            "# new\nmodel = \"n\"\nx = 1\n\n[y]\nz = 1\n",
        ),
        // Another provider in between is the user's choice.
        (
            "model_provider = \"openai\"\n",
            "model_provider = \"azure\"\n\nTABLE",
            "model_provider = \"azure\"\n",
        ),
        // The old value comes back as it was written, beside the new comment.
        (
            "model_provider = 'openai' # old\n",
            "model_provider = \"switchtower\" # new\n\nTABLE",
            "model_provider = 'openai' # new\n",
        ),
        // What was put into the gateway's table goes with it.
        (
            "a = 1\n",
            "a = 1\n\nTABLEenv_key = \"K\"\n\n[model_providers.switchtower.http_headers]\nb = \"c\"\n# end\n",
            "a = 1\n# end\n",
        ),
        // Somebody rewrote it.
        (
            "a = 1\n",
            "a = 1\nmodel_provider = \"switchtower\"\n[model_providers]\nswitchtower = {base_url = \"u\"}\n",
            "a = 1\n[model_providers]\n",
        ),
        // An own table keeps what was changed in it.
        (
            "[model_providers.switchtower]\nbase_url = 'old'\n",
            "model_provider = \"switchtower\"\nTABLEenv_key = \"K\"\n",
            "[model_providers.switchtower]\nbase_url = 'old'\nenv_key = \"K\"\n",
        ),
        ("a = 1\n", "a = 2\n", "a = 2\n"),
        ("", "model_provider = \"switchtower\"\n\nTABLE", ""),
    ] {
        assert_eq!(disconnect(&now.replace("TABLE", TABLE), original).unwrap(), left, "{now}");
    }
}

#[test]
fn what_is_written_inline_is_edited_or_refused() {
    let whole =
        "model_providers = { switchtower = { name = 'S', base_url = 'u', wire_api = 'chat' } }\n";
    let connected = connect(whole, URL).unwrap();
    assert!(
        connected.contains("base_url = \"http://127.0.0.1:3000/v1\", wire_api = \"responses\" }")
    );
    assert_eq!(disconnect(&connected, whole).unwrap(), whole);
    for text in [
        "model_providers = { a = {} }",
        "model_providers.switchtower.name = 'S'",
        "model_providers = 3",
    ] {
        let error = connect(text, URL).unwrap_err();
        assert!(error.contains("[model_providers.switchtower]"), "{error}");
    }
    // Others that are written with dots are no obstacle.
    assert!(is_connected(&connect("model_providers.a.name = 'A'\n", URL).unwrap()));
}

#[test]
fn invalid_toml_is_refused_with_its_line() {
    for (text, line) in
        [("a = 1\nb = \n", "line 2 "), ("a = 1\na = 2\n", "line 2 "), ("=", "line 1 ")]
    {
        let error = connect(text, URL).unwrap_err();
        assert!(error.starts_with(line), "{error}");
        assert!(disconnect(text, "").is_err());
        assert!(!is_connected(text));
    }
}

/// Top-level lines, then tables, of which some are about the same things.
fn config() -> impl Strategy<Value = String> {
    let top = [
        "# a comment\n",
        "\n",
        "model = \"m\"  # why\n",
        "sandbox_mode='read-only'\n",
        "notify = [\n  \"a\", # b\n  \"c\",\n]\n",
        "tui.theme = { name = \"x\" }\n",
        "prompt = \"\"\"\nmodel_provider = \"no\"\n[model_providers.switchtower]\n\"\"\"\n",
    ];
    let provider =
        ["", "model_provider = 'openai' # mine\n", "\"model_provider\"=\"switchtower\"\n"];
    let tables = [
        "[profiles.x]\nmodel_provider = \"switchtower\"\n",
        "  [mcp_servers.\"a b\"]\n  command = 'c'\n\n",
        "[[array]]\nx = 1\n[[array]]\n",
        "# before\n[model_providers.other]\nbase_url = \"http://o\"\n# after\n",
    ];
    let own = [
        "",
        "[model_providers.switchtower]\n",
        "[model_providers.switchtower] # mine\nname='mine'\nbase_url  =  'http://old'\n",
        "[model_providers.switchtower.http_headers]\na = \"b\"\n",
    ];
    let pieces = (
        proptest::sample::subsequence(top.to_vec(), 0..=top.len()).prop_shuffle(),
        proptest::sample::select(provider.to_vec()),
        proptest::sample::subsequence(tables.to_vec(), 0..=tables.len()).prop_shuffle(),
        proptest::sample::select(own.to_vec()),
        any::<(bool, bool)>(),
    );
    pieces.prop_map(|(top, provider, tables, own, (crlf, cut))| {
        let text = [&top.concat(), provider, &tables.concat(), own].concat();
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        if cut { text.trim_end().to_owned() } else { text }
    })
}

proptest! {
    #[test]
    fn an_untouched_file_is_restored_byte_for_byte(text in config()) {
        let before = Found { file: Some(text), ..Found::default() };
        let connected = before.connect(&Format::Codex, URL).unwrap();
        prop_assert!(is_connected(connected.file.as_deref().unwrap()));
        prop_assert_eq!(connected.disconnect(&Format::Codex).unwrap(), before);
    }

    #[test]
    fn only_what_connect_set_changes(text in config(), note in any::<bool>()) {
        let connected = connect(&text, URL).unwrap();
        prop_assert!(is_connected(&connected));
        prop_assert_eq!(connect(&connected, URL).unwrap(), connected.clone());
        let moved = connect(&text, "http://other/v1").unwrap();
        prop_assert_eq!(connect(&moved, URL).unwrap(), connected.clone());
        // Even taken out piece by piece, all but the last line break is as it was.
        let nl = line_break(&text);
        let tail = if note { format!("# note{nl}") } else { String::new() };
        let end = if note && !connected.ends_with('\n') { nl } else { "" };
        let left = disconnect(&format!("{connected}{end}{tail}"), &text).unwrap();
        prop_assert!(left == format!("{text}{tail}") || left == format!("{text}{nl}{tail}"), "{left}");
    }
}
