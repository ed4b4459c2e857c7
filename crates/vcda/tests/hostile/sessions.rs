//! Log-ins, sessions and extensions that end or fail in odd ways.

use farside_models_vcda::VmReplicationsListQuery;
use farside_models_vcda::operation::{SESSIONS_EXTEND, SESSIONS_LOGIN};
use farside_transport::Effect;
use farside_transport::testing::{Answer, ScriptedTransport};
use farside_vcda::Extension;

use crate::support::{logged_in, no_json, over, page, service};

#[tokio::test(start_paused = true)]
async fn a_401_of_whichever_code_but_that_of_another_site_ends_the_session() {
    for body in [
        r#"{"msg": "your session is over"}"#,
        r#"{"code": "SessionExpired", "msg": null}"#,
        r#"{"code": null, "msg": "no", "args": null}"#,
        "{}",
        "",
    ] {
        let answer = move |_: &str, nth| match nth {
            0 => Answer::json(401, body),
            _ => page(r#"{"items": [], "total": 0}"#),
        };
        let (client, script) = service(answer, |builder| builder);
        let all = VmReplicationsListQuery::default();
        assert!(client.list_vm_replications(&all).await.is_ok(), "{body}");
        assert_eq!(script.count(&SESSIONS_LOGIN), 2, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_proxy_in_place_of_a_log_in_does_not_hold_off_the_next_one() {
    for status in [400, 404, 405, 410] {
        let script = ScriptedTransport::with(|call, _| match call.operation.id {
            id if id == SESSIONS_LOGIN.id => logged_in(),
            _ => page(r#"{"items": [], "total": 0}"#),
        });
        let (client, script) = over(script.answer(&SESSIONS_LOGIN, no_json(status)), |builder| builder);
        let all = VmReplicationsListQuery::default();
        let refused = client.list_vm_replications(&all).await.unwrap_err();
        assert_eq!(refused.effect(), Effect::NotSent);
        assert!(client.list_vm_replications(&all).await.is_ok(), "{status}");
        assert_eq!(script.count(&SESSIONS_LOGIN), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_proxy_in_place_of_an_extension_does_not_hold_off_the_next_one() {
    let script = ScriptedTransport::with(|call, _| match call.operation.id {
        id if id == SESSIONS_LOGIN.id || id == SESSIONS_EXTEND.id => logged_in(),
        _ => page(r#"{"items": [], "total": 0}"#),
    });
    let (client, script) = over(script.answer(&SESSIONS_EXTEND, no_json(404)), |builder| {
        let org = "tenant".to_owned();
        builder.site("east").extend("east", Extension::Associated { org })
    });
    let all = VmReplicationsListQuery::default();
    assert!(client.list_vm_replications(&all).await.is_err());
    assert!(client.list_vm_replications(&all).await.is_ok());
    assert_eq!(script.count(&SESSIONS_EXTEND), 2);
}
