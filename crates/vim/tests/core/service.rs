//! Sessions and the service itself.

use std::time::Duration;

use farside_models_vim::{
    AcquireGenericServiceTicketRequest, AcquireLocalTicketRequest, CloneSessionRequest,
    ImpersonateUserRequest, LoginBySSPIRequest, LoginByTokenRequest, LoginExtensionByCertificateRequest,
    LoginExtensionBySubjectNameRequest, LoginRequest, QueryVMotionCompatibilityRequest,
    SessionIsActiveRequest, SessionManagerHttpServiceRequestSpec, SetLocaleRequest, TerminateSessionRequest,
    UpdateServiceMessageRequest, ValidateMigrationRequest, VirtualMachinePowerState,
};
use farside_simulator::WorldSpec;
use farside_transport::Clock as _;
use farside_vim::KNOWN_RELEASES;
use farside_wire::{Object, Secret};

use crate::support::{EAST, Site, fault, of};

#[tokio::test(start_paused = true)]
async fn the_service_says_what_it_is_and_what_time_it_is() {
    let site = Site::new();
    let client = site.client();
    let service = client.service_instance();
    let content = service.content().await.unwrap();
    assert_eq!(content.root_folder.value, "group-d1");
    assert_eq!(service.retrieve_service_content().await.unwrap(), content);
    let (now, clock) = (
        service.current_time().await.unwrap(),
        service.server_clock().await.unwrap(),
    );
    assert_eq!(now, clock);
    site.clock.sleep(Duration::from_secs(60)).await;
    assert!(service.current_time().await.unwrap() > now);
    assert!(service.capability().await.unwrap().multi_host_supported);
    assert_eq!(service.product_components().await.unwrap()[0].id, "sim");
}

#[tokio::test(start_paused = true)]
async fn moves_are_checked_and_nothing_is_moved() {
    let site = Site::new();
    let service = site.client().service_instance();
    let vm = of("VirtualMachine", "vm-1001");
    let hosts = vec![of("HostSystem", "host-11"), of("HostSystem", "host-12")];
    let asked =
        QueryVMotionCompatibilityRequest::new(vm.clone(), hosts).with_compatibility(vec!["cpu".to_owned()]);
    let suited = service.query_vmotion_compatibility(&asked).await.unwrap();
    assert_eq!(
        suited
            .iter()
            .map(|host| host.compatibility.clone())
            .collect::<Vec<_>>(),
        [["cpu"], ["cpu"]]
    );
    let check = ValidateMigrationRequest::new(vec![vm])
        .with_state(VirtualMachinePowerState::PoweredOff)
        .with_test_type(vec!["sourceTests".to_owned()])
        .with_pool(of("ResourcePool", "resgroup-19"))
        .with_host(of("HostSystem", "host-12"));
    assert!(service.validate_migration(&check).await.unwrap().is_empty());
    for (vm, state, expected) in [
        (of("VirtualMachine", "vm-none"), None, "ManagedObjectNotFound"),
        (of("Folder", "group-v13"), None, "ManagedObjectNotFound"),
        (
            of("VirtualMachine", "vm-1001"),
            Some(VirtualMachinePowerState::PoweredOn),
            "InvalidPowerState",
        ),
    ] {
        let mut refused = ValidateMigrationRequest::new(vec![vm]);
        refused.state = state;
        let refused = service.validate_migration(&refused).await.unwrap_err();
        assert_eq!(fault(&refused), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_are_listed_checked_and_ended() {
    let site = Site::new();
    let (one, two) = (site.client(), site.client());
    let sessions = one.session_manager().await.unwrap();
    let own = sessions.current_session().await.unwrap().unwrap();
    let other = two
        .session_manager()
        .await
        .unwrap()
        .current_session()
        .await
        .unwrap()
        .unwrap();
    let mut keys: Vec<_> = sessions
        .session_list()
        .await
        .unwrap()
        .into_iter()
        .map(|session| session.key)
        .collect();
    keys.sort();
    let mut both = [own.key.clone(), other.key.clone()];
    both.sort();
    assert_eq!(keys, both);
    let active = SessionIsActiveRequest::new(&other.key, &other.user_name);
    assert!(sessions.session_is_active(&active).await.unwrap());
    sessions
        .terminate_session(&TerminateSessionRequest::new(vec![other.key.clone()]))
        .await
        .unwrap();
    assert!(!sessions.session_is_active(&active).await.unwrap());
    let again = sessions
        .terminate_session(&TerminateSessionRequest::new(vec![other.key.clone()]))
        .await;
    assert_eq!(fault(&again.unwrap_err()), "NotFound");
    // A client whose session somebody ended opens another one.
    let next = two
        .session_manager()
        .await
        .unwrap()
        .current_session()
        .await
        .unwrap();
    assert!(next.is_none_or(|next| next.key != other.key));
    sessions.logout().await.unwrap();
    assert_eq!(
        one.service_instance().current_time().await.map(|_| ()).ok(),
        Some(())
    );
}

#[tokio::test(start_paused = true)]
async fn locales_and_the_message_to_all_are_set_and_read() {
    let site = Site::new();
    let sessions = site.client().session_manager().await.unwrap();
    assert_eq!(sessions.default_locale().await.unwrap(), "en");
    assert_eq!(sessions.message_locale_list().await.unwrap(), ["en"]);
    assert!(
        sessions
            .supported_locale_list()
            .await
            .unwrap()
            .contains(&"fr".to_owned())
    );
    sessions.set_locale(&SetLocaleRequest::new("fr")).await.unwrap();
    assert_eq!(sessions.current_session().await.unwrap().unwrap().locale, "fr");
    let strange = sessions.set_locale(&SetLocaleRequest::new("xx")).await;
    assert_eq!(fault(&strange.unwrap_err()), "InvalidLocale");
    assert_eq!(sessions.message().await.unwrap(), None);
    sessions
        .update_service_message(&UpdateServiceMessageRequest::new("down at noon"))
        .await
        .unwrap();
    assert_eq!(sessions.message().await.unwrap().as_deref(), Some("down at noon"));
}

#[tokio::test(start_paused = true)]
async fn every_way_to_log_in_opens_a_session_of_its_own() {
    let site = Site::new();
    let sessions = site.client().session_manager().await.unwrap();
    let first = sessions.current_session().await.unwrap().unwrap().key;
    let login = LoginRequest::new(site.user(), site.password()).with_locale("de");
    let opened = sessions.login(&login).await.unwrap();
    assert_eq!((opened.locale.as_str(), opened.key == first), ("de", false));
    let own = sessions.current_session().await.unwrap().unwrap();
    assert_eq!(
        own.key, opened.key,
        "the client goes on in the session that it opened"
    );

    let ticket = sessions.acquire_clone_ticket().await.unwrap();
    let clone = CloneSessionRequest::new(ticket);
    assert_eq!(
        sessions.clone_session(&clone).await.unwrap().user_name,
        own.user_name
    );
    assert_eq!(
        fault(&sessions.clone_session(&clone).await.unwrap_err()),
        "InvalidLogin",
        "it works once"
    );

    let bearer = Secret::new(format!("Bearer {}", site.password().expose()));
    let by_token = LoginByTokenRequest::default().with_locale("en");
    assert_eq!(
        sessions
            .login_by_token(&by_token, &bearer)
            .await
            .unwrap()
            .user_name,
        own.user_name
    );
    let wrong = sessions.login_by_token(&by_token, &Secret::new("Bearer x")).await;
    assert_eq!(fault(&wrong.unwrap_err()), "InvalidLogin");

    let challenge = LoginBySSPIRequest::new(Secret::new("c3NwaS1maXJzdA==")).with_locale("en");
    assert_eq!(
        fault(&sessions.login_by_sspi(&challenge).await.unwrap_err()),
        "SSPIChallenge"
    );
    let answer = LoginBySSPIRequest::new(Secret::new("c3NwaS1zZWNvbmQ=")).with_locale("en");
    assert_eq!(
        sessions.login_by_sspi(&answer).await.unwrap().user_name,
        own.user_name
    );

    let key = "com.example.recovery";
    let by_certificate = LoginExtensionByCertificateRequest::new(key).with_locale("en");
    assert!(
        sessions
            .login_extension_by_certificate(&by_certificate)
            .await
            .unwrap()
            .extension_session
    );
    let by_name = LoginExtensionBySubjectNameRequest::new(key).with_locale("en");
    assert!(
        sessions
            .login_extension_by_subject_name(&by_name)
            .await
            .unwrap()
            .extension_session
    );
    let other = ImpersonateUserRequest::new(&own.user_name).with_locale("ja");
    let as_other = sessions.impersonate_user(&other).await.unwrap();
    assert_eq!(
        (as_other.user_name, as_other.locale.as_str()),
        (own.user_name, "ja")
    );
}

#[tokio::test(start_paused = true)]
async fn tickets_for_others_are_given() {
    let site = Site::new();
    let sessions = site.client().session_manager().await.unwrap();
    let spec =
        SessionManagerHttpServiceRequestSpec::new("https://esx.sim.invalid/folder/x").with_method("httpGet");
    let request = AcquireGenericServiceTicketRequest::new(Object::new(&spec));
    let ticket = sessions.acquire_generic_service_ticket(&request).await.unwrap();
    assert_eq!(ticket.host_name.as_deref(), Some(EAST));
    let local = sessions
        .acquire_local_ticket(&AcquireLocalTicketRequest::new(site.user()))
        .await
        .unwrap();
    assert!(local.password_file_path.starts_with("/var/run/"));
    assert_eq!(local.user_name, site.user());
}

#[tokio::test(start_paused = true)]
async fn a_vcenter_that_takes_no_more_sessions_says_so() {
    let site = Site::of(&WorldSpec::pair(1).groups(2).replications(0).most_sessions(2));
    let others = [site.client(), site.client()];
    for other in &others {
        other.service_instance().current_time().await.unwrap();
    }
    let refused = site.client();
    assert!(refused.service_instance().current_time().await.is_err());
    others[0].close().await.unwrap();
    site.client().service_instance().current_time().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_newest_release_that_both_know_is_used() {
    let site = Site::new();
    assert_eq!(KNOWN_RELEASES.first(), Some(&"9.1.1.0"));
    site.client().service_instance().current_time().await.unwrap();
    assert_eq!(site.attempts("Vcenter.System_hello"), 1);
    site.client_at("8.0.2.0")
        .service_instance()
        .current_time()
        .await
        .unwrap();
    assert_eq!(
        site.attempts("Vcenter.System_hello"),
        1,
        "a fixed release is not asked for"
    );
    assert!(
        site.client_at("7.0.0.0")
            .service_instance()
            .current_time()
            .await
            .is_err()
    );
}
