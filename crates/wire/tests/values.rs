//! Values of a fixed form: any-typed values, times, binaries, secrets, references.

use std::time::Duration;

use farside_wire::{
    Any, Binary, EpochMillis, LocalizableMessage, ManagedObjectReference, MethodFault, Object, RawJson, Read,
    Secret, Timestamp, decode_str, encode,
};
use serde::Serialize;

fn read<T: Read>(text: &str) -> T {
    decode_str(text).expect("the text should be readable")
}

fn write<T: Serialize>(value: &T) -> String {
    String::from_utf8(encode(value).expect("the value should be writable")).expect("JSON is UTF-8")
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("the text should be a time")
}

#[test]
fn box_is_read_by_its_value_whatever_its_name() {
    for text in [
        r#"{"_typeName":"string","_value":"on"}"#,
        r#"{"_value":"on"}"#,
        r#"{"_typeName":"Later","_value":"on"}"#,
        r#""on""#,
    ] {
        let any: Any = read(text);
        assert_eq!(any.as_str().as_deref(), Some("on"), "{text}");
        assert_eq!((any.as_bool(), any.as_i64()), (None, None));
        assert_eq!(write(&any), text);
    }
    assert_eq!(
        read::<Any>(r#"{"_typeName":"string","_value":"a\"\u00e9"}"#)
            .as_str()
            .as_deref(),
        Some("a\"é")
    );
    assert_eq!(
        read::<Any>(r#"{"_typeName":"boolean","_value":true}"#).as_bool(),
        Some(true)
    );
    assert_eq!(
        read::<Any>(r#"{"_typeName":"long","_value":-9223372036854775808}"#).as_i64(),
        Some(i64::MIN)
    );
    assert_eq!(
        read::<Any>(r#"{"_typeName":"double","_value":0.5}"#).as_f64(),
        Some(0.5)
    );
    assert!(read::<Any>(r#"{"_typeName":"string","_value":null}"#).is_null());
}

/// Without serde_json's `float_roundtrip` the last digit of this number changes at a read and a write.
#[test]
fn float_survives_to_the_last_digit() {
    let number = "-1.1410628956843079e-96";
    assert_eq!(write(&read::<f64>(number)), number);
    assert_eq!(
        read::<Any>(number).as_f64().map(|value| write(&value)).as_deref(),
        Some(number)
    );
}

#[test]
fn primitives_are_put_into_the_boxes_of_the_wire_rules() {
    let boxes = [
        (Any::from(true), r#"{"_typeName":"boolean","_value":true}"#),
        (Any::from(-1_i8), r#"{"_typeName":"byte","_value":-1}"#),
        (Any::from(2_i16), r#"{"_typeName":"short","_value":2}"#),
        (Any::from(3_i32), r#"{"_typeName":"int","_value":3}"#),
        (Any::from(4_i64), r#"{"_typeName":"long","_value":4}"#),
        (Any::from(0.5_f64), r#"{"_typeName":"double","_value":0.5}"#),
        (Any::from("on"), r#"{"_typeName":"string","_value":"on"}"#),
        (
            Any::from(vec!["a".to_owned()]),
            r#"{"_typeName":"ArrayOfString","_value":["a"]}"#,
        ),
        (
            Any::boxed("TaskInfoState", "success").unwrap(),
            r#"{"_typeName":"TaskInfoState","_value":"success"}"#,
        ),
    ];
    for (any, text) in boxes {
        assert_eq!(write(&any), text);
    }
    let reference = ManagedObjectReference::new("Task", "task-1");
    assert_eq!(
        write(&Any::object(&reference)),
        r#"{"_typeName":"ManagedObjectReference","type":"Task","value":"task-1"}"#
    );
}

#[test]
fn elements_of_an_array_keep_their_own_names() {
    let array: Any = read(
        r#"{"_typeName":"ArrayOfOther","_value":[{"_typeName":"ManagedObjectReference","type":"Task","value":"t"},{"_typeName":"string","_value":"x"},7]}"#,
    );
    let elements = array.elements().unwrap();
    let names: Vec<_> = elements
        .iter()
        .map(|any| any.type_name().map(String::from))
        .collect();
    assert_eq!(
        names,
        [
            Some("ManagedObjectReference".to_owned()),
            Some("string".to_owned()),
            None
        ]
    );
    let reference: ManagedObjectReference = elements[0].decode_value().unwrap();
    assert_eq!(reference.to_string(), "Task:t");
    assert_eq!(
        elements[0]
            .as_object::<ManagedObjectReference>()
            .unwrap()
            .base()
            .unwrap(),
        reference
    );
    assert_eq!(elements[2].as_i64(), Some(7));
}

#[test]
fn single_object_is_an_array_of_one_and_null_an_empty_one() {
    let one: Any = read(r#"{"_typeName":"ManagedObjectReference","type":"Task","value":"t"}"#);
    assert_eq!(one.elements().unwrap(), [one]);
    let boxed: Any = read(r#"{"_typeName":"Later","_value":{"_typeName":"X"}}"#);
    assert_eq!(boxed.elements().unwrap()[0].type_name().as_deref(), Some("X"));
    assert_eq!(read::<Any>("[1,2]").elements().unwrap().len(), 2);
    assert_eq!(read::<Any>("null").elements().unwrap().len(), 0);
    assert!(read::<Any>("7").elements().is_none());
    assert!(
        read::<Any>(r#"{"_typeName":"string","_value":"x"}"#)
            .elements()
            .is_none()
    );
}

#[test]
fn kept_texts_are_equal_by_content_and_shown_without_values() {
    let left: RawJson = read(r#"{"a":1,"b":["hunter2", 2]}"#);
    let right: RawJson = read(r#" { "b" : ["hunter2",2], "a" : 1 } "#);
    assert_eq!(left, right);
    assert_ne!(left, read(r#"{"a":1,"b":[2, "hunter2"]}"#));
    let object: Object<MethodFault> = read(r#"{"_typeName":"X","password":"hunter2"}"#);
    let fault: MethodFault = object.base().unwrap();
    let any: Any = read(r#"{"_typeName":"string","_value":"hunter2"}"#);
    let shown = format!("{left:?} {object:?} {fault:?} {any:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("password"), "{shown}");
}

/// What is put into the place of a secret must not be quoted either.
#[test]
fn value_of_a_wrong_type_is_not_quoted_in_the_error() {
    for text in [
        r#""hunter2""#,
        r#"["hunter2"]"#,
        r#"{"hunter2":1}"#,
        "hunter2",
        "\"hunter2",
        "\"hunter2\\x\"",
    ] {
        let errors = [
            decode_str::<i32>(text).unwrap_err(),
            decode_str::<Timestamp>(text).unwrap_err(),
            decode_str::<ManagedObjectReference>(text).unwrap_err(),
            decode_str::<Vec<bool>>(text).unwrap_err(),
        ];
        for error in errors {
            let shown = format!("{error} {error:?} {}", error.reason());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}

#[test]
fn kept_text_comes_out_of_a_tree_as_well() {
    let tree =
        serde_json::json!({"key": "k", "arg": [{"key": "a", "value": {"_typeName": "int", "_value": 1}}]});
    let message: LocalizableMessage = serde_json::from_value(tree).unwrap();
    assert_eq!(message.arg[0].value.as_i64(), Some(1));
    assert_eq!(
        serde_json::to_value(&message).unwrap()["arg"][0]["value"]["_value"],
        1
    );
}

#[test]
fn time_is_written_as_it_was_read() {
    for text in [
        "2025-03-01T09:15:00Z",
        "2025-03-01T09:15:00.120000Z",
        "2025-03-01T09:15:00.1+00:00",
        "2025-03-01T14:45:00.123456789+05:30",
        "2025-03-01t09:15:00z",
    ] {
        let json = format!("\"{text}\"");
        assert_eq!(write(&read::<Timestamp>(&json)), json);
        assert_eq!(time(text).to_string(), text);
    }
}

#[test]
fn same_instant_is_one_time_whatever_its_offset() {
    let (utc, india) = (time("2025-03-01T09:15:00Z"), time("2025-03-01T14:45:00+05:30"));
    assert_eq!(utc, india);
    assert!(time("2025-03-01T09:15:00.000000001Z") > india);
    assert_eq!(utc.unix_millis(), 1_740_820_500_000);
    assert_eq!(Timestamp::from_unix_millis(1_740_820_500_000), Some(utc));
}

#[test]
fn fraction_finer_than_nanoseconds_is_cut() {
    let fine = time("2025-03-01T09:15:00.1234567899Z");
    assert_eq!(fine, time("2025-03-01T09:15:00.123456789Z"));
    assert_eq!(fine.to_string(), "2025-03-01T09:15:00.1234567899Z");
    let very_fine = time("2025-03-01T09:15:00.12345678900000000000000000000Z");
    assert_eq!(very_fine.to_string(), "2025-03-01T09:15:00.123456789Z");
}

#[test]
fn text_that_is_no_time_is_refused() {
    for text in [
        "",
        "yesterday",
        "2025-03-01",
        "2025-03-01T09:15:00",
        "2025-13-01T09:15:00Z",
        "1740820500",
        "é.9999999999é",
    ] {
        let error = serde_json::from_value::<Timestamp>(text.into())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("not an RFC 3339 time"), "{text}: {error}");
        let error = decode_str::<Timestamp>(&serde_json::json!(text).to_string()).unwrap_err();
        assert!(
            error.reason().to_string().starts_with("not an RFC 3339 time"),
            "{error}"
        );
    }
}

#[test]
fn times_are_added_and_subtracted_without_overflow() {
    let start = time("2025-03-01T09:15:00Z");
    let later = start.saturating_add(Duration::from_millis(1500));
    assert_eq!(later.to_string(), "2025-03-01T09:15:01.5Z");
    assert_eq!(later.since(&start), Duration::from_millis(1500));
    assert_eq!(start.since(&later), Duration::ZERO);
    assert!(start.saturating_add(Duration::MAX) > later);
    assert_eq!(Timestamp::from_unix_millis(i64::MAX), None);
}

#[test]
fn negative_milliseconds_are_an_unset_time() {
    let unset: EpochMillis = read("-1");
    assert_eq!(unset.get(), None);
    assert_eq!(write(&unset), "-1");
    assert_eq!(read::<EpochMillis>("0").get(), Some(Timestamp::UNIX_EPOCH));
    assert_eq!(read::<EpochMillis>("9223372036854775807").get(), None);
    let start = time("2025-03-01T09:15:00.25Z");
    assert_eq!(EpochMillis::from(start), EpochMillis(1_740_820_500_250));
}

#[test]
fn binary_is_base64_with_or_without_padding_and_line_breaks() {
    for text in [r#""aGVsbG8=""#, r#""aGVsbG8""#, r#""aGVs\r\nbG8=\n""#] {
        assert_eq!(read::<Binary>(text), Binary(b"hello".to_vec()));
    }
    assert_eq!(write(&Binary(vec![0xfb, 0xff])), r#""+/8=""#);
    assert!(decode_str::<Binary>(r#""-_8=""#).is_err());
    assert_eq!(format!("{:?}", Binary(b"hello".to_vec())), "Binary(5 bytes)");
}

#[test]
fn secret_is_written_into_requests_and_shown_nowhere() {
    let secret: Secret = read(r#""hunter2\n""#);
    assert_eq!(secret.expose(), "hunter2\n");
    assert_eq!(write(&secret), r#""hunter2\n""#);
    assert_eq!(
        format!("{secret} {secret:?} {:?}", Some(&secret)),
        "*** *** Some(***)"
    );
}

#[test]
fn secret_of_a_wrong_type_is_not_quoted_in_the_error() {
    for text in ["482913", "[482913]", r#"{"482913":1}"#] {
        let error = serde_json::from_str::<Secret>(text).unwrap_err().to_string();
        assert!(!error.contains("482913"), "{error}");
        let error = decode_str::<Secret>(text).unwrap_err();
        assert!(
            !format!("{error:?} {}", error.reason()).contains("482913"),
            "{error:?}"
        );
    }
}

#[test]
fn reference_is_its_type_and_id() {
    let reference: ManagedObjectReference = read(r#"{"value":"host-12","x":1,"type":"HostSystem"}"#);
    assert_eq!(reference, ManagedObjectReference::new("HostSystem", "host-12"));
    assert_ne!(reference, ManagedObjectReference::new("HostSystem", "host-13"));
    assert_ne!(reference, ManagedObjectReference::new("Host", "host-12"));
    assert_eq!(
        write(&reference),
        r#"{"_typeName":"ManagedObjectReference","type":"HostSystem","value":"host-12","x":1}"#
    );
}
