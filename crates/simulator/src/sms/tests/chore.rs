use serde_json::{Value, json};

use super::{WEST, bench, call, ids, info, refused};
use crate::exchange::Answer;
use crate::sms::VasaSpec;
use crate::testbench::Bench;

fn manage(bench: &mut Bench, method: &str, body: &Value) -> Answer {
    bench.post(
        WEST,
        &format!("/sms/SmsStorageManager/storageManager/{method}"),
        body,
    )
}

/// The end of a task that was begun.
fn end(bench: &mut Bench, started: &Answer) -> Value {
    bench.pass(10_000);
    info(bench, WEST, started)
}

fn registration(bench: &Bench, change: impl Fn(&mut Value)) -> Value {
    let (user, password) = bench.world.sms().provider_login("vasaProvider-west-1").unwrap();
    let mut spec = json!({
        "_typeName": "VasaProviderSpec",
        "name": "west again",
        "description": "back",
        "username": user,
        "password": password,
        "url": "https://array-west-1.sim.invalid:8443/vasa/version.xml",
    });
    change(&mut spec);
    json!({"providerSpec": spec})
}

fn provider_info(bench: &mut Bench) -> Value {
    call(bench, WEST, 1, "QueryProviderInfo", &Value::Null).value()
}

#[test]
fn a_provider_that_was_removed_cannot_be_called_until_it_is_registered_again() {
    let mut bench = bench(VasaSpec::default());
    let started = manage(
        &mut bench,
        "UnregisterProvider_Task",
        &json!({"providerId": "uid-west-1"}),
    );
    assert_eq!(end(&mut bench, &started)["state"], "success");
    let gone = call(
        &mut bench,
        WEST,
        1,
        "QueryReplicationGroup",
        &json!({"groupId": ids(WEST, &[1])}),
    );
    assert_eq!(refused(&gone), "ManagedObjectNotFound");
    let known = manage(&mut bench, "QueryProvider", &Value::Null).value();
    assert_eq!(known.as_array().map(Vec::len), Some(1));
    let again = manage(
        &mut bench,
        "UnregisterProvider_Task",
        &json!({"providerId": "uid-west-1"}),
    );
    assert_eq!(refused(&again), "NotFound");
    let body = registration(&bench, |_| {});
    let started = manage(&mut bench, "RegisterProvider_Task", &body);
    let ended = end(&mut bench, &started);
    assert_eq!(ended["result"]["value"], "vasaProvider-west-1");
    let told = provider_info(&mut bench);
    assert_eq!(
        (&told["name"], &told["description"]),
        (&json!("west again"), &json!("back"))
    );
    assert_eq!(
        refused(&manage(&mut bench, "RegisterProvider_Task", &body)),
        "AlreadyExists"
    );
}

#[test]
fn a_registration_is_refused_for_what_is_wrong_with_it() {
    let mut spec = VasaSpec {
        untrusted_certificates: true,
        ..VasaSpec::default()
    };
    spec.providers[0].unregistered_at = vec![WEST.to_owned()];
    let mut bench = bench(spec);
    let mut refusal = |change: &dyn Fn(&mut Value)| {
        let body = registration(&bench, change);
        let answer = manage(&mut bench, "RegisterProvider_Task", &body);
        (refused(&answer), answer.value()["certificate"].clone())
    };
    assert_eq!(
        refusal(&|spec| spec["url"] = json!("https://nowhere.invalid")).0,
        "InvalidUrl"
    );
    assert_eq!(
        refusal(&|spec| spec["password"] = json!("wrong")).0,
        "IncorrectUsernamePassword"
    );
    let (fault, certificate) = refusal(&|_| {});
    assert_eq!(fault, "CertificateNotTrusted");
    let body = registration(&bench, |spec| spec["certificate"] = certificate.clone());
    let started = manage(&mut bench, "RegisterProvider_Task", &body);
    assert_eq!(end(&mut bench, &started)["state"], "success");
}

#[test]
fn a_revoked_certificate_ends_the_connection_until_it_is_renewed_and_connected_anew() {
    let mut bench = bench(VasaSpec::default());
    let run = |bench: &mut Bench, method: &str| {
        let started = call(bench, WEST, 1, method, &Value::Null);
        end(bench, &started)["state"].clone()
    };
    assert_eq!(run(&mut bench, "VasaProviderRevokeCertificate_Task"), "success");
    let told = provider_info(&mut bench);
    assert_eq!(
        (&told["status"], &told["certificateStatus"]),
        (&json!("offline"), &json!("invalid"))
    );
    let asked = call(&mut bench, WEST, 1, "QueryReplicationGroup", &json!({}));
    assert_eq!(refused(&asked), "ProviderUnavailable");
    let early = call(&mut bench, WEST, 1, "VasaProviderReconnect_Task", &Value::Null);
    assert_eq!(refused(&early), "InvalidCertificate");
    assert_eq!(run(&mut bench, "VasaProviderRefreshCertificate_Task"), "success");
    assert_eq!(run(&mut bench, "VasaProviderReconnect_Task"), "success");
    let renewed = provider_info(&mut bench);
    assert_eq!(
        (&renewed["status"], &renewed["certificateStatus"]),
        (&json!("online"), &json!("valid"))
    );
    assert_ne!(told["certificateExpiryDate"], renewed["certificateExpiryDate"]);
}

#[test]
fn what_refuses_a_call_can_come_as_the_error_of_its_task() {
    let spec = VasaSpec {
        refuses_in_task: true,
        ..VasaSpec::default()
    };
    let mut bench = bench(spec);
    bench
        .world
        .sms_mut()
        .set_provider_online("vasaProvider-west-1", false);
    let started = call(&mut bench, WEST, 1, "VasaProviderSync_Task", &json!({}));
    let ended = end(&mut bench, &started);
    assert_eq!(ended["state"], "error");
    assert_eq!(ended["error"]["_typeName"], "ProviderSyncFailed");
}

#[test]
fn authorities_go_to_the_providers_named_or_to_all() {
    let mut bench = bench(VasaSpec::default());
    let sent = |bench: &Bench| -> Vec<Value> {
        let state = bench.world.state();
        let providers = state["vasa"]["providers"].as_array().unwrap().iter();
        providers
            .map(|provider| provider["authorities_sent"].clone())
            .collect()
    };
    let method = "SmsRefreshCACertificatesAndCRLs_Task";
    for body in [json!({}), json!({"providerId": ["uid-west-2"]})] {
        let started = manage(&mut bench, method, &body);
        assert_eq!(end(&mut bench, &started)["state"], "success");
    }
    assert_eq!(sent(&bench), [0, 0, 1, 2]);
    let unknown = manage(&mut bench, method, &json!({"providerId": ["uid-none"]}));
    assert_eq!(refused(&unknown), "NotFound");
}

#[test]
fn an_upgrade_raises_the_version_and_a_reading_the_time_of_the_last_one() {
    let mut bench = bench(VasaSpec::default());
    let before = provider_info(&mut bench);
    let (user, password) = bench.world.sms().provider_login("vasaProvider-west-1").unwrap();
    let body = json!({"upgradeSpec": {
        "_typeName": "VASAProviderUpgradeSpec",
        "providerUid": "uid-west-1",
        "username": user,
        "password": password,
    }});
    let started = manage(&mut bench, "UpgradeVASAProvider_Task", &body);
    assert_eq!(
        end(&mut bench, &started)["result"]["value"],
        "vasaProvider-west-1"
    );
    let reading = json!({"arrayId": "array-west-1"});
    let started = call(&mut bench, WEST, 1, "VasaProviderSync_Task", &reading);
    let twice = call(&mut bench, WEST, 1, "VasaProviderSync_Task", &reading);
    assert_eq!(refused(&twice), "SyncInProgress");
    assert_eq!(end(&mut bench, &started)["state"], "success");
    let after = provider_info(&mut bench);
    assert_ne!(before["version"], after["version"]);
    assert_ne!(before["lastSyncTime"], after["lastSyncTime"]);
    let other = call(
        &mut bench,
        WEST,
        1,
        "VasaProviderSync_Task",
        &json!({"arrayId": "array-west-2"}),
    );
    assert_eq!(refused(&other), "InvalidArgument");
}
