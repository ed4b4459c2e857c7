use bytes::Bytes;
use farside_wire::Repeat;
use http::Request;

use super::*;
use crate::testing::BLANK_OPERATION;
use crate::testing::operations::READ;

const BY_TOKEN: Operation = Operation {
    id: "getSession",
    path: "/sessions/{token}/things/{id}",
    repeat: Repeat::Harmless,
    ..BLANK_OPERATION
};

fn request(uri: &str, headers: &[(&'static str, &str)], body: &str) -> Call {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Bytes::copy_from_slice(body.as_bytes());
    Call::new(&BY_TOKEN, "thing 1", request.body(body).unwrap())
}

fn struck(strike_out: &StrikeOut, call: &Call) -> RecordedRequest {
    strike_out.request(call, &mut strike_out.vault())
}

fn json(body: &RecordedBody) -> &str {
    match body {
        RecordedBody::Json(json) => json.get(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn paths_and_queries_lose_what_is_a_secret_by_its_name() {
    let call = request(
        "/base/sessions/abc%2Fdef/things/7?x=1&access_token=ghi%20j&y",
        &[],
        "",
    );
    let mut vault = Vault::default();
    let recorded = StrikeOut::new().request(&call, &mut vault);
    assert_eq!(
        recorded.path,
        "/base/sessions/~struck-out.token~/things/7?x=1&access_token=~struck-out.access_token~&y"
    );
    let mut echo = "/of/abc%2fdef?z=abc/def".to_owned();
    vault.scrub_path(&mut echo);
    assert_eq!(echo, "/of/~struck-out.token~?z=~struck-out.token~");
}

#[test]
fn headers_are_kept_if_they_matter_and_struck_out_if_they_are_secrets() {
    let mut call = request(
        "/x",
        &[
            ("accept", "application/json"),
            ("authorization", "Basic cm9vdDpodW50ZXIyMg=="),
            ("cookie", "a=b; session=0123456789"),
            ("user-agent", "farside"),
            ("x-api-key", "sesame-open"),
            ("operationid", "op-1"),
        ],
        "",
    );
    let mut marked = HeaderValue::from_static("marked-value");
    marked.set_sensitive(true);
    call.request.headers_mut().insert("x-odd", marked);
    let mut vault = Vault::default();
    let kept = StrikeOut::new()
        .keep_header("OperationID")
        .request(&call, &mut vault)
        .headers;
    let kept: Vec<(&str, &str)> = kept
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        kept,
        [
            ("accept", "application/json"),
            ("authorization", "~struck-out.authorization~"),
            ("cookie", "~struck-out.cookie~"),
            ("x-api-key", "~struck-out.x-api-key~"),
            ("operationid", "op-1"),
            ("x-odd", "~struck-out.x-odd~"),
        ]
    );
    let mut echo = "hunter22 cm9vdDpodW50ZXIyMg== 0123456789 sesame-open marked-value".to_owned();
    vault.scrub(&mut echo);
    assert_eq!(
        echo,
        "~struck-out.authorization~ ~struck-out.authorization~ ~struck-out.cookie~ ~struck-out.x-api-key~ \
         ~struck-out.x-odd~"
    );
}

#[test]
fn a_query_in_a_location_loses_its_secrets() {
    let mut headers = HeaderMap::new();
    headers.insert(
        "location",
        HeaderValue::from_static("/console?ticket=cst-VCT-1&x=1"),
    );
    let kept = StrikeOut::new().headers(&headers, &mut Vault::default());
    assert_eq!(kept[0].1, "/console?ticket=~struck-out.ticket~&x=1");
}

#[test]
fn attributes_of_a_cookie_are_no_secrets() {
    let mut headers = HeaderMap::new();
    let cookie = HeaderValue::from_static("session=0123456789; Path=/api/v1; HttpOnly");
    headers.insert("set-cookie", cookie);
    let mut vault = Vault::default();
    StrikeOut::new().headers(&headers, &mut vault);
    let mut text = "/api/v1 0123456789".to_owned();
    vault.scrub(&mut text);
    assert_eq!(text, "/api/v1 ~struck-out.set-cookie~");
}

#[test]
fn bodies_lose_secrets_that_are_known_named_or_marked() {
    let call = request("/x", &[], r#"{"vcdPassword":"a","recoveryKey":"b","user":"c"}"#);
    let recorded = struck(&StrikeOut::new().member("RecoveryKey"), &call);
    assert_eq!(
        json(&recorded.body),
        r#"{"vcdPassword":"~struck-out.vcdPassword~","recoveryKey":"~struck-out.recoveryKey~","user":"c"}"#
    );
}

#[test]
fn what_is_not_json_is_kept_on_request_only() {
    let call = request("/x", &[], "user=root&password=hunter22");
    assert!(matches!(
        struck(&StrikeOut::new(), &call).body,
        RecordedBody::Omitted(27)
    ));
    let strike_out = StrikeOut::new().keep_text().value(&Secret::new("hunter22"));
    let mut body = struck(&strike_out, &call).body;
    strike_out.scrub_body(&mut body, &strike_out.vault());
    assert!(
        matches!(&body, RecordedBody::Text(text) if text == "user=root&password=~struck-out.value~"),
        "{body:?}"
    );
}

#[test]
fn an_answer_that_is_a_secret_goes_whole() {
    const CREATE: Operation = Operation {
        id: "Cis.Session_create",
        ..BLANK_OPERATION
    };
    let strike_out = StrikeOut::new().answer_of("getSession");
    for operation in [&CREATE, &BY_TOKEN] {
        let body = strike_out.answer_body(operation, br#""b00063ca""#, &mut Vault::default());
        assert_eq!(json(&body), r#""~struck-out.answer~""#);
    }
    let body = strike_out.answer_body(&READ, br#""task-12""#, &mut Vault::default());
    assert_eq!(json(&body), r#""task-12""#);
    let text = strike_out
        .keep_text()
        .answer_body(&BY_TOKEN, b"b00063ca", &mut Vault::default());
    assert!(matches!(text, RecordedBody::Omitted(8)), "{text:?}");
}

#[test]
fn a_short_value_is_struck_out_in_its_place_only_unless_it_was_named() {
    let mut vault = Vault::of(&[Secret::new("xyz"), Secret::new("")]);
    assert_eq!(vault.strike("password", "abc"), "~struck-out.password~");
    let mut text = "abc xyz".to_owned();
    vault.scrub(&mut text);
    assert_eq!(text, "abc ~struck-out.value~");
}

#[test]
fn placeholders_and_the_names_of_secrets_survive_a_value_that_looks_like_them() {
    let strike_out = StrikeOut::new();
    let mut vault = strike_out.vault();
    let call = request(
        "/x",
        &[],
        r#"{"password":"password","note":"my password","passwords":1}"#,
    );
    let mut body = strike_out.request(&call, &mut vault).body;
    strike_out.scrub_body(&mut body, &vault);
    assert_eq!(
        json(&body),
        r#"{"password":"~struck-out.password~","note":"my ~struck-out.password~","passwords":0}"#
    );
}

#[test]
fn the_longest_value_wins_and_a_vault_shows_none() {
    let vault = Vault::of(&[Secret::new("hunter"), Secret::new("hunter2")]);
    let mut text = "hunter2hunter~struck-out.".to_owned();
    vault.scrub(&mut text);
    assert_eq!(text, "~struck-out.value~~struck-out.value~~struck-out.");
    assert_eq!(format!("{vault:?}"), "Vault(2 values)");
}
