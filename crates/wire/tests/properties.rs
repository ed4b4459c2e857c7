//! What holds for any input: nothing is lost, nothing panics.

use bytes::Bytes;
use farside_wire::{
    Any, ApiError, Binary, EpochMillis, Fault, ManagedObjectReference, Method, MethodFault, Object, OpenEnum,
    Operation, Query, RawJson, Read, Repeat, Secret, Service, ServiceError, StdError, StdErrorType,
    Timestamp, decode, decode_str,
};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Any JSON, a few levels deep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((member_name(), inner), 0..4)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

const MEANINGFUL: &[&str] = &[
    "_typeName",
    "_value",
    "type",
    "value",
    "key",
    "messages",
    "error_type",
    "faultMessage",
    "faultCause",
    "fault",
    "localizedMessage",
    "message",
    "code",
    "args",
    "data",
];

/// Any name, and more often than by chance one that means something.
fn member_name() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(MEANINGFUL).prop_map(str::to_owned),
        any::<String>()
    ]
}

/// Members unknown to every type, names unique, in any order.
fn unknown_members() -> impl Strategy<Value = Vec<(String, Value)>> {
    proptest::collection::btree_map("[xyz]\\PC{0,6}", json(), 0..6)
        .prop_map(|members| members.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn object_text(members: &[(String, Value)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn member(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), value.into())
}

/// Reads `bytes` as `T`; what can be read can be written, and is read again as the same.
fn survives<T: Read + DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let Ok(first) = decode::<T>(Bytes::copy_from_slice(bytes)) else {
        return;
    };
    let text = serde_json::to_string(&first).expect("what was read can be written");
    let second: T = decode_str(&text).expect("what was written can be read");
    assert_eq!(first, second, "{text}");
    assert_eq!(
        serde_json::from_str::<T>(&text).expect("serde reads it as well"),
        first,
        "{text}"
    );
}

fn read_as_everything(bytes: &[u8]) {
    survives::<ManagedObjectReference>(bytes);
    survives::<MethodFault>(bytes);
    survives::<Fault>(bytes);
    survives::<Object<MethodFault>>(bytes);
    survives::<Any>(bytes);
    survives::<RawJson>(bytes);
    survives::<StdError>(bytes);
    survives::<ApiError>(bytes);
    survives::<StdErrorType>(bytes);
    survives::<Timestamp>(bytes);
    survives::<EpochMillis>(bytes);
    survives::<Binary>(bytes);
    survives::<Secret>(bytes);
    if let Ok(value) = decode::<Any>(Bytes::copy_from_slice(bytes)) {
        let _ = (
            value.type_name(),
            value.as_str(),
            value.as_bool(),
            value.as_i64(),
            value.elements(),
            value.is_null(),
        );
        let _ = value
            .as_object::<MethodFault>()
            .map(|object| (object.is_a::<MethodFault>(), object.base().is_ok()));
    }
    for service in [Service::ViJson, Service::VcenterRest, Service::Vcda] {
        if let Some(error) = ServiceError::decode(service, 500, None, bytes) {
            let _ = (
                error.code(),
                error.message(),
                error.to_string(),
                format!("{error:?}"),
            );
            let _ = error.as_fault().and_then(Fault::cause);
        }
    }
}

const GET_TASK: Operation = Operation {
    id: "Cis.Tasks_get",
    service: Service::VcenterRest,
    method: Method::Get,
    path: "/cis/tasks/{task}",
    query: "",
    repeat: Repeat::Harmless,
    since: None,
    privileges: &[],
    faults: &[],
    refused_before_acting: &[],
    anonymous: false,
    secrets: &[],
};

proptest! {
    #[test]
    fn unknown_members_survive_in_their_order_after_the_known_ones(
        unknown in unknown_members(), positions in proptest::array::uniform3(0_usize..7),
    ) {
        let known = [member("_typeName", "ManagedObjectReference"), member("type", "Task"), member("value", "task-1")];
        let mut sent = unknown.clone();
        for (member, position) in known.iter().zip(positions) {
            sent.insert(position.min(sent.len()), member.clone());
        }
        let read: ManagedObjectReference = decode_str(&object_text(&sent)).unwrap();
        prop_assert_eq!(&read, &ManagedObjectReference::new("Task", "task-1"));
        let expected: Vec<_> = known.into_iter().chain(unknown).collect();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), object_text(&expected));
    }

    #[test]
    fn discriminator_is_found_anywhere_and_the_text_kept(
        unknown in unknown_members(), position in 0_usize..7, name in any::<String>(),
    ) {
        let mut sent = unknown;
        sent.insert(position.min(sent.len()), member("_typeName", &name));
        let text = object_text(&sent);
        let object: Object<MethodFault> = decode_str(&text).unwrap();
        prop_assert_eq!(object.type_name(), name.as_str());
        prop_assert_eq!(serde_json::to_string(&object).unwrap(), text.as_str());

        sent.reverse();
        let turned: Object<MethodFault> = decode_str(&object_text(&sent)).unwrap();
        prop_assert_eq!(object, turned);
    }

    #[test]
    fn text_is_kept_letter_for_letter(value in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let raw = RawJson::parse(&text).unwrap();
        prop_assert_eq!(raw.get(), text.as_str());
        prop_assert_eq!(serde_json::to_string(&raw).unwrap(), text);
        prop_assert_eq!(raw.decode::<Value>().unwrap(), value);
    }

    #[test]
    fn garbage_is_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn any_json_is_an_error_or_survives(value in json()) {
        read_as_everything(value.to_string().as_bytes());
    }

    #[test]
    fn damaged_fault_is_never_a_panic(at in 0_usize..200, byte in any::<u8>()) {
        let mut text = br#"{"_typeName":"LocalizedMethodFault","fault":{"_typeName":"A","faultMessage":[{"key":"k","arg":[{"key":"a","value":{"_typeName":"int","_value":1}}],"message":"m"}],"faultCause":{}},"localizedMessage":"l"}"#.to_vec();
        let at = at % text.len();
        text[at] = byte;
        read_as_everything(&text);
        text.truncate(at);
        read_as_everything(&text);
    }

    #[test]
    fn enum_text_survives(text in any::<String>()) {
        let kind = StdErrorType::from_wire(&text);
        prop_assert_eq!(kind.as_wire(), text);
    }

    #[test]
    fn path_parameter_stays_one_segment(value in any::<String>()) {
        let path = GET_TASK.path_with(&[("task", &value)]);
        let segment = path.strip_prefix("/cis/tasks/").unwrap();
        prop_assert!(segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:%".contains(&byte)), "{}", segment);
        prop_assert!(segment != "." && segment != "..");
        prop_assert_eq!(percent_encoding::percent_decode_str(segment).decode_utf8().unwrap(), value);
    }

    #[test]
    fn query_pairs_are_read_back(pairs in proptest::collection::vec((any::<String>(), any::<String>()), 1..4)) {
        let query = pairs.iter().fold(Query::new(), |query, (name, value)| query.with(name, value));
        let decode = |text| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let read: Vec<_> = query.as_str().split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decode(name), decode(value))).collect();
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn binary_survives(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let binary = Binary(bytes);
        let text = serde_json::to_string(&binary).unwrap();
        prop_assert_eq!(decode_str::<Binary>(&text).unwrap(), binary);
    }

    #[test]
    fn time_made_of_milliseconds_survives(millis in -377_705_000_000_000_i64..253_400_000_000_000) {
        let time = Timestamp::from_unix_millis(millis).unwrap();
        let text = serde_json::to_string(&time).unwrap();
        prop_assert_eq!(decode_str::<Timestamp>(&text).unwrap(), time);
        prop_assert_eq!(time.unix_millis(), millis);
    }
}
