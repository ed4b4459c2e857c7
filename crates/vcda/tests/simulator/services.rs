//! Sites, diagnostics, sessions of all kinds, and the list of tasks with all of its filters.

use farside_models_vcda::{PairCloudSiteData, TaskState, TasksListQuery};
use farside_simulator::WorldSpec;
use farside_simulator::vcda::VcdaSpec;
use farside_vcda::{ApiVersion, Extension, Login, OperationTag, SsoToken, Task, VcdaClient, joined};
use futures_util::TryStreamExt;

use crate::support::{Site, builder, credentials, failover, migrate};

#[tokio::test(start_paused = true)]
async fn sites_are_listed_and_a_pairing_adds_one() {
    let site = Site::west(1);
    let known = site.client.sites().await.unwrap();
    let local = |site: &farside_models_vcda::CloudSite| (site.site.clone().unwrap(), site.is_local.unwrap());
    let known: Vec<_> = known.iter().map(|site| local(site.as_ref().unwrap())).collect();
    assert_eq!(known, [("east".to_owned(), false), ("west".to_owned(), true)]);

    let south = PairCloudSiteData::default()
        .with_site("south")
        .with_api_url("https://vcda-south.sim.invalid:8048")
        .with_api_thumbprint("SHA-256:AA")
        .with_description("to come");
    let work = site.client.start_pairing(&south).await.unwrap();
    site.done(&work).await.unwrap();
    let sites = site.client.sites().await.unwrap();
    let added = sites.last().unwrap().as_ref().unwrap();
    assert_eq!(added.site.as_deref(), Some("south"));
    assert_eq!(added.api_thumbprint.as_deref(), Some("SHA-256:AA"));
    assert_eq!(site.simulator.world().vcda().paired_sites().len(), 1);
    let vcenter_sites = site.client.vcenter_sites().await.unwrap();
    let names = vcenter_sites
        .iter()
        .map(|site| site.decode::<serde_json::Value>().unwrap()["site"].clone());
    assert_eq!(names.collect::<Vec<_>>(), ["onprem-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_site_shows_in_the_list_and_in_the_health() {
    let site = Site::west(1);
    let about = site.client.about().await.unwrap();
    assert_eq!(about.product_name.as_deref(), Some("Simulated Availability"));
    assert_eq!(about.build_version.as_deref(), Some("4.6.0.12345678-abcdef"));
    let check = site.client.start_health_check().await.unwrap();
    let health = site.done(&check).await.unwrap().result.unwrap();
    assert_eq!(health.tunnel_error, None);
    assert!(health.current_time.is_some());

    site.simulator.world().set_reachable("east", false);
    let check = site.client.start_health_check().await.unwrap();
    let health = site.done(&check).await.unwrap().result.unwrap();
    assert_eq!(health.tunnel_error.unwrap().args, ["east"]);
    let sites = site.client.sites().await.unwrap();
    let lost = sites[0].as_ref().unwrap().state.as_ref().unwrap();
    assert!(lost.outgoing_comm_error.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_version_is_fixed_or_negotiated_and_settles_how_health_is_asked_for() {
    for (spoken, agreed) in [("4.5", "4.5"), ("4.6", "4.6"), ("4.7", "4.7"), ("5.0", "4.7")] {
        let mut vcda = VcdaSpec::default();
        spoken.clone_into(&mut vcda.api_version);
        let site = Site::of(&WorldSpec::pair(7).groups(0).replications(1).vcda(vcda));
        assert_eq!(site.client.api_version(), ApiVersion::parse("4.6").unwrap());
        let client = site.client.negotiated().await.unwrap();
        assert_eq!(
            client.api_version(),
            ApiVersion::parse(agreed).unwrap(),
            "{spoken}"
        );
        let check = client.start_health_check().await.unwrap();
        assert!(site.done(&check).await.unwrap().result.is_some(), "{spoken}");
        let fixed = site.client.start_health_check().await;
        assert_eq!(
            fixed.is_ok(),
            spoken != "4.5",
            "a fixed version stays what it is: {spoken}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_opened_by_each_kind_of_log_in() {
    let site = Site::west(1);
    let (user, password) = credentials(&site.simulator, "west");
    let log_ins = [
        Login::by_name("root", password.clone()),
        Login::by_name(user.as_str(), password.clone()),
        Login::Sso {
            user: user.clone(),
            password: password.clone(),
            principal: Some("principal".to_owned()),
        },
        Login::SsoToken(SsoToken {
            saml_token: password.clone(),
            timestamp: "2026-01-01T00:00:00Z".to_owned(),
            nonce: "nonce".to_owned(),
            signature: password.clone(),
            principal: Some("principal".to_owned()),
        }),
        Login::Cookie(password.clone()),
        Login::AccessToken {
            token: password.clone(),
            org: "tenant-a".to_owned(),
        },
    ];
    for login in log_ins {
        let shown = format!("{login:?}");
        let client = builder(&site.simulator, site.clock.clone(), "west").login(login);
        let client = client.build().unwrap();
        let session = client.session().await.unwrap();
        let root = shown.starts_with("Local");
        assert_eq!(session.user.as_deref() == Some("root"), root, "{shown}");
        assert_eq!(session.authenticated_sites.len(), usize::from(!root), "{shown}");
        let open = || site.simulator.world().sessions("west");
        assert_eq!(open(), 1, "{shown}");
        client.close().await.unwrap();
        assert_eq!(open(), 0, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_extended_by_each_kind_of_proof() {
    let site = Site::west(2);
    let (user, password) = credentials(&site.simulator, "east");
    let proofs = [
        Extension::Vcd {
            user,
            password: password.clone(),
        },
        Extension::Cookie(password.clone()),
        Extension::AccessToken(password),
        Extension::Associated {
            org: "tenant-a".to_owned(),
        },
    ];
    for proof in proofs {
        let shown = format!("{proof:?}");
        let client: VcdaClient = builder(&site.simulator, site.clock.clone(), "west")
            .site("east")
            .extend("east", proof)
            .build()
            .unwrap();
        let tasks: Vec<Task> = client
            .stream_tasks(TasksListQuery::default())
            .try_collect()
            .await
            .unwrap();
        assert!(
            tasks.is_empty(),
            "{shown}: the tasks of the east are not those of the west"
        );
        let session = client.session().await.unwrap();
        assert_eq!(session.authenticated_sites.len(), 2, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_are_found_by_each_filter() {
    let site = Site::naming_its_site(&WorldSpec::pair(7).groups(0).replications(2));
    let ids = site.ids();
    let tagged = site.client.tagged(&OperationTag::new("farside-tests"));
    let first = tagged.vm_replication(&ids[0]);
    let ended = first.start_failover(&failover()).await.unwrap();
    let ended = site.done(&ended).await.unwrap().task;
    let second = site.client.vm_replication(&ids[1]);
    let running = second.start_migrate(&migrate()).await.unwrap();
    let find = async |query: TasksListQuery| -> Vec<Task> {
        site.client.stream_tasks(query).try_collect().await.unwrap()
    };
    let shown = ended.shown();
    let (start, end) = (shown.start_time.unwrap().0, shown.end_time.unwrap().0);
    let workflow = shown.workflow_info.clone().unwrap();
    let exact = TasksListQuery::default()
        .with_ids(joined([ended.id()]))
        .with_user(shown.user.clone().unwrap())
        .with_source_org("tenant-a")
        .with_state(TaskState::Succeeded)
        .with_start_time_before(start + 1)
        .with_start_time_after(start - 1)
        .with_end_time_before(end + 1)
        .with_end_time_after(end - 1)
        .with_type(workflow.type_.unwrap())
        .with_resource_id(workflow.resource_id.unwrap())
        .with_resource_name(workflow.resource_name.unwrap())
        .with_resource_type("vmReplication,vappReplication")
        .with_operation_id("farside-tests")
        .with_limit(10)
        .with_sort("startTime-,id");
    let found = find(exact.clone()).await;
    assert_eq!(found.iter().map(Task::id).collect::<Vec<_>>(), [ended.id()]);
    assert_eq!(find(exact.clone().with_state(TaskState::Failed)).await.len(), 0);
    assert_eq!(find(exact.with_offset(1)).await.len(), 0);
    let by_org = TasksListQuery::default().with_destination_org("tenant-a");
    assert_eq!(find(by_org.clone()).await.len(), 2);
    let refused = site.client.list_tasks(&by_org.with_user("somebody")).await;
    assert_eq!(refused.unwrap_err().service_error().unwrap().code(), "BadRequest");

    let at = site.client.task(ended.id()).await.unwrap();
    assert_eq!(at.resource_id(), Some(ids[0].as_str()));
    let result = |task: &Task| task.result().unwrap().decode::<serde_json::Value>().unwrap();
    assert_eq!(result(&at), result(&ended));
    let polled = site.client.poll_tasks(&[ended.id().clone()]).await.unwrap();
    assert!(!polled[ended.id()].is_running());
    site.done(&running).await.unwrap();
}
