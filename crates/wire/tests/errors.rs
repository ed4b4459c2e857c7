//! Faults, std errors and VCDA errors, as the wire rules show them and as they should not be.

use farside_wire::{
    Ancestry, Any, ApiError, Fault, ManagedObjectReference, MethodFault, OpenEnum, Service, ServiceError,
    StdError, StdErrorType, decode_str,
};

static FAULTS: Ancestry = Ancestry::new(&[
    ("InvalidLogin", "VimFault"),
    ("NoPermission", "SecurityError"),
    ("NotAuthenticated", "NoPermission"),
    ("Ouroboros", "Snake"),
    ("SecurityError", "RuntimeFault"),
    ("Snake", "Ouroboros"),
]);

const TOO_MANY: &str = r#"{"_typeName": "TooMany", "maxBatchSize": 8,
    "faultMessage": [{"_typeName": "LocalizableMessage", "key": "sms.toomany", "message": "batch too large"}],
    "faultstring": "too large"}"#;

fn fault(text: &str) -> Fault {
    decode_str(text).expect("the text should be a fault")
}

fn decode(service: Service, status: u16, body: &str) -> Option<ServiceError> {
    ServiceError::decode(service, status, Some("application/json"), body.as_bytes())
}

fn std_error(body: &str) -> StdError {
    match decode(Service::VcenterRest, 400, body) {
        Some(ServiceError::Std(error)) => error,
        other => panic!("expected a std error, got {other:?}"),
    }
}

#[test]
fn fault_tells_type_and_words() {
    let fault = fault(TOO_MANY);
    assert_eq!(fault.type_name(), "TooMany");
    assert_eq!(fault.message(), Some("batch too large"));
    assert_eq!(fault.to_string(), "TooMany: batch too large");
    assert_eq!(serde_json::to_string(&fault).unwrap(), TOO_MANY);
    let base = fault.object().base().unwrap();
    assert_eq!(base.faultstring.as_deref(), Some("too large"));
    assert_eq!(base.extra.get("maxBatchSize").unwrap().get(), "8");
    assert_eq!(base.extra.type_name(), Some("TooMany"));
}

#[test]
fn faultstring_speaks_where_no_message_does() {
    assert_eq!(
        fault(r#"{"faultMessage":[],"faultstring":"s"}"#).message(),
        Some("s")
    );
    assert_eq!(
        fault(r#"{"faultMessage":[{"key":"k"}],"faultstring":"s"}"#).message(),
        Some("s")
    );
    assert_eq!(
        fault(r#"{"faultMessage":[{"key":"k"},{"message":"m"}]}"#).message(),
        Some("m")
    );
    assert_eq!(
        fault(r#"{"faultMessage":7,"faultstring":"s"}"#).message(),
        Some("s")
    );
    assert_eq!(
        fault(r#"{"faultMessage":[null,{"message":{}}],"faultstring":[]}"#).message(),
        None
    );
}

#[test]
fn causes_are_walked_one_by_one() {
    let fault = fault(r#"{"_typeName":"A","faultCause":{"_typeName":"B","faultCause":{"_typeName":"C"}}}"#);
    let names: Vec<_> = std::iter::successors(Some(fault), Fault::cause)
        .map(|fault| fault.type_name().to_owned())
        .collect();
    assert_eq!(names, ["A", "B", "C"]);
}

#[test]
fn wrapped_fault_is_the_fault_inside_and_is_written_with_its_wrapper() {
    let text =
        r#"{"_typeName":"LocalizedMethodFault","localizedMessage":"said","fault":{"_typeName":"NotFound"}}"#;
    let wrapped = fault(text);
    assert_eq!(
        (wrapped.type_name(), wrapped.message()),
        ("NotFound", Some("said"))
    );
    assert_eq!(wrapped.raw(), r#"{"_typeName":"NotFound"}"#);
    assert_eq!(serde_json::to_string(&wrapped).unwrap(), text);

    let twice =
        format!(r#"{{"_typeName":"LocalizedMethodFault","localizedMessage":"outer","fault":{text}}}"#);
    let twice = fault(&twice);
    assert_eq!((twice.type_name(), twice.message()), ("NotFound", Some("said")));

    let empty = fault(r#"{"_typeName":"LocalizedMethodFault","fault":null}"#);
    assert_eq!(empty.type_name(), "LocalizedMethodFault");
    let any: Any = decode_str(text).unwrap();
    assert_eq!(any.decode_value::<Fault>().unwrap(), wrapped);
}

#[test]
fn ancestry_is_walked_by_name() {
    let fault = fault(r#"{"_typeName":"NotAuthenticated"}"#);
    for base in [
        "NotAuthenticated",
        "NoPermission",
        "SecurityError",
        "RuntimeFault",
        "MethodFault",
    ] {
        assert!(fault.is_named(base, &FAULTS), "{base}");
    }
    assert!(!fault.is_named("VimFault", &FAULTS));
    assert_eq!(
        FAULTS.bases("NotAuthenticated").collect::<Vec<_>>(),
        ["NoPermission", "SecurityError", "RuntimeFault"]
    );
    assert_eq!(FAULTS.bases("Later").count(), 0);
    assert!(
        !FAULTS.is_a("Snake", "MethodFault"),
        "a circle in the table ends the walk"
    );
}

#[test]
#[should_panic(expected = "not sorted")]
fn ancestry_that_is_not_sorted_is_refused() {
    Ancestry::new(&[("NoPermission", "SecurityError"), ("InvalidLogin", "VimFault")]);
}

#[test]
#[should_panic(expected = "not sorted")]
fn ancestry_that_names_a_type_twice_is_refused() {
    Ancestry::new(&[("InvalidLogin", "VimFault"), ("InvalidLogin", "MethodFault")]);
}

#[test]
fn fault_is_viewed_only_as_what_it_is() {
    let fault = fault(TOO_MANY);
    assert!(fault.is_a::<MethodFault>());
    assert!(!fault.is_a::<ManagedObjectReference>());
    assert_eq!(
        fault.downcast::<MethodFault>().unwrap().unwrap(),
        fault.object().base().unwrap()
    );
}

#[test]
fn fault_made_here_is_read_back() {
    let made = Fault::new(&MethodFault {
        faultstring: Some("s".to_owned()),
        ..MethodFault::default()
    });
    assert_eq!(made.raw(), r#"{"_typeName":"MethodFault","faultstring":"s"}"#);
    assert_eq!((made.type_name(), made.message()), ("MethodFault", Some("s")));
}

#[test]
fn each_service_has_its_own_form_of_error() {
    let error = decode(Service::ViJson, 500, TOO_MANY).unwrap();
    assert_eq!(
        (error.code(), error.message()),
        ("TooMany", Some("batch too large"))
    );
    assert!(error.as_fault().is_some());

    let body = r#"{"error_type":"NOT_FOUND","messages":[{"id":"x","default_message":"no task","args":["a"]}],"data":null}"#;
    let error = decode(Service::VcenterRest, 404, body).unwrap();
    assert_eq!((error.code(), error.message()), ("NOT_FOUND", Some("no task")));
    assert_eq!(error.to_string(), "NOT_FOUND: no task");

    let body = r#"{"code":"VmReplicationNotFound","msg":"No such replication.","args":["C4-1"],"stacktrace":"at x.y"}"#;
    let error = decode(Service::Vcda, 404, body).unwrap();
    assert_eq!(
        (error.code(), error.message()),
        ("VmReplicationNotFound", Some("No such replication."))
    );
    assert!(!format!("{error} {error:?}").contains("x.y"));
    let ServiceError::Api(error) = error else {
        panic!("a VCDA error is expected")
    };
    assert_eq!(error.stacktrace.as_deref(), Some("at x.y"));
}

#[test]
fn std_error_comes_from_the_vi_json_address_as_well() {
    let error = decode(
        Service::ViJson,
        503,
        r#"{"error_type":"SERVICE_UNAVAILABLE","messages":[]}"#,
    )
    .unwrap();
    assert_eq!((error.code(), error.message()), ("SERVICE_UNAVAILABLE", None));
    let error = decode(Service::VcenterRest, 500, TOO_MANY).unwrap();
    assert_eq!(error.code(), "TooMany");
}

#[test]
fn std_error_without_a_type_is_told_by_the_status() {
    for (status, kind) in [
        (401, StdErrorType::Unauthenticated),
        (404, StdErrorType::NotFound),
        (500, StdErrorType::Error),
    ] {
        let error = decode(Service::VcenterRest, status, r#"{"messages":[]}"#).unwrap();
        assert_eq!(error.code(), kind.as_wire());
    }
}

#[test]
fn std_error_of_an_unknown_kind_keeps_its_text() {
    let text = r#"{"messages":[],"data":{"a": 1},"error_type":"LATER","challenge":"Basic","x":[1]}"#;
    let error: StdError = decode_str(text).unwrap();
    assert_eq!(
        error.error_type.as_ref().map(ToString::to_string).as_deref(),
        Some("LATER")
    );
    assert_eq!(serde_json::to_string(&error).unwrap(), text);
}

#[test]
fn std_error_of_the_rest_form_is_read() {
    let error = std_error(
        r#"{"type":"com.vmware.vapi.std.errors.unable_to_allocate_resource","value":{"messages":[{"id":"x","default_message":"full","args":[]}]}}"#,
    );
    assert_eq!(error.error_type, Some(StdErrorType::UnableToAllocateResource));
    assert_eq!(error.message(), Some("full"));
}

#[test]
fn half_an_error_is_better_than_none() {
    assert_eq!(
        std_error(r#"{"error_type":"TIMED_OUT","messages":"none"}"#).error_type,
        Some(StdErrorType::TimedOut)
    );
    assert_eq!(
        std_error(r#"{"messages":[{"localized":"l"}]}"#).message(),
        Some("l")
    );
    let error = decode(Service::Vcda, 500, r#"{"code":"X","msg":"m","args":[null]}"#).unwrap();
    assert_eq!(
        error,
        ServiceError::Api(ApiError {
            code: Some("X".into()),
            msg: Some("m".into()),
            ..ApiError::default()
        })
    );
}

#[test]
fn what_is_not_an_error_body_is_none() {
    let page = b"<html>bad gateway</html>";
    for service in [Service::ViJson, Service::VcenterRest, Service::Vcda] {
        for content_type in [None, Some("text/html"), Some("application/json")] {
            assert_eq!(ServiceError::decode(service, 502, content_type, page), None);
        }
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "7",
            r#"{"error":"no upstream"}"#,
            "{\"code\":",
            "\u{feff}",
        ] {
            assert_eq!(decode(service, 500, body), None, "{body}");
        }
        assert_eq!(
            ServiceError::decode(service, 500, Some("text/plain"), TOO_MANY.as_bytes()),
            None
        );
        assert_eq!(
            ServiceError::decode(
                service,
                200,
                None,
                br#"{"code":"X","error_type":"ERROR","faultstring":""}"#
            ),
            None
        );
        assert_eq!(
            ServiceError::decode(service, 500, None, &[0xff, 0xfe, b'{']),
            None
        );
    }
}

#[test]
fn content_type_counts_by_its_suffix() {
    for content_type in [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/vnd.vmware.h4-v4.6+json;charset=UTF-8",
    ] {
        let body = br#"{"code":"X"}"#;
        assert!(
            ServiceError::decode(Service::Vcda, 400, Some(content_type), body).is_some(),
            "{content_type}"
        );
    }
}
