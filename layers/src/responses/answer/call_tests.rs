use serde_json::{Value, json};

use super::script::{Stream, chunk, context_with, deltas, message, stream_of};
use crate::responses::ToolKind;

fn function(name: &str, arguments: &str, call_id: &str) -> Value {
    json!({"type": "function_call", "status": "completed", "call_id": call_id, "name": name,
        "arguments": arguments})
}

fn custom(name: &str, input: &str) -> Value {
    json!({"type": "custom_tool_call", "status": "completed", "call_id": "c1", "name": name,
        "input": input})
}

/// A piece of a call; null is left out.
fn piece(index: Value, id: Value, name: Value, arguments: Value) -> Value {
    let function = object([("name", name), ("arguments", arguments)]);
    object([("index", index), ("id", id), ("type", json!("function")), ("function", function)])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn calls(pieces: &[Value]) -> Value {
    json!({"tool_calls": pieces})
}

/// Each piece in a chunk of its own.
fn one_by_one(pieces: &[Value]) -> Stream {
    let pieces: Vec<_> = pieces.iter().map(|piece| calls(std::slice::from_ref(piece))).collect();
    deltas(&pieces, "tool_calls")
}

const NONE: Value = Value::Null;

#[test]
fn interleaved_calls_keep_their_places() {
    let stream = one_by_one(&[
        piece(json!(0), json!("c1"), json!("shell"), json!("")),
        piece(json!(1), json!("c2"), json!("get_weather"), json!("")),
        piece(json!(0), NONE, NONE, json!("{\"a\"")),
        piece(json!(1), NONE, NONE, json!("{\"b\"")),
        piece(json!(0), NONE, NONE, json!(":1}")),
        piece(json!(1), NONE, NONE, json!(":2}")),
    ]);
    let expected =
        json!([function("shell", "{\"a\":1}", "c1"), function("get_weather", "{\"b\":2}", "c2")]);
    assert_eq!(stream.output(), expected);
    let places: Vec<_> = stream.events[4..8].iter().map(|event| &event["output_index"]).collect();
    assert_eq!(places, [0, 1, 0, 1]);
}

#[test]
fn a_call_begins_when_its_arguments_do() {
    // `f` may be the beginning of another name until then.
    let tools = [("f", ToolKind::Function, "f", None), ("ff", ToolKind::Function, "ff", None)];
    let pieces = [
        piece(json!(0), json!("c1"), json!("f"), json!("")),
        piece(json!(0), NONE, NONE, json!("")),
        piece(json!(0), NONE, NONE, json!("{\"a\"")),
        piece(json!(0), NONE, NONE, json!(":1}")),
    ];
    let chunks: Vec<_> = pieces
        .iter()
        .map(|piece| chunk(&calls(std::slice::from_ref(piece)), &NONE))
        .chain([chunk(&json!({}), &json!("tool_calls"))])
        .collect();
    let stream = stream_of(context_with(&tools), &chunks);
    assert_eq!(stream.deltas("response.function_call_arguments.delta"), ["{\"a\"", ":1}"]);
}

#[test]
fn a_name_in_every_piece_takes_little_time() {
    let name = |arguments: &str| piece(json!(0), json!("c1"), json!("shell"), json!(arguments));
    let mut pieces = vec![name("{\"a\":\"")];
    pieces.extend((0..20_000).map(|_| name("some words ")));
    pieces.push(name("\"}"));
    let started = tokio::time::Instant::now();
    let stream = one_by_one(&pieces);
    let expected = format!("{{\"a\":\"{}\"}}", "some words ".repeat(20_000));
    assert_eq!(stream.output()[0]["arguments"], expected);
    // Read again with every piece, the arguments take many times as long.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn two_calls_in_every_way_to_tell_them() {
    let expected =
        json!([function("shell", "{\"a\":1}", "c1"), function("shell", "{\"a\":1}", "c2")]);
    let whole =
        |index: Value, id: &str| piece(index, json!(id), json!("shell"), json!("{\"a\":1}"));
    for index in [NONE, json!(0)] {
        let both = [whole(index.clone(), "c1"), whole(index.clone(), "c2")];
        assert_eq!(one_by_one(&both).output(), expected, "index {index}");
        assert_eq!(deltas(&[calls(&both)], "stop").output(), expected, "index {index}, together");
    }
    // Without ids, too: made up ones differ.
    let both = [whole(NONE, ""), whole(NONE, "")];
    for stream in [one_by_one(&both), deltas(&[calls(&both)], "stop")] {
        let output = &stream.response()["output"];
        assert_eq!(output.as_array().unwrap().len(), 2);
        assert_ne!(output[0]["call_id"], output[1]["call_id"]);
    }
    // An id that is given twice is of no use to the client.
    let twice = one_by_one(&[whole(json!(0), "c1"), whole(json!(1), "c1")]);
    let output = &twice.response()["output"];
    assert_eq!(output[0]["call_id"], "c1");
    assert_ne!(output[1]["call_id"], "c1");
}

#[test]
fn one_call_in_every_way_to_tell_it() {
    let expected = json!([function("get_weather", "{\"a\":1}", "c1")]);
    let name = || json!("get_weather");
    for (pieces, why) in [
        (
            vec![
                piece(json!(0), json!("c1"), name(), json!("{\"a\"")),
                piece(json!(0), json!("c1"), name(), json!(":1}")),
                piece(json!(0), json!("c1"), name(), json!("")),
            ],
            "everything repeated",
        ),
        (
            vec![
                piece(json!(0), json!("c1"), name(), json!("{\"a\"")),
                piece(json!(0), json!("c9"), NONE, json!(":1}")),
            ],
            "an id that changes",
        ),
        (
            vec![
                piece(NONE, json!("c1"), name(), json!("{\"a\"")),
                piece(NONE, NONE, NONE, json!(":1}")),
            ],
            "no index",
        ),
        (
            vec![
                piece(NONE, json!("c1"), name(), json!("{\"a\"")),
                piece(NONE, json!(""), name(), json!(":1}")),
            ],
            "no index and the name repeated",
        ),
        (
            vec![
                piece(json!(0), json!("c1"), json!("get_"), json!("")),
                piece(json!(0), NONE, json!("weather"), NONE),
                piece(json!(0), NONE, json!(""), json!("{\"a\":1}")),
            ],
            "a name in pieces",
        ),
        (
            vec![
                piece(json!(0), NONE, NONE, json!("{\"a\"")),
                piece(json!("0"), json!("c1"), name(), json!(":1}")),
            ],
            "a late name",
        ),
        (vec![piece(json!(0.0), json!("c1"), name(), json!({"a": 1}))], "arguments as an object"),
    ] {
        assert_eq!(one_by_one(&pieces).output(), expected, "{why}");
    }
}

const WHOLE: &str = r#"{"q": "x"}"#;

/// The whole call once more, encoded as a JSON string.
fn encoded() -> String {
    json!(WHOLE).to_string()
}

#[test]
fn a_call_that_is_summed_up_is_one_call() {
    let name = || json!("lookup");
    let begin = |id: Value| piece(json!(0), id, name(), json!("{\"q\""));
    let rest = |index: Value, id: Value| piece(index, id, NONE, json!(": \"x\"}"));
    let id = || json!("call_1");
    let same = || piece(json!(0), id(), name(), json!(WHOLE));
    let plain = || vec![begin(id()), rest(json!(0), id())];
    let twice = format!(" {WHOLE}\n");
    for (pieces, why) in [
        ([plain(), vec![same()]].concat(), "everything"),
        ([plain(), vec![same(), same()]].concat(), "twice"),
        ([plain(), vec![piece(json!(0), id(), name(), json!(encoded()))]].concat(), "encoded"),
        ([plain(), vec![piece(json!(0), id(), NONE, json!(encoded()))]].concat(), "id, encoded"),
        ([plain(), vec![piece(json!(0), id(), name(), json!(twice))]].concat(), "with blanks"),
        ([plain(), vec![piece(json!(0), id(), name(), json!({"q": "x"}))]].concat(), "an object"),
        ([plain(), vec![piece(json!(0), id(), NONE, json!(WHOLE))]].concat(), "no name"),
        ([plain(), vec![piece(NONE, id(), name(), json!(WHOLE))]].concat(), "no index"),
        ([plain(), vec![piece(json!(0), NONE, name(), json!(WHOLE))]].concat(), "no id"),
        ([plain(), vec![piece(json!(0), NONE, NONE, json!(WHOLE))]].concat(), "no id, no name"),
        (
            [plain(), vec![piece(json!(0), NONE, name(), json!(encoded()))]].concat(),
            "no id, encoded",
        ),
        ([plain(), vec![piece(NONE, NONE, name(), json!(WHOLE))]].concat(), "only the name"),
        (
            [plain(), vec![piece(json!(0), json!("other"), NONE, json!(WHOLE))]].concat(),
            "another id",
        ),
        (
            vec![begin(id()), piece(json!(0), id(), name(), json!(": \"x\"}")), same()],
            "a name in every piece",
        ),
        (
            vec![
                piece(NONE, id(), name(), json!("{\"q\"")),
                rest(NONE, id()),
                piece(NONE, id(), name(), json!(WHOLE)),
            ],
            "no index anywhere",
        ),
        (
            vec![piece(NONE, id(), name(), json!("{\"q\"")), rest(NONE, NONE), same()],
            "an index at last",
        ),
        (vec![same(), same()], "whole from the beginning"),
        (vec![begin(id()), same()], "before it was whole"),
        (vec![piece(json!(0), id(), name(), json!("")), same(), same()], "behind an empty piece"),
    ] {
        let stream = one_by_one(&pieces);
        assert_eq!(stream.output(), json!([function("lookup", WHOLE, "call_1")]), "{why}");
        assert_eq!(
            stream.deltas("response.function_call_arguments.delta").concat(),
            WHOLE,
            "{why}"
        );
    }
}

#[test]
fn a_summary_is_known_behind_pieces_that_are_alike() {
    let args = |text: &str| piece(json!(0), NONE, NONE, json!(text));
    let begin = piece(json!(0), json!("c1"), json!("lookup"), json!(""));
    let pieces = ["{\"q\": {\"a\"", ": \"{", "}\"}", "}", "{\"q\": {\"a\": \"{}\"}}"];
    let pieces: Vec<_> = [begin].into_iter().chain(pieces.map(args)).collect();
    let expected = json!([function("lookup", "{\"q\": {\"a\": \"{}\"}}", "c1")]);
    assert_eq!(one_by_one(&pieces).output(), expected);
}

#[test]
fn summaries_of_several_calls() {
    let whole = |n: u64, index: Value| {
        piece(index, json!(format!("c{n}")), json!("shell"), json!(format!("{{\"a\":{n}}}")))
    };
    let expected =
        json!([function("shell", "{\"a\":1}", "c1"), function("shell", "{\"a\":2}", "c2")]);
    for indices in [[json!(0), json!(1)], [json!(0), json!(0)], [NONE, NONE]] {
        let [first, second] = indices;
        let both = [whole(1, first), whole(2, second)];
        let deltas = [calls(&both[..1]), calls(&both[1..]), calls(&both)];
        assert_eq!(super::script::deltas(&deltas, "stop").output(), expected, "{both:?}");
        let deltas = [calls(&both), calls(&both[..1]), calls(&both[1..])];
        assert_eq!(super::script::deltas(&deltas, "stop").output(), expected, "{both:?}");
    }
}

#[test]
fn a_summary_of_a_custom_tool() {
    let arguments = r#"{"input": "*** Begin"}"#;
    let (begin, rest) = arguments.split_at(14);
    for last in [arguments.to_owned(), json!(arguments).to_string()] {
        let stream = one_by_one(&[
            piece(json!(0), json!("c1"), json!("apply_patch"), json!(begin)),
            piece(json!(0), json!("c1"), NONE, json!(rest)),
            piece(json!(0), json!("c1"), json!("apply_patch"), json!(last)),
        ]);
        assert_eq!(stream.output(), json!([custom("apply_patch", "*** Begin")]));
    }
}

#[test]
fn an_empty_object_may_stand_in_the_place_of_what_comes() {
    let begin = |arguments: &str| piece(json!(0), json!("c1"), json!("shell"), json!(arguments));
    let args = |arguments: &str| piece(json!(0), NONE, NONE, json!(arguments));
    for (pieces, expected) in [
        (vec![begin("{}"), args("{\"a\""), args(":1}")], "{\"a\":1}"),
        (vec![begin("{}"), begin("{\"a\":1}")], "{\"a\":1}"),
        (vec![begin("{}"), args("")], "{}"),
        (vec![begin("{}"), begin("{}")], "{}"),
        (vec![begin("{}"), begin("\"{}\"")], "{}"),
        (vec![begin("{"), args("}"), args("{}")], "{}"),
    ] {
        let stream = one_by_one(&pieces);
        assert_eq!(stream.output(), json!([function("shell", expected, "c1")]), "{pieces:?}");
    }
    let input = [
        piece(json!(0), json!("c1"), json!("apply_patch"), json!("{}")),
        args("{\"input\":\"a\"}"),
    ];
    assert_eq!(one_by_one(&input).output(), json!([custom("apply_patch", "a")]));
}

#[test]
fn a_message_behind_the_pieces_only_repeats_them() {
    for name in ["shell", "local_shell", "apply_patch"] {
        let arguments = r#"{"command":["ls"],"input":"a"}"#;
        let call = piece(json!(0), json!("c1"), json!(name), json!(arguments));
        let last = json!({"choices": [{"index": 0, "message": calls(std::slice::from_ref(&call)),
            "finish_reason": "tool_calls"}]});
        let stream = super::script::stream(&[chunk(&calls(&[call]), &NONE), last.to_string()]);
        assert_eq!(stream.output().as_array().unwrap().len(), 1, "{name}");
    }
}

#[test]
fn distinct_calls_stay_distinct() {
    let whole = |id: &str, name: &str, arguments: &str| {
        piece(json!(0), json!(id), json!(name), json!(arguments))
    };
    for (pieces, count, why) in [
        (vec![whole("c1", "f", "{\"a\":1}"), whole("c2", "f", "{\"a\":1}")], 2, "two ids"),
        (vec![whole("c1", "f", "{\"a\":1}"), whole("c1", "g", "{\"a\":1}")], 2, "two names"),
        (vec![whole("", "f", "{\"a\":1}"), whole("", "f", "{\"a\":2}")], 2, "no ids"),
        (vec![whole("c1", "f", "{\"a\":1}"), whole("", "f", "{\"a\":2}")], 2, "one id"),
        (
            vec![
                whole("c1", "f", "{}"),
                whole("c2", "f", "{}"),
                whole("c3", "g", "{}"),
                whole("c2", "f", "{}"),
            ],
            3,
            "one of them again",
        ),
    ] {
        let output = one_by_one(&pieces).output();
        assert_eq!(output.as_array().unwrap().len(), count, "{why}: {output}");
    }
    // Interleaved, by nothing but their ids.
    let args = |id: &str, text: &str| piece(json!(0), json!(id), NONE, json!(text));
    let stream = one_by_one(&[
        whole("c1", "shell", ""),
        whole("c2", "shell", ""),
        args("c1", "{\"a\""),
        args("c2", "{\"b\""),
        args("c1", ":1}"),
        args("c2", ":2}"),
    ]);
    let expected =
        json!([function("shell", "{\"a\":1}", "c1"), function("shell", "{\"b\":2}", "c2")]);
    assert_eq!(stream.output(), expected);
}

#[test]
fn what_only_looks_like_a_summary_is_passed_on() {
    for pieces in [
        // Text of a string, nested objects, white space.
        vec!["{\"a\":\"", "{}", "{}", "\"}"],
        vec!["{\"a\":", "{\"a\":1}", "}"],
        vec!["{\"a\":[{}", ",", "{}", "]}"],
        vec!["{}", "\n"],
    ] {
        let begin = piece(json!(0), json!("c1"), json!("shell"), json!(""));
        let args = pieces.iter().map(|text| piece(json!(0), NONE, NONE, json!(text)));
        let all: Vec<_> = [begin].into_iter().chain(args).collect();
        let expected = json!([function("shell", &pieces.concat(), "c1")]);
        assert_eq!(one_by_one(&all).output(), expected);
    }
}

#[test]
fn endless_summaries_take_little_time() {
    let arguments = format!("{{\"a\":\"{}\"}}", "some words ".repeat(2_000));
    let whole = piece(json!(0), json!("c1"), json!("shell"), json!(arguments));
    let started = tokio::time::Instant::now();
    let stream = one_by_one(&vec![whole; 200]);
    assert_eq!(stream.output(), json!([function("shell", &arguments, "c1")]));
    let brackets = |text: &str| piece(json!(0), NONE, json!("shell"), json!(text));
    let mut pieces = vec![brackets("{\"a\":\"")];
    pieces.extend((0..2_000).flat_map(|_| [brackets("}"), brackets("{")]));
    pieces.push(brackets("\"}"));
    let expected = format!("{{\"a\":\"{}\"}}", "}{".repeat(2_000));
    assert_eq!(one_by_one(&pieces).output()[0]["arguments"], expected);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn characters_cut_in_halves_are_joined_in_arguments() {
    let piece = |id: &str, name: &str, arguments: &str| {
        format!(
            r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":0,"id":"{id}","function":{{"name":"{name}","arguments":"{arguments}"}}}}]}}}}]}}"#
        )
    };
    let end = chunk(&json!({}), &json!("tool_calls"));
    for (name, field, begin, end_of_text, expected) in [
        ("shell", "arguments", r#"{\"a\":\""#, r#"\"}"#, r#"{"a":"go 🚀!�"}"#),
        ("apply_patch", "input", r#"{\"input\":\""#, r#"\"}"#, "go 🚀!�"),
    ] {
        let chunks = [
            piece("c1", name, begin),
            piece("", "", r"go \ud83d"),
            piece("", "", r"\ude80!"),
            piece("", "", r"\ud83d"),
            piece("", "", end_of_text),
            end.clone(),
        ];
        let stream = super::script::stream(&chunks);
        assert_eq!(stream.output()[0][field], expected);
        let cut = super::script::stream(&[chunks[0].clone(), chunks[1].clone(), end.clone()]);
        let text = cut.output()[0][field].as_str().unwrap().to_owned();
        assert!(text.ends_with("go \u{fffd}") && text.matches('\u{fffd}').count() == 1, "{text}");
    }
}

#[test]
fn the_older_function_call() {
    let piece = |function: Value| json!({"function_call": function});
    let all = [
        piece(json!({"name": "shell", "arguments": ""})),
        piece(json!({"arguments": "{\"a\""})),
        piece(json!({"name": "shell", "arguments": ":1}"})),
    ];
    let expected = json!([function("shell", "{\"a\":1}", "made up")]);
    assert_eq!(deltas(&all, "function_call").output(), expected);
    let last = piece(json!({"name": "shell", "arguments": "{\"a\":1}"}));
    let summed_up: Vec<_> = all.into_iter().chain([last]).collect();
    assert_eq!(deltas(&summed_up, "function_call").output(), expected);
}

#[test]
fn empty_arguments_are_an_object() {
    for arguments in [NONE, json!(""), json!({})] {
        let stream = one_by_one(&[piece(json!(0), json!("c1"), json!("other"), arguments)]);
        assert_eq!(stream.output(), json!([function("other", "{}", "c1")]));
        assert_eq!(stream.deltas("response.function_call_arguments.delta"), ["{}"]);
    }
}

#[test]
fn a_call_is_a_call_whatever_the_finish_reason() {
    let call = piece(json!(0), json!("c1"), json!("shell"), json!("{}"));
    let stream = deltas(&[calls(&[call])], "stop");
    assert_eq!(stream.output(), json!([function("shell", "{}", "c1")]));
    assert_eq!(stream.response()["status"], "completed");
}

#[test]
fn arguments_cut_by_the_cap() {
    let pieces = [
        piece(json!(0), json!("c1"), json!("shell"), json!("{}")),
        piece(json!(1), json!("c2"), json!("shell"), json!("{\"a")),
        piece(json!(2), json!("c3"), NONE, NONE),
    ];
    let stream = deltas(&[calls(&pieces)], "length");
    let mut cut = function("shell", "{\"a", "c2");
    cut["status"] = json!("incomplete");
    assert_eq!(stream.output(), json!([function("shell", "{}", "c1"), cut]));
    assert_eq!(stream.response()["incomplete_details"]["reason"], "max_output_tokens");
}

#[test]
fn a_call_that_never_gets_a_name_fails() {
    let stream = one_by_one(&[piece(json!(0), json!("c1"), NONE, json!("{}"))]);
    assert_eq!(stream.response()["error"]["message"], "a tool call without a name");
    assert_eq!(stream.output(), json!([]));
}

#[test]
fn custom_tools_are_unwrapped_as_they_come() {
    let stream = one_by_one(&[
        piece(json!(0), json!("c1"), json!("apply_patch"), json!("")),
        piece(json!(0), NONE, NONE, json!("{\"in")),
        piece(json!(0), NONE, NONE, json!("put\": \"*** Begin\\")),
        piece(json!(0), NONE, NONE, json!("n+\\ud83d")),
        piece(json!(0), NONE, NONE, json!("\\ude00\"}")),
    ]);
    assert_eq!(stream.output(), json!([custom("apply_patch", "*** Begin\n+😀")]));
    let deltas = stream.deltas("response.custom_tool_call_input.delta");
    assert_eq!(deltas, ["*** Begin", "\n+", "😀"]);
}

#[test]
fn custom_tools_in_every_wrapping() {
    for (arguments, input) in [
        (r#"{"input":"a\nb"}"#, "a\nb"),
        (r#"{"why":["{"],"input":"a"}"#, "a"),
        ("*** Begin Patch", "*** Begin Patch"),
        (r#"{"patch":"a"}"#, r#"{"patch":"a"}"#),
        (r#""a""#, "a"),
        ("", ""),
        ("{}", ""),
    ] {
        let call = piece(json!(0), json!("c1"), json!("apply_patch"), json!(arguments));
        let expected = json!([custom("apply_patch", input)]);
        assert_eq!(one_by_one(&[call]).output(), expected, "{arguments}");
    }
}

#[test]
fn names_go_back_with_their_namespace() {
    let pieces = [
        piece(json!(0), json!("c1"), json!("mail__send"), json!("{}")),
        piece(json!(1), json!("c2"), json!("mail__draft"), json!("{\"input\":\"x\"}")),
        piece(json!(2), json!("c3"), json!("mail__unknown"), json!("{}")),
    ];
    let stream = deltas(&[calls(&pieces)], "tool_calls");
    let output = stream.output();
    assert_eq!((&output[0]["name"], &output[0]["namespace"]), (&json!("send"), &json!("mail")));
    assert_eq!((&output[1]["name"], &output[1]["namespace"]), (&json!("draft"), &json!("mail")));
    assert_eq!((&output[2]["name"], output[2].get("namespace")), (&json!("mail__unknown"), None));
}

#[test]
fn shell_and_search_go_back_as_their_own_kind() {
    let pieces = [
        piece(json!(0), json!("c1"), json!("local_shell"), json!(r#"{"command":["ls"]}"#)),
        piece(json!(1), json!("c2"), json!("tool_search"), json!(r#"{"query":"mail"}"#)),
        piece(json!(2), json!("c3"), json!("local_shell"), json!("broken")),
    ];
    let action = json!({"type": "exec", "command": ["ls"], "env": {}, "timeout_ms": null,
        "user": null, "working_directory": null});
    let expected = json!([
        {"type": "local_shell_call", "status": "completed", "call_id": "c1", "action": action},
        {"type": "tool_search_call", "status": "completed", "call_id": "c2", "execution": "client",
            "arguments": {"query": "mail"}},
        function("local_shell", "broken", "c3"),
    ]);
    assert_eq!(deltas(&[calls(&pieces)], "tool_calls").output(), expected);
    let whole = message(&calls(&pieces), "tool_calls");
    assert_eq!(super::script::without_ids(whole["output"].clone()), expected);
}

#[test]
fn a_line_break_before_a_call_is_no_message() {
    let call = calls(&[piece(json!(0), json!("c1"), json!("shell"), json!("{}"))]);
    let stream = deltas(&[json!({"content": "\n"}), json!({"content": "\n"}), call], "tool_calls");
    assert_eq!(stream.output(), json!([function("shell", "{}", "c1")]));
}

#[test]
fn what_might_have_been_a_tag_comes_before_the_call() {
    let call = calls(&[piece(json!(0), json!("c1"), json!("shell"), json!("{}"))]);
    let stream = deltas(&[json!({"content": "<thi"}), call], "tool_calls");
    assert_eq!(stream.output()[0]["content"][0]["text"], "<thi");
    assert_eq!(stream.output()[1], function("shell", "{}", "c1"));
}

#[test]
fn text_behind_a_call_is_another_message() {
    let call = calls(&[piece(json!(0), json!("c1"), json!("shell"), json!("{"))]);
    let more = calls(&[piece(json!(0), NONE, NONE, json!("}"))]);
    let text = |text: &str| json!({"content": text});
    let stream = deltas(&[text("a"), call, text("b"), more], "tool_calls");
    let types: Vec<_> =
        stream.output().as_array().unwrap().iter().map(|item| item["type"].clone()).collect();
    assert_eq!(types, ["message", "function_call", "message"]);
    assert_eq!(stream.output()[1], function("shell", "{}", "c1"));
}
