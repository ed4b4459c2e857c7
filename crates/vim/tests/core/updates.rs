//! Watches: one waiter, versions, truncation, restarts.

use std::time::Duration;

use farside_models_vim::{ObjectSpec, ObjectUpdateKind, PropertyFilterSpec, PropertySpec};
use farside_simulator::dpu::HostTrouble;
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::Clock as _;
use farside_vim::{Update, VimClient};
use futures_util::StreamExt as _;

use crate::support::{EAST, Site, of};

fn hosts(paths: &[&str]) -> PropertyFilterSpec {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let wanted = PropertySpec::new("HostSystem").with_path_set(paths);
    let objects = ["host-11", "host-12"]
        .map(|id| ObjectSpec::new(of("HostSystem", id)))
        .to_vec();
    PropertyFilterSpec::new(vec![wanted], objects)
}

fn told(update: &Update) -> Vec<(String, ObjectUpdateKind)> {
    let updates = update.set.filter_set.iter().flat_map(|filter| &filter.object_set);
    updates
        .map(|update| (update.obj.value.clone(), update.kind.clone()))
        .collect()
}

fn trouble(site: &Site, troubled: bool) {
    site.simulator
        .world()
        .hosts_mut()
        .set_trouble("host-11", HostTrouble::Disconnected, troubled);
}

fn watch(client: &VimClient) -> farside_vim::Updates {
    client
        .updates(vec![hosts(&["runtime.connectionState"])])
        .wait(Duration::from_secs(10))
}

#[tokio::test(start_paused = true)]
async fn all_comes_first_then_changes_when_they_happen() {
    let site = Site::new();
    let mut updates = watch(&site.client());
    let first = updates.next().await.unwrap();
    assert!(first.from_start);
    assert_eq!(told(&first).len(), 2);
    let later = async {
        site.clock.sleep(Duration::from_secs(95)).await;
        trouble(&site, true);
    };
    let began = site.clock.elapsed();
    let (second, ()) = tokio::join!(updates.next(), later);
    let second = second.unwrap();
    assert_eq!(told(&second), [("host-11".to_owned(), ObjectUpdateKind::Modify)]);
    assert!(!second.from_start);
    assert!(
        site.clock.elapsed() - began < Duration::from_secs(96),
        "it is told at once"
    );
    updates.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_truncated_update_goes_on_with_the_next_one() {
    let site = Site::new();
    let mut updates = watch(&site.client()).most_objects(1);
    let (first, second) = (updates.next().await.unwrap(), updates.next().await.unwrap());
    assert_eq!((first.set.truncated, second.set.truncated), (Some(true), None));
    assert_ne!(told(&first), told(&second));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_loses_no_change() {
    let site = Site::new();
    let mut updates = watch(&site.client());
    updates.next().await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_secs(3), updates.next())
            .await
            .is_err()
    );
    trouble(&site, true);
    assert_eq!(told(&updates.next().await.unwrap()).len(), 1);
    assert!(
        site.attempts("PropertyCollector_CancelWaitForUpdates") > 0,
        "one waits at a time"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_begins_anew_after_its_session_or_its_server_has_died() {
    let site = Site::new();
    let mut updates = watch(&site.client());
    updates.next().await.unwrap();
    site.simulator.world().end_sessions(EAST);
    let again = updates.next().await.unwrap();
    assert!(again.from_start);
    assert_eq!(told(&again).len(), 2);
    site.simulator.world().restart_vcenter(EAST, 1);
    site.clock.sleep(Duration::from_secs(1)).await;
    let again = updates.next().await.unwrap();
    assert!(again.from_start);
    trouble(&site, true);
    assert_eq!(told(&updates.next().await.unwrap()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn partial_updates_come_as_a_stream() {
    let site = Site::new();
    let mut updates = Box::pin(
        site.client()
            .updates(vec![hosts(&["runtime"])])
            .partial()
            .into_stream(),
    );
    updates.next().await.unwrap().unwrap();
    trouble(&site, true);
    let update = updates.next().await.unwrap().unwrap();
    let changes = &update.set.filter_set[0].object_set[0].change_set;
    assert!(
        changes
            .iter()
            .any(|change| change.name == "runtime.connectionState"),
        "{changes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_cannot_be_made_leaves_nothing_at_the_server() {
    let site = Site::new();
    let refuse = FaultAction::Refuse {
        status: 503,
        body: None,
        retry_after: None,
    };
    let rule = FaultRule::new("PropertyCollector_CreateFilter", refuse).times(Some(3));
    site.simulator.world().faults_mut().add(rule);
    let mut updates = watch(&site.client());
    for _ in 0..3 {
        updates.next().await.unwrap_err();
    }
    updates.next().await.unwrap();
    assert_eq!(site.attempts("PropertyCollector_CreatePropertyCollector"), 4);
    assert_eq!(site.attempts("PropertyCollector_DestroyPropertyCollector"), 3);
    updates.close().await.unwrap();
}
