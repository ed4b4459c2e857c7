//! Credentials of the management vCenter: who is trusted, who may log in, and where none are needed.

use http::Method;
use serde_json::{Value, json};

use super::{bench, call, is_refused};
use crate::testbench::Bench;
use crate::vcha::{ManagementSpec, VchaSpec};

fn location(known: &ManagementSpec) -> Value {
    json!({
        "hostname": known.hostname,
        "port": 443,
        "username": known.username,
        "password": known.password,
    })
}

fn get(bench: &mut Bench, location: &Value) -> crate::exchange::Answer {
    let body = json!({"vc_spec": {"active_location": location}});
    call(bench, Method::POST, "?action=get", &body)
}

#[test]
fn an_unknown_certificate_is_shown_and_then_taken_back() {
    for (thumbprints_only, wants_sha1) in [(false, false), (true, false), (true, true)] {
        let spec = VchaSpec {
            thumbprints_only,
            wants_sha1,
            ..VchaSpec::default()
        };
        let known = spec.management.clone();
        let mut bench = bench(spec);
        let refused = get(&mut bench, &location(&known));
        assert!(is_refused(&refused, 400, "UNVERIFIED_PEER"));
        let data = refused.value()["data"].clone();
        assert_eq!(data["ssl_thumbprint"], json!(known.sha256));
        assert_eq!(data.get("ssl_certificate").is_none(), thumbprints_only);
        let mut with = |name: &str, value: &Value| {
            let mut location = location(&known);
            location[name] = value.clone();
            get(&mut bench, &location).status
        };
        let certificate = if thumbprints_only { 400 } else { 200 };
        assert_eq!(with("ssl_certificate", &json!(known.certificate)), certificate);
        let sha256 = if wants_sha1 { 400 } else { 200 };
        assert_eq!(with("ssl_thumbprint", &data["ssl_thumbprint"]), sha256);
        assert_eq!(with("ssl_thumbprint", &json!(known.sha1)), 200);
        assert_eq!(with("ssl_thumbprint", &json!("00:11")), 400);
    }
}

#[test]
fn thumbprint_and_certificate_exclude_one_another() {
    let known = ManagementSpec::default();
    let mut bench = bench(VchaSpec::default());
    let mut location = location(&known);
    location["ssl_thumbprint"] = json!(known.sha1);
    location["ssl_certificate"] = json!(known.certificate);
    assert!(is_refused(&get(&mut bench, &location), 400, "INVALID_ARGUMENT"));
}

#[test]
fn a_wrong_host_port_user_or_password_is_refused() {
    let known = ManagementSpec::default();
    let mut bench = bench(VchaSpec::default());
    for (name, value) in [
        ("hostname", json!("elsewhere.invalid")),
        ("port", json!(70_000)),
        ("username", json!("somebody")),
        ("password", json!("wrong")),
        ("password", Value::Null),
    ] {
        let mut location = location(&known);
        location["ssl_thumbprint"] = json!(known.sha1);
        location[name] = value;
        assert!(
            is_refused(&get(&mut bench, &location), 400, "INVALID_ARGUMENT"),
            "{name}"
        );
    }
}

#[test]
fn a_partial_read_needs_no_credentials_where_a_full_one_does() {
    let mut bench = bench(VchaSpec {
        management: ManagementSpec {
            is_another: true,
            ..ManagementSpec::default()
        },
        ..VchaSpec::default()
    });
    for path in ["?action=get", "/active?action=get"] {
        let partial = call(&mut bench, Method::POST, path, &json!({"partial": true}));
        assert_eq!(partial.status, 200);
        assert!(!partial.value().to_string().contains("placement"));
        let full = call(&mut bench, Method::POST, path, &json!({}));
        assert!(is_refused(&full, 400, "INVALID_ARGUMENT"));
    }
}

#[test]
fn a_password_of_a_world_is_not_shown() {
    let shown = format!("{:?}", ManagementSpec::default());
    assert!(!shown.contains("sim-management"), "{shown}");
}
