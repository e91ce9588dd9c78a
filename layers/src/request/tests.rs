use futures_util::FutureExt;
use http_body_util::BodyExt;
use proptest::prelude::*;

use super::*;

fn read(text: &'static str) -> Result<ModelRequest, InvalidRequest> {
    ModelRequest::read(&Buffered::from(text))
}

#[test]
fn errors_say_what_is_wrong() {
    let cases = [
        ("", "the body is empty", None),
        ("  ", "not valid JSON: EOF", None),
        ("{", "not valid JSON: EOF", None),
        ("{}x", "not valid JSON: trailing", None),
        (r#"{"a":nul}"#, "not valid JSON: expected", None),
        ("[]", "invalid type: sequence, expected a JSON object", None),
        ("\"a\"", "expected a JSON object", None),
        (r#"{"model":1}"#, "`model` must be a string", Some("model")),
        (r#"{"model":""}"#, "`model` must not be empty", Some("model")),
        (r#"{"model":"a\nb"}"#, "control characters", Some("model")),
        (r#"{"model":"a\u001bb"}"#, "control characters", Some("model")),
        (r#"{"model":{"a":1}}"#, "`model` must be a string", Some("model")),
        (r#"{"model":"a","model":"b"}"#, "twice", None),
        (r#"{"Model":"a"}"#, "in capitals", None),
        (r#"{"model":"a","\u004dODEL":"b"}"#, "in capitals", None),
        (r#"{"stream":"yes"}"#, "`stream` must be a boolean", Some("stream")),
        (r#"{"stream_options":{},"stream_options":{}}"#, "twice", None),
    ];
    for (text, says, param) in cases {
        let error = read(text).unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert_eq!(error.param, param, "{text}");
    }
}

#[test]
fn a_name_has_an_end() {
    let of = |length| format!(r#"{{"model":"{}"}}"#, "x".repeat(length));
    assert!(ModelRequest::read(&of(256).into()).is_ok());
    let error = ModelRequest::read(&of(257).into()).unwrap_err();
    assert_eq!(error.to_string(), "`model` is longer than 256 bytes");
}

#[test]
fn absent_and_null_are_no_model() {
    for text in ["{}", r#"{"model":null}"#, r#"{"a":{"model":"x"}}"#] {
        assert_eq!(read(text).unwrap().model, None, "{text}");
    }
}

#[test]
fn other_models_are_noticed() {
    for (text, names_others) in [
        (r#"{"model":"a","models":["b"]}"#, true),
        (r#"{"Models":null,"model":"a"}"#, true),
        (r#"{"model":"models","x":{"models":[]}}"#, false),
    ] {
        assert_eq!(read(text).unwrap().names_others, names_others, "{text}");
    }
}

#[test]
fn stream_is_read() {
    assert!(read(r#"{"stream": true}"#).unwrap().stream);
    assert!(!read(r#"{"stream":null}"#).unwrap().stream);
    assert!(!read("{}").unwrap().stream);
}

#[test]
fn who_asked_for_a_stream_is_told_or_says_so_in_accept() {
    let of = |accept: &str, told: Option<bool>| {
        let mut request = Request::builder().header("accept", accept).body(()).unwrap();
        if let Some(told) = told {
            request.extensions_mut().insert(Streamed(told));
        }
        Streamed::of(&request).0
    };
    assert!(of("text/event-stream", None));
    assert!(of("application/json, Text/Event-Stream ;q=0.9", None));
    assert!(!of("*/*", None));
    assert!(!of("text/event-streams", None));
    assert!(of("*/*", Some(true)));
    assert!(!of("text/event-stream", Some(false)));
    assert!(!Streamed::of(&Request::new(())).0);
}

#[test]
fn a_model_is_put_where_it_belongs() {
    let cases = [
        ("{}", r#"{"model":"m"}"#),
        (" { } ", r#" {"model":"m" } "#),
        (r#"{"a":1}"#, r#"{"model":"m","a":1}"#),
        (r#"{"model" : null ,"a":1}"#, r#"{"model" : "m" ,"a":1}"#),
        (r#"{"a":[{"model":"x"}],"model":"b\u0061"}"#, r#"{"a":[{"model":"x"}],"model":"m"}"#),
        (r#"{"mod\u0065l":"b"}"#, r#"{"mod\u0065l":"m"}"#),
    ];
    for (before, after) in cases {
        let body = Buffered::from(before);
        let request = ModelRequest::read(&body).unwrap();
        assert_eq!(request.with_model(&body, "m").to_bytes(), after);
    }
}

#[test]
fn the_same_name_changes_nothing_and_names_are_escaped() {
    let body = Buffered::from(r#"{"model":"\u0061"}"#);
    let request = ModelRequest::read(&body).unwrap();
    assert_eq!(request.with_model(&body, "a").to_bytes(), r#"{"model":"\u0061"}"#);
    assert_eq!(request.with_model(&body, "a\"b").to_bytes(), r#"{"model":"a\"b"}"#);
}

#[test]
fn it_reads_a_body_of_several_segments() {
    let body = Buffered::from_segments([r#"{"mod"#.into(), r#"el":"a"}"#.into()]);
    let request = ModelRequest::read(&body).unwrap();
    assert_eq!(request.with_model(&body, "b").to_bytes(), r#"{"model":"b"}"#);
}

#[test]
fn a_body_and_its_clones_are_read_once_and_an_edited_one_anew() {
    let body = Buffered::from(r#"{"model":"a","max_tokens":7}"#);
    let mut clone = body.clone();
    let request = ModelRequest::of(&body).unwrap();
    assert_eq!(request, ModelRequest::read(&body).unwrap());
    assert!(std::ptr::eq(body.asked().unwrap(), clone.asked().unwrap()));
    let edited = request.with_model(&body, "b");
    assert_eq!(ModelRequest::of(&edited).unwrap().model.as_deref(), Some("b"));
    // Of one that is being sent only the rest counts.
    drop(clone.frame().now_or_never());
    assert!(clone.asked().is_none() && ModelRequest::of(&clone).is_err());
    assert!(ModelRequest::of(&Buffered::from("[]")).is_err());
}

#[test]
fn usage_is_asked_for_where_it_belongs() {
    let added = r#""stream_options":{"include_usage":true}"#;
    let cases = [
        (r#"{"model":"a","stream":true}"#, format!(r#"{{{added},"model":"m","stream":true}}"#)),
        (r#"{"stream":true}"#, format!(r#"{{"model":"m",{added},"stream":true}}"#)),
        (
            r#"{"stream_options":null,"stream":true,"model":"a"}"#,
            format!(r#"{{{added},"stream":true,"model":"m"}}"#),
        ),
        (r#"{"model":"m","stream":true,"stream_options":{ } }"#, {
            format!(r#"{{"model":"m","stream":true,{} }} }}"#, added.trim_end_matches('}'))
        }),
        (
            r#"{"stream":true,"model":"a","stream_options":{"x":{"include_usage":1},"include_usage" : false}}"#,
            r#"{"stream":true,"model":"m","stream_options":{"x":{"include_usage":1},"include_usage" : true}}"#
                .to_owned(),
        ),
        (
            r#"{"stream_options":{"include_usage":null},"model":"a","stream":true}"#,
            format!(r#"{{{added},"model":"m","stream":true}}"#),
        ),
        (
            r#"{"stream_options":{"include_obfuscation":false},"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true,"include_obfuscation":false},"model":"m","stream":true}"#
                .to_owned(),
        ),
    ];
    for (before, after) in cases {
        let body = Buffered::from(before);
        let request = ModelRequest::read(&body).unwrap();
        assert!(request.lacks_usage(), "{before}");
        assert_eq!(request.with_usage(&body, "m").to_bytes(), after, "{before}");
    }
}

#[test]
fn usage_that_was_asked_for_or_cannot_be_stays() {
    for options in [r#"{"include_usage":true}"#, r#"{"include_usage":"x"}"#, "[]", "3"] {
        let body =
            Buffered::from(format!(r#"{{"model":"m","stream":true,"stream_options":{options}}}"#));
        let request = ModelRequest::read(&body).unwrap();
        assert!(!request.lacks_usage(), "{options}");
        assert_eq!(request.with_usage(&body, "m").to_bytes(), body.to_bytes());
    }
    let plain = Buffered::from(r#"{"model":"a"}"#);
    let request = ModelRequest::read(&plain).unwrap();
    assert!(!request.lacks_usage());
    assert_eq!(request.with_usage(&plain, "m").to_bytes(), r#"{"model":"m"}"#);
}

proptest! {
    #[test]
    fn any_bytes_are_answered_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = ModelRequest::read(&Buffered::from(bytes));
    }

    #[test]
    fn everything_but_the_model_is_preserved(
        before in "[a-z]{1,4}", text in ".{0,8}", model in "[^\\pC]{1,8}", new in ".{1,8}",
    ) {
        prop_assume!(before != "model" && before != "stream");
        let quote = |s: &str| serde_json::to_string(s).unwrap();
        let body = |model: &str| format!(
            "{{ {}:{} , \"model\" :\t{},\"z\":[1.0,2e3] }}",
            quote(&before), quote(&text), quote(model)
        );
        let buffered = Buffered::from(body(&model));
        let request = ModelRequest::read(&buffered).unwrap();
        prop_assert_eq!(request.model.as_deref(), Some(model.as_str()));
        prop_assert_eq!(request.with_model(&buffered, &new).to_bytes(), body(&new));
    }
}
