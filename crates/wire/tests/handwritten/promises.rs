//! The promises that hold for generated code.

use farside_wire::{
    Any, Extra, Fault, Object, OpenEnum, Operation, Query, Read, Structure, Union, decode_str,
};
use serde::{Deserialize, Serialize};

use super::{
    AttachRequest, Backing, CloudSettings, HOST_PORT_ATTACH, LimitRequest, LinkState, PortBacking,
    PortSettings, PortsListQuery, PortsSearchQuery, Settings, Work,
};

fn read<T: Read>(text: &str) -> T {
    decode_str(text).expect("the text should be readable")
}

fn write<T: Serialize>(value: &T) -> String {
    String::from_utf8(farside_wire::encode(value).expect("the value should be writable"))
        .expect("JSON is UTF-8")
}

fn error_of<T: Read + std::fmt::Debug>(text: &str) -> String {
    let error = decode_str::<T>(text).expect_err("the text should be refused");
    error.reason().to_string()
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
        error.starts_with("CloudSettings.next: CloudSettings.powerOn: expected a boolean, found a string"),
        "{error}"
    );
    assert!(error.ends_with("at byte 51"), "{error}");
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
    assert!(error_of::<Settings>(&tag_first).contains("nested deeper"));
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

#[test]
fn builder_takes_what_is_required_in_order_and_sets_the_rest() {
    let parent = LimitRequest::new("pool", 1, 0, Vec::new(), [("a".to_owned(), 1)].into());
    let request = LimitRequest::new("vm", 4096, -1, vec!["p1".to_owned()], [].into())
        .with_level(2)
        .with_percent(50)
        .with_factor(0.5)
        .with_notes([("b".to_owned(), "c".to_owned())].into())
        .with_name("n")
        .with_parent(parent);
    let text = concat!(
        r#"{"type":"vm","memoryInMB":4096,"share":-1,"level":2,"percent":50,"factor":0.5,"ports":["p1"],"labels":{},"#,
        r#""notes":{"b":"c"},"name":"n","parent":{"type":"pool","memoryInMB":1,"share":0,"ports":[],"labels":{"a":1}}}"#
    );
    assert_eq!(write(&request), text);
    assert_eq!(read::<LimitRequest>(text), request);
    assert_eq!(LimitRequest::MEMBERS.len(), 11);
}

#[test]
fn required_array_must_be_sent_and_is_written_when_empty() {
    let error = error_of::<LimitRequest>(r#"{"type":"vm","memoryInMB":1,"share":1,"labels":{}}"#);
    assert_eq!(error, "LimitRequest.ports is missing, at byte 50");
    let error =
        error_of::<LimitRequest>(r#"{"type":"vm","memoryInMB":1,"share":1,"ports":null,"labels":{}}"#);
    assert!(error.starts_with("LimitRequest.ports is missing"), "{error}");
}

#[test]
fn variant_may_be_boxed_and_is_made_of_its_structure() {
    let settings = Settings::from(PortSettings::default().with_ports(vec!["p1".to_owned()]));
    let text = r#"{"type":"ports","ports":["p1"]}"#;
    assert_eq!(write(&settings), text);
    assert_eq!(read::<Settings>(text), settings);
    let settings = Settings::from(CloudSettings::default());
    assert_eq!(write(&settings), r#"{"type":"vcloud"}"#);
}

#[test]
fn type_with_a_parameter_is_read_with_any_result() {
    let text = r#"{"state":"up","result":[{"deviceName":"d"}],"x":1}"#;
    let work: Work<Vec<Object<Backing>>> = read(text);
    assert_eq!(
        work.result.as_ref().unwrap()[0].base().unwrap(),
        Backing::new("d")
    );
    assert_eq!(write(&work), text);
    let work: Work<Any> = serde_json::from_str(text).unwrap();
    assert_eq!(write(&work), text);
}

#[test]
fn query_has_its_parameters_in_order_and_leaves_out_the_unset() {
    assert_eq!(PortsListQuery::default().to_query(), Query::new());
    let query = PortsListQuery::default()
        .with_limit(5)
        .with_source_site("west & co")
        .with_state(LinkState::LinkDown)
        .with_ids(vec!["a,b".to_owned(), "c".to_owned()])
        .with_names(vec!["d,e".to_owned(), "f".to_owned()]);
    assert_eq!(
        query.to_query().as_str(),
        "sourceSite=west%20%26%20co&limit=5&state=linkDown&ids=a%2Cb&ids=c&filter.names=d%2Ce,f"
    );
    let query = PortsSearchQuery::new("t", true).with_limit(1);
    assert_eq!(query.to_query().as_str(), "text=t&exact=true&limit=1");
}

#[test]
fn serde_reads_and_writes_the_same() {
    #[derive(Serialize, Deserialize)]
    struct Record {
        backings: Vec<PortBacking>,
        settings: Settings,
        state: LinkState,
    }

    let text = concat!(
        r#"{"backings":[{"_typeName":"PortBacking","deviceName":"d","state":"up","x":[1]}],"#,
        r#""settings":{"type":"vcloud","powerOn":true},"state":"later"}"#
    );
    let record: Record = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&record).unwrap(), text);
    let error = serde_json::from_str::<PortBacking>(r#"{"deviceName":1}"#).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("PortBacking.deviceName: expected a string, found a number")
    );
    // A tree of values has no text: it is written for the purpose.
    let tree = serde_json::json!({"deviceName": "d", "x": {"y": [1, null]}});
    let backing: Backing = serde_json::from_value(tree.clone()).unwrap();
    assert_eq!(backing.extra.get("x").unwrap().get(), r#"{"y":[1,null]}"#);
    assert_eq!(serde_json::to_value(&backing).unwrap()["x"], tree["x"]);
}

#[test]
fn value_that_is_no_object_is_refused_by_the_name_of_the_type() {
    for text in ["[]", "7", "\"x\"", "null"] {
        assert_eq!(
            error_of::<PortBacking>(text),
            "expected an object of type PortBacking, at byte 0"
        );
        assert_eq!(
            error_of::<Settings>(text),
            "expected an object of type Settings, at byte 0"
        );
    }
    let error = error_of::<AttachRequest>(r#"{"backing":[]}"#);
    assert!(
        error.starts_with("AttachRequest.backing: expected an object of type Backing"),
        "{error}"
    );
    assert!(
        error_of::<Settings>(r#"{"type":7}"#).starts_with("Settings.type: expected a string, found a number")
    );
    assert_eq!(Extra::new(), read::<Backing>(r#"{"deviceName":"d"}"#).extra);
}
