//! Providers come, go and are looked after.

use farside_models_sms::{
    RegisterProviderRequest, SmsRefreshCACertificatesAndCRLsRequest, UnregisterProviderRequest,
    UpgradeVASAProviderRequest, VASAProviderUpgradeSpec, VasaProviderSpec, VasaProviderSyncRequest,
};
use farside_simulator::sms::VasaSpec;
use farside_transport::{PollPolicy, WaitErrorKind};
use farside_wire::{Object, Secret};

use crate::support::{Pair, Site};

fn login(pair: &Pair) -> (String, String) {
    let world = pair.simulator.world();
    let (user, password) = world.sms().provider_login("vasaProvider-west-1").unwrap();
    (user.to_owned(), password.to_owned())
}

fn registration(pair: &Pair, password: &str) -> RegisterProviderRequest {
    let (user, _) = login(pair);
    let url = "https://array-west-1.sim.invalid:8443/vasa/version.xml";
    let spec = VasaProviderSpec::new("west again", user, Secret::new(password), url).with_description("back");
    RegisterProviderRequest::new(Object::new(&spec))
}

async fn certificate_expiry(site: &Site) -> Option<String> {
    let provider = site.client.provider(&site.providers[0]).await.unwrap().unwrap();
    provider.info.certificate_expiry_date
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_taken_out_and_registered_again() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let manager = west.client.storage_manager().await.unwrap();
    let out = manager
        .unregister_provider(&UnregisterProviderRequest::new("uid-west-1"))
        .await
        .unwrap();
    pair.done(out).await;
    assert_eq!(west.client.providers().await.unwrap().len(), 1);
    let (_, password) = login(&pair);
    let request = registration(&pair, &password);
    assert!(
        !format!("{request:?}").contains(&password),
        "a password is not shown"
    );
    let back = manager.register_provider(&request).await.unwrap();
    assert_eq!(pair.done(back).await.value, west.providers[0].as_str());
    let provider = west.client.provider(&west.providers[0]).await.unwrap().unwrap();
    assert!(provider.is_called("west again") && provider.is_online());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_known_whether_it_comes_with_the_call_or_with_the_task() {
    for refuses_in_task in [false, true] {
        let mut spec = VasaSpec::default();
        spec.refuses_in_task = refuses_in_task;
        spec.providers[0].unregistered_at = vec!["vc-west".to_owned()];
        let pair = Pair::new(spec);
        let west = pair.site("vc-west").await;
        let manager = west.client.storage_manager().await.unwrap();
        let code = match manager.register_provider(&registration(&pair, "wrong")).await {
            Err(error) => error.fault().unwrap().type_name().to_owned(),
            Ok(work) => {
                let limit = std::time::Duration::from_secs(60);
                let ended = work
                    .until_done(limit, pair.clock.as_ref(), PollPolicy::default())
                    .await;
                match ended.unwrap_err().into_kind() {
                    WaitErrorKind::Failed(error) => error.code().to_owned(),
                    other => panic!("{other:?}"),
                }
            }
        };
        assert_eq!(code, "IncorrectUsernamePassword", "{refuses_in_task}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_registration_is_upgraded_and_a_provider_read_anew() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let manager = west.client.storage_manager().await.unwrap();
    let version = async || {
        west.client
            .provider(&west.providers[0])
            .await
            .unwrap()
            .unwrap()
            .info
    };
    let before = version().await;
    let (user, password) = login(&pair);
    let spec = VASAProviderUpgradeSpec::new("uid-west-1", user, Secret::new(password));
    let upgrade = manager
        .upgrade_provider(&UpgradeVASAProviderRequest::new(spec))
        .await
        .unwrap();
    assert_eq!(pair.done(upgrade).await.type_, "VasaProvider");
    let request = VasaProviderSyncRequest::default().with_array_id("array-west-1");
    let reading = west.client.at(&west.providers[0]).sync(&request).await.unwrap();
    pair.done(reading).await;
    let after = version().await;
    assert_ne!(before.version, after.version);
    assert_ne!(before.last_sync_time, after.last_sync_time);
}

#[tokio::test(start_paused = true)]
async fn certificates_are_renewed_and_revoked() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let provider = west.client.at(&west.providers[0]);
    let manager = west.client.storage_manager().await.unwrap();
    let request =
        SmsRefreshCACertificatesAndCRLsRequest::default().with_provider_id(vec!["uid-west-1".to_owned()]);
    let sent = manager.refresh_authorities(&request).await.unwrap();
    pair.done(sent).await;
    let state = pair.simulator.world().state();
    let told: Vec<_> = state["vasa"]["providers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|known| &known["authorities_sent"])
        .collect();
    assert_eq!(told, [0, 0, 1, 0]);
    let before = certificate_expiry(&west).await;
    pair.done(provider.revoke_certificate().await.unwrap()).await;
    let revoked = west.client.provider(&west.providers[0]).await.unwrap().unwrap();
    assert!(!revoked.is_online());
    pair.done(provider.refresh_certificate().await.unwrap()).await;
    pair.done(provider.reconnect().await.unwrap()).await;
    assert!(
        west.client
            .provider(&west.providers[0])
            .await
            .unwrap()
            .unwrap()
            .is_online()
    );
    assert_ne!(certificate_expiry(&west).await, before);
}
