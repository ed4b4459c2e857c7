//! The reader: what it takes, what it refuses, and what it keeps.

use std::collections::BTreeMap;

use bytes::Bytes;
use farside_wire::{
    Any, DecodeError, Extra, Fault, ManagedObjectReference, MethodFault, Object, RawJson, Read, ReadError,
    Reader, Structure, decode, decode_str,
};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::value::RawValue;

/// A structure with members of each kind.
#[derive(Clone, Debug, PartialEq, Structure)]
#[wire(name = "Sample", bases = ["Any"])]
struct Sample {
    name: String,
    count: Option<i32>,
    flags: Vec<bool>,
    value: Option<Any>,
    next: Option<Box<Sample>>,
    extra: Extra,
}

fn reason(error: &DecodeError) -> String {
    error.reason().to_string()
}

fn error_of<T: Read + std::fmt::Debug>(text: &str) -> String {
    reason(&decode_str::<T>(text).expect_err("the text should be refused"))
}

fn lies_in(part: &str, whole: &Bytes) -> bool {
    whole.as_ptr_range().contains(&part.as_ptr())
}

#[test]
fn kept_json_is_a_slice_of_the_document() {
    let document = Bytes::from_static(
        br#"{"_typeName":"Later","name":"n","value":{"_typeName":"X","a":[{"_typeName":"Y","b":"c"}]},"unknown":[1, 2]}"#,
    );
    let sample: Sample = decode(document.clone()).unwrap();
    let value = sample.value.as_ref().unwrap();
    let object: Object<MethodFault> = value.as_object().unwrap();
    let inner = object.raw_json().member("a").unwrap();
    let elements: Vec<Any> = inner.decode().unwrap();
    for kept in [
        value.raw(),
        object.raw(),
        object.type_name(),
        inner.get(),
        elements[0].raw(),
    ] {
        assert!(lies_in(kept, &document), "{kept}");
    }
    assert!(lies_in(sample.extra.get("unknown").unwrap().get(), &document));

    let fault: Fault = decode(document.clone()).unwrap();
    let base = fault.object().base().unwrap();
    assert!(lies_in(base.extra.get("unknown").unwrap().get(), &document));
}

#[test]
fn detached_text_has_memory_of_its_own() {
    let document = Bytes::from_static(br#"{"_typeName":"X","a":[1]}"#);
    let any: Any = decode(document.clone()).unwrap();
    let raw: RawJson = decode(document.clone()).unwrap();
    let object: Object<MethodFault> = decode(document.clone()).unwrap();
    for (kept, detached) in [
        (any.raw(), any.detached().raw().to_owned()),
        (raw.get(), raw.detached().get().to_owned()),
    ] {
        assert_eq!(kept, detached);
    }
    assert!(!lies_in(any.detached().raw(), &document));
    assert!(!lies_in(raw.detached().get(), &document));
    let detached = object.detached();
    assert!(!lies_in(detached.raw(), &document) && !lies_in(detached.type_name(), &document));
    assert_eq!(detached, object);
}

#[test]
fn last_of_two_members_of_one_name_counts() {
    let sample: Sample =
        decode_str(r#"{"name":"a","count":1,"name":"b","count":null,"flags":[true],"flags":[false]}"#)
            .unwrap();
    assert_eq!(
        (sample.name.as_str(), sample.count, &*sample.flags),
        ("b", None, &[false][..])
    );
    // Of unknown members both are kept, and the first is found.
    let sample: Sample = decode_str(r#"{"name":"a","x":1,"x":2}"#).unwrap();
    let all: Vec<_> = sample
        .extra
        .iter()
        .map(|(name, value)| (name, value.get()))
        .collect();
    assert_eq!(all, [("x", "1"), ("x", "2")]);
    assert_eq!(sample.extra.get("x").unwrap().get(), "1");
}

#[test]
fn discriminator_is_found_anywhere() {
    let last: Sample = decode_str(r#"{"count":1,"name":"a","_typeName":"Sample"}"#).unwrap();
    let first: Sample = decode_str(r#"{"_typeName":"Sample","name":"a","count":1}"#).unwrap();
    let spaced: Sample =
        decode_str(" { \"_typeName\" :\t\"Sample\" ,\n\"count\" : 1 , \"name\" :\r\"a\" } ").unwrap();
    assert_eq!((&first, &first), (&last, &spaced));
    let subtype: Sample = decode_str(r#"{"name":"a","_typeName":"SampleToo"}"#).unwrap();
    assert_eq!(subtype.extra.type_name(), Some("SampleToo"));
    let prefix: Sample = decode_str(r#"{"_typeName":"Sampl","name":"a"}"#).unwrap();
    assert_eq!(prefix.extra.type_name(), Some("Sampl"));
    let error = error_of::<Sample>(r#"{"_typeName":7,"name":"a"}"#);
    assert!(
        error.starts_with("Sample._typeName: expected a string, found a number"),
        "{error}"
    );
}

#[test]
fn escapes_are_read_in_names_and_texts() {
    let sample: Sample = decode_str(
        r#"{"_type\u004eame":"S\u0061mple","n\u0061me":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00\u0000","\u0078":"\u0079"}"#,
    )
    .unwrap();
    assert_eq!(sample.name, "\"\\/\u{8}\u{c}\n\r\té😀\0");
    assert_eq!(sample.extra.type_name(), None);
    assert_eq!(sample.extra.get("x").unwrap().decode::<String>().unwrap(), "y");
    let object: Object<MethodFault> = decode_str(r#"{"_typeN\u0061me":"N\u006ft"}"#).unwrap();
    assert_eq!(object.type_name(), "Not");
    let boxed: Any = decode_str(r#"{"_typeName":"a\"b","_v\u0061lue":"on"}"#).unwrap();
    assert_eq!(boxed.as_str().as_deref(), Some("on"));
    for broken in [
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\""#,
        "\"",
        "\"a\nb\"",
        "\"a\u{0}\"",
        r#""\uD83D""#,
        r#""\uD83Dx""#,
        r#""\uD83D\u0041""#,
        r#""\uDE00""#,
    ] {
        assert!(decode_str::<String>(broken).is_err(), "{broken}");
    }
}

#[test]
fn string_ends_at_the_same_place_wherever_it_begins() {
    for length in 0..40 {
        let plain = "é".repeat(length / 2) + &"a".repeat(length % 2);
        for before in 0..9 {
            let text = format!("{}\"{plain}\"  ", " ".repeat(before));
            assert_eq!(decode_str::<String>(&text).unwrap(), plain);
            assert_eq!(decode_str::<RawJson>(&text).unwrap().get(), text.trim());
            for special in ["\\n", "\\u0041"] {
                let escaped = format!("\"{plain}{special}{plain}\"");
                let expected: String = serde_json::from_str(&escaped).unwrap();
                assert_eq!(decode_str::<String>(&escaped).unwrap(), expected);
                assert_eq!(decode_str::<RawJson>(&escaped).unwrap().get(), escaped);
            }
            for control in ['\0', '\n', '\u{1f}'] {
                let broken = format!("\"{plain}{control}{plain}\"");
                assert!(decode_str::<String>(&broken).is_err());
                assert!(decode_str::<RawJson>(&broken).is_err());
            }
        }
    }
}

#[test]
fn numbers_are_read_to_the_limits_of_their_widths() {
    fn limits<T: Read + std::fmt::Display + PartialEq + std::fmt::Debug>(
        least: T,
        most: T,
        below: &str,
        above: &str,
    ) {
        assert_eq!(decode_str::<T>(&least.to_string()).unwrap(), least);
        assert_eq!(decode_str::<T>(&most.to_string()).unwrap(), most);
        for text in [
            below, above, "1.0", "1e2", "\"1\"", "true", "1x", "01", "-", "+1", ".5", "1.", "1e", "--1",
        ] {
            assert!(decode_str::<T>(text).is_err(), "{text}");
        }
    }
    limits(i8::MIN, i8::MAX, "-129", "128");
    limits(i16::MIN, i16::MAX, "-32769", "32768");
    limits(i32::MIN, i32::MAX, "-2147483649", "2147483648");
    limits(i64::MIN, i64::MAX, "-9223372036854775809", "9223372036854775808");
    assert_eq!(
        error_of::<i32>("2147483648"),
        "expected a 32-bit integer, found a number, at byte 0"
    );
    for (text, value) in [
        ("-0", -0.0),
        ("1E+2", 100.0),
        ("5e-324", 5e-324),
        ("1.7976931348623157e308", f64::MAX),
        ("12", 12.0),
    ] {
        assert_eq!(
            decode_str::<f64>(text).unwrap().to_bits(),
            f64::to_bits(value),
            "{text}"
        );
    }
    assert!(decode_str::<f64>("1e999").is_err());
    assert_eq!(decode_str::<RawJson>("1e999").unwrap().get(), "1e999");
}

#[test]
fn collections_and_options_are_read() {
    let map: BTreeMap<String, Option<i32>> = decode_str(r#" { "b" : 1 , "a" : null } "#).unwrap();
    assert_eq!(map, [("a".to_owned(), None), ("b".to_owned(), Some(1))].into());
    assert_eq!(
        decode_str::<Vec<Vec<bool>>>("[[],[true , false]]").unwrap(),
        [vec![], vec![true, false]]
    );
    assert_eq!(decode_str::<Option<Box<String>>>("null").unwrap(), None);
    for broken in [
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "[",
        "]",
        "[1}",
        "{\"a\":1]",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{\"a\":}",
        "nul",
        "nulll",
        "tru",
        "",
        " ",
    ] {
        assert!(decode_str::<Vec<i32>>(broken).is_err(), "{broken}");
        assert!(decode_str::<BTreeMap<String, i32>>(broken).is_err(), "{broken}");
        assert!(decode_str::<RawJson>(broken).is_err(), "{broken}");
        assert!(decode_str::<Option<bool>>(broken).is_err(), "{broken}");
    }
}

#[test]
fn error_names_members_and_place() {
    let error = error_of::<Sample>(r#"{"name":"a","next":{"name":"b","flags":[true,"x"]}}"#);
    assert_eq!(
        error,
        "Sample.next: Sample.flags: expected a boolean, found a string, at byte 45"
    );
    assert_eq!(
        error_of::<Sample>(r#"{"name":"a"} x"#),
        "not JSON: expected nothing more, at byte 13"
    );
    assert_eq!(
        error_of::<Sample>(r#"{"name":"a" "count":1}"#),
        "not JSON: expected `,` or `}`, at byte 12"
    );
    let error = decode::<Sample>(Bytes::from_static(b"{\"name\":\"\xff\"}")).unwrap_err();
    assert_eq!(
        (reason(&error).as_str(), error.reason().offset()),
        ("not JSON: the text is not UTF-8, at byte 9", 9)
    );
    assert!(decode_str::<Sample>("\u{feff}{\"name\":\"a\"}").is_err());
    assert!(error.type_name().ends_with("Sample"));
    assert_eq!(error_of::<GroupId>(r#""""#), "a group id is not empty, at byte 2");
}

#[derive(Debug)]
struct GroupId;

impl Read for GroupId {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        match &*reader.string()? {
            "" => Err(reader.refused("a group id is not empty")),
            _ => Ok(Self),
        }
    }
}

/// `depth` arrays in one another.
fn arrays(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn nesting_is_bounded_over_the_whole_document() {
    assert!(decode_str::<RawJson>(&arrays(127)).is_ok());
    assert!(error_of::<RawJson>(&arrays(128)).starts_with("nested deeper than 127 levels"));
    assert!(decode_str::<RawJson>(&format!("{}1{}", "{\"a\":".repeat(127), "}".repeat(127))).is_ok());
    assert!(decode_str::<RawJson>(&format!("{}1{}", "{\"a\":".repeat(128), "}".repeat(128))).is_err());
    assert!(
        decode_str::<RawJson>(&format!(
            "{}1{}",
            "{\"_typeName\":\"T\",\"a\":".repeat(128),
            "}".repeat(128)
        ))
        .is_err()
    );
    // What is kept below open objects has that much less room.
    let below = |depth| {
        format!(
            r#"{{"name":"a","next":{{"name":"b","value":{}}}}}"#,
            arrays(depth)
        )
    };
    assert!(decode_str::<Sample>(&below(125)).is_ok());
    assert!(error_of::<Sample>(&below(126)).starts_with("Sample.next: Sample.value: nested deeper"));
    let unknown = |depth| format!(r#"{{"name":"a","next":{{"name":"b","x":{}}}}}"#, arrays(depth));
    assert!(decode_str::<Sample>(&unknown(125)).is_ok());
    assert!(error_of::<Sample>(&unknown(126)).contains("nested deeper"));
    let chain = |depth: usize| r#"{"name":"a","next":"#.repeat(depth) + "null" + &"}".repeat(depth);
    assert!(decode_str::<Sample>(&chain(127)).is_ok());
    assert!(error_of::<Sample>(&chain(128)).contains("nested deeper"));
    assert!(error_of::<Sample>(&chain(100_000)).contains("nested deeper"));
    // Wrapping what was read must not get around the bound, or no view could read it to the bottom.
    let deep: RawJson = decode_str(&arrays(127)).unwrap();
    assert!(RawJson::of(&[&deep]).is_err());
    assert!(RawJson::of(&deep).is_ok());
}

#[test]
fn text_is_written_as_it_is_by_any_serializer_of_serde_json() {
    let raw: RawJson = decode_str(r#" {"a" : [1, 2.50, "\u0041"]} "#).unwrap();
    assert_eq!(serde_json::to_string(&raw).unwrap(), raw.get());
    assert_eq!(
        serde_json::to_string_pretty(&[&raw]).unwrap(),
        format!("[\n  {}\n]", raw.get())
    );
    assert_eq!(
        serde_json::to_value(&raw).unwrap(),
        serde_json::json!({"a": [1, 2.5, "A"]})
    );
    assert_eq!(
        raw.decode::<serde_json::Value>().unwrap(),
        serde_json::json!({"a": [1, 2.5, "A"]})
    );
}

/// JSON with something in it that may be wrong: a document that is cut, or has bytes changed, put in, or taken out.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let sources = prop_oneof![proptest::sample::select(vec![
        r#"{"_typeName":"Sample","name":"a\u00e9\n","count":-12,"flags":[true,false],"value":{"_typeName":"long","_value":1.5e+3},"next":null,"x":{"y":[[],{}]}}"#,
        r#"[{"_typeName":"ArrayOfManagedObjectReference","_value":[{"_typeName":"ManagedObjectReference","type":"Datastore","value":"ds-1"}]},"",0,-0.0e-1,null]"#,
        "{ \"a\" : [ 1 , \"b\\\\\" ] ,\r\n\t\"_value\" : \"\\uD800\" }",
        r#"{"a":"b","c":"d","e":["f","g"],"h":{"i":"j"},"k":"é😀"}"#,
    ]),];
    let edits = proptest::collection::vec((any::<proptest::sample::Index>(), 0..4_u8, interesting()), 0..4);
    (sources, edits).prop_map(|(source, edits)| {
        let mut text = source.as_bytes().to_vec();
        for (index, kind, byte) in edits {
            if text.is_empty() {
                break;
            }
            let at = index.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                2 => _ = text.remove(at),
                _ => text.truncate(at),
            }
        }
        text
    })
}

/// Any byte, and more often than by chance one that means something in JSON.
fn interesting() -> impl Strategy<Value = u8> {
    prop_oneof![
        any::<u8>(),
        proptest::sample::select(b"\"\\{}[]:,0123456789-+.eEtfnu \n\r\t\x00\x1f/_".to_vec()),
    ]
}

/// Reads as everything; only a panic is of interest.
fn read_as_everything(document: &Bytes) {
    let _ = decode::<Sample>(document.clone());
    let _ = decode::<Vec<Sample>>(document.clone());
    let _ = decode::<ManagedObjectReference>(document.clone());
    let _ = decode::<BTreeMap<String, Any>>(document.clone());
    let _ = decode::<Fault>(document.clone()).map(|fault| (fault.message().is_some(), fault.cause()));
    let _ = decode::<serde_json::Value>(document.clone());
    let views = decode::<Any>(document.clone())
        .ok()
        .into_iter()
        .chain(decode(document.clone()).unwrap_or_else(|_| Vec::new()));
    for view in views {
        let _ = (
            view.type_name(),
            view.as_str(),
            view.as_bool(),
            view.as_i64(),
            view.as_f64(),
            view.is_null(),
        );
        let _ = (
            view.elements(),
            view.decode_value::<Sample>(),
            view.as_object::<MethodFault>(),
        );
    }
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

    #[test]
    fn same_texts_are_json_as_for_serde(bytes in mutated()) {
        let document = Bytes::from(bytes);
        let ours = decode::<RawJson>(document.clone());
        let theirs = serde_json::from_slice::<&RawValue>(&document);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert_eq!(ours.get(), theirs.get());
            prop_assert!(lies_in(ours.get(), &document));
        }
        read_as_everything(&document);
    }

    #[test]
    fn same_strings_are_read_as_by_serde(bytes in proptest::collection::vec(interesting(), 0..24)) {
        let document = Bytes::from([b"\"", &bytes[..], b"\""].concat());
        let theirs = serde_json::from_slice::<String>(&document).ok();
        prop_assert_eq!(decode::<String>(document).ok(), theirs);
    }

    #[test]
    fn same_numbers_are_read_as_by_serde(text in "-?[0-9]{1,20}(\\.[0-9]{0,18})?([eE][-+]?[0-9]{0,3})?") {
        let theirs = serde_json::from_str::<f64>(&text).ok();
        prop_assert_eq!(decode_str::<f64>(&text).ok().map(f64::to_bits), theirs.map(f64::to_bits));
        let theirs = serde_json::from_str::<i64>(&text).ok();
        // Minus zero is no integer for `serde_json`.
        prop_assert!(decode_str::<i64>(&text).ok() == theirs || text == "-0");
    }
}
