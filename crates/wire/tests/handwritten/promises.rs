//! The promises that hold for generated code.

use farside_wire::{Any, Fault, Object, OpenEnum, Operation, Query, Union};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AttachRequest, Backing, CloudSettings, HOST_PORT_ATTACH, LinkState, PortBacking, Settings};

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the text should be readable")
}

fn write<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("the value should be writable")
}

fn error_of<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    serde_json::from_str::<T>(text)
        .expect_err("the text should be refused")
        .to_string()
}

#[test]
fn type_name_leads_then_known_members_in_wire_order_then_unknown_ones_in_theirs() {
    let value: PortBacking = read(
        r#"{"zeta":[1, {"b": 2}],"uplink":["u1"],"state":"up","alpha":null,"deviceName":"d","_typeName":"PortBacking"}"#,
    );
    assert_eq!(
        write(&value),
        r#"{"_typeName":"PortBacking","deviceName":"d","state":"up","uplink":["u1"],"zeta":[1, {"b": 2}],"alpha":null}"#
    );
}

#[test]
fn request_type_has_no_type_name() {
    let request = AttachRequest {
        backing: Some(Object::new(&Backing::new("d"))),
        ..AttachRequest::default()
    };
    assert_eq!(
        write(&request),
        r#"{"backing":{"_typeName":"Backing","deviceName":"d"}}"#
    );
}

#[test]
fn type_name_of_a_subtype_unknown_to_these_models_is_written_back() {
    let text = r#"{"_typeName":"FancyPortBacking","deviceName":"d","state":"up","fancy":true}"#;
    let mut value: PortBacking = read(text);
    assert_eq!(write(&value), text);
    value.state = LinkState::LinkDown;
    assert_eq!(write(&value), text.replace("up", "linkDown"));
}

#[test]
fn null_is_absent() {
    let value: PortBacking =
        read(r#"{"deviceName":"d","state":"up","useAutoDetect":null,"uplink":null,"_typeName":null}"#);
    assert_eq!(value.use_auto_detect, None);
    assert_eq!(
        write(&value),
        r#"{"_typeName":"PortBacking","deviceName":"d","state":"up"}"#
    );
}

#[test]
fn missing_required_member_is_named_with_its_type() {
    assert!(error_of::<PortBacking>(r#"{"deviceName":"d"}"#).starts_with("PortBacking.state is missing"));
    let null = error_of::<PortBacking>(r#"{"deviceName":null,"state":"up"}"#);
    assert!(null.starts_with("PortBacking.deviceName is missing"), "{null}");
}

#[test]
fn member_of_a_wrong_type_is_named_with_the_path_to_it() {
    let error = error_of::<Settings>(r#"{"type":"vcloud","next":{"type":"vcloud","powerOn":"yes"}}"#);
    assert!(
        error.starts_with("CloudSettings.next: CloudSettings.powerOn: invalid type"),
        "{error}"
    );
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn unknown_enum_value_keeps_its_text() {
    let state: LinkState = read(r#""half\"Up""#);
    assert_eq!(state.as_wire(), "half\"Up");
    assert_eq!(write(&state), r#""half\"Up""#);
    assert_eq!(LinkState::from_wire("linkDown"), LinkState::LinkDown);
    assert_ne!(LinkState::from_wire("linkdown"), LinkState::LinkDown);
}

#[test]
fn object_is_viewed_as_each_of_its_types() {
    let text = r#"{"deviceName":"d","state":"up","_typeName":"PortBacking"}"#;
    let object: Object<Backing> = read(text);
    assert!(object.is_a::<Backing>() && object.is_a::<PortBacking>());
    assert_eq!(object.base().unwrap().device_name, "d");
    assert_eq!(
        object.downcast::<PortBacking>().unwrap().unwrap().state,
        LinkState::Up
    );
    assert_eq!(write(&object), text);

    let unknown: Object<Backing> = read(r#"{"_typeName":"Later","deviceName":"d","x":1}"#);
    assert!(unknown.is_a::<Backing>() && !unknown.is_a::<PortBacking>());
    assert!(unknown.downcast::<PortBacking>().is_none());
    assert_eq!(
        write(&unknown.base().unwrap()),
        r#"{"_typeName":"Later","deviceName":"d","x":1}"#
    );
}

#[test]
fn object_without_type_name_is_of_the_declared_type() {
    let object: Object<Backing> = read(r#"{"deviceName":"d"}"#);
    assert_eq!(object.type_name(), "Backing");
    assert!(object.downcast::<PortBacking>().is_none());
    assert_eq!(object.base().unwrap(), Backing::new("d"));
}

#[test]
fn union_finds_its_tag_anywhere() {
    let first: Settings = read(r#"{"type":"vcloud","powerOn":true,"x":[1]}"#);
    let last: Settings = read(r#"{"powerOn":true,"x":[1],"type":"vcloud"}"#);
    assert_eq!(first, last);
    assert_eq!(write(&last), r#"{"type":"vcloud","powerOn":true,"x":[1]}"#);
}

#[test]
fn unknown_and_missing_variants_are_kept() {
    let text = r#"{"type":"vcloud2","powerOn":true,"deep":{"b":[ 1 ]}}"#;
    let unknown: Settings = read(text);
    assert_eq!(unknown.tag(), Some("vcloud2"));
    assert_eq!(write(&unknown), text);

    let untagged: Settings = read(r#"{"powerOn":true}"#);
    let Settings::Unknown(variant) = &untagged else {
        panic!("a variant without a tag is unknown")
    };
    assert_eq!(variant.member::<bool>("powerOn").unwrap(), Some(true));
    assert_eq!(write(&untagged), r#"{"powerOn":true}"#);
}

#[test]
fn path_parameter_is_one_segment_and_query_follows_the_fixed_one() {
    assert_eq!(
        HOST_PORT_ATTACH.path_with(&[("moId", "a/b c:1?#%é")]),
        "/HostPort/a%2Fb%20c:1%3F%23%25%C3%A9/attach"
    );
    assert_eq!(
        HOST_PORT_ATTACH.path_with(&[("moId", "..")]),
        "/HostPort/%2E%2E/attach"
    );
    let query = Query::new()
        .with("site", "west & co")
        .with_some("limit", Some(5))
        .with_some("sort", None::<&str>);
    assert_eq!(
        HOST_PORT_ATTACH.path_and_query(&[("moId", "p")], &query),
        "/HostPort/p/attach?site=west%20%26%20co&limit=5"
    );
    let fixed = Operation {
        query: "action=get&vmw-task=true",
        path: "/x",
        ..HOST_PORT_ATTACH
    };
    assert_eq!(fixed.path_with(&[]), "/x?action=get&vmw-task=true");
    assert_eq!(
        fixed.path_and_query(&[], &query),
        "/x?action=get&vmw-task=true&site=west%20%26%20co&limit=5"
    );
}

/// `{"next":{"next":..` of `depth` objects; the tag comes last, so that every level is put aside before it is read.
fn nested_settings(depth: usize) -> String {
    let mut text = String::new();
    text.push_str(&r#"{"next":"#.repeat(depth));
    text.push_str("null");
    text.push_str(&r#","type":"vcloud"}"#.repeat(depth));
    text
}

#[test]
fn nesting_too_deep_is_an_error_in_every_place() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + "1" + &close.repeat(100_000);
    let array = deep("[", "]");
    let object = deep(r#"{"a":"#, "}");

    assert!(error_of::<Settings>(&nested_settings(50_000)).contains("nested deeper"));
    assert!(error_of::<Any>(&array).contains("nested deeper"));
    assert!(error_of::<Object<Backing>>(&object).contains("nested deeper"));
    assert!(error_of::<Fault>(&deep(r#"{"faultCause":"#, "}")).contains("nested deeper"));
    let unknown = format!(r#"{{"deviceName":"d","x":{array}}}"#);
    assert!(error_of::<Backing>(&unknown).contains("nested deeper"));
    let tag_first = deep(r#"{"type":"vcloud","next":"#, "}");
    assert!(error_of::<Settings>(&tag_first).contains("recursion limit"));
}

#[test]
fn nesting_below_the_limit_is_read_to_the_bottom() {
    let mut settings: Settings = read(&nested_settings(120));
    let mut levels = 0;
    while let Settings::Vcloud(CloudSettings { next: Some(next), .. }) = settings {
        settings = *next;
        levels += 1;
    }
    assert_eq!(levels, 119);
}
