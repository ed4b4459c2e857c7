//! Objects: reads, filters, views, tasks, the search.

use farside_models_vim::{
    CancelRetrievePropertiesExRequest, CheckForUpdatesRequest, ContinueRetrievePropertiesExRequest,
    CreateCollectorForTasksRequest, CreateCollectorWithInfoFilterForTasksRequest, CreateContainerViewRequest,
    CreateFilterRequest, CreateListViewFromViewRequest, CreateListViewRequest, CreateTaskRequest,
    CustomFieldStringValue, FindAllByDnsNameRequest, FindAllByIpRequest, FindAllByUuidRequest,
    FindByDatastorePathRequest, FindByDnsNameRequest, FindByIpRequest, FindByUuidRequest, FindChildRequest,
    ModifyListViewRequest, ObjectSpec, PropertyFilterSpec, PropertySpec, QueryNextRequest, QueryRequest,
    ReadNextTasksByViewSpecRequest, ResetListViewFromViewRequest, ResetListViewRequest, RetrieveOptions,
    RetrievePropertiesExRequest, RetrievePropertiesRequest, SearchIndexIterationSpec, SearchIndexQuerySpec,
    SetCustomValueRequest, SetTaskDescriptionRequest, SetTaskStateRequest, TaskFilterSpec,
    TaskInfoFilterSpec, TaskInfoState, TaskManagerViewByStartId, UpdateProgressRequest,
    WaitForUpdatesExRequest, WaitForUpdatesRequest, WaitOptions,
};
use farside_simulator::WorldSpec;
use farside_simulator::vi_json::{UnknownMethod, ViJsonSpec};
use farside_transport::Effect;
use farside_vim::{
    ContainerView, ListView, ManagedObject as _, PropertyCollector, PropertyFilter, PropertyPath, Task,
};
use farside_wire::{Any, Fault, LocalizableMessage, ManagedObjectReference, MethodFault, Object};

use crate::support::{EAST, Site, fault, of};

fn names(objects: &[ManagedObjectReference]) -> Vec<&str> {
    objects.iter().map(|object| object.value.as_str()).collect()
}

fn hosts() -> PropertyFilterSpec {
    let wanted = PropertySpec::new("HostSystem").with_path_set(vec!["name".to_owned()]);
    let objects = ["host-11", "host-12"]
        .map(|id| ObjectSpec::new(of("HostSystem", id)))
        .to_vec();
    PropertyFilterSpec::new(vec![wanted], objects)
}

#[tokio::test(start_paused = true)]
async fn pages_are_fetched_or_given_up() {
    let site = Site::new();
    let collector = site.client().property_collector().await.unwrap();
    let request =
        RetrievePropertiesExRequest::new(vec![hosts()], RetrieveOptions::default().with_max_objects(1));
    let first = collector.retrieve_properties_ex(&request).await.unwrap().unwrap();
    let next = ContinueRetrievePropertiesExRequest::new(first.token.unwrap());
    let second = collector
        .continue_retrieve_properties_ex(&next)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (second.objects[0].obj.value.as_str(), second.token),
        ("host-12", None)
    );
    let first = collector.retrieve_properties_ex(&request).await.unwrap().unwrap();
    let token = first.token.unwrap();
    let give_up = CancelRetrievePropertiesExRequest::new(&token);
    collector.cancel_retrieve_properties_ex(&give_up).await.unwrap();
    let gone = collector
        .continue_retrieve_properties_ex(&ContinueRetrievePropertiesExRequest::new(token))
        .await;
    assert_eq!(fault(&gone.unwrap_err()), "InvalidProperty");
    let all = collector
        .retrieve_properties(&RetrievePropertiesRequest::new(vec![hosts()]))
        .await
        .unwrap();
    let found: Vec<_> = all
        .iter()
        .map(|content| {
            let name = content.prop_set[0].val.as_str().unwrap().into_owned();
            (content.obj.value.as_str(), name)
        })
        .collect();
    let expected =
        ["host-11", "host-12"].map(|id| (id, format!("{}.east.sim.invalid", id.replace("host", "esx"))));
    assert_eq!(found, expected);
}

#[tokio::test(start_paused = true)]
async fn filters_are_made_read_watched_and_destroyed() {
    let site = Site::new();
    let client = site.client();
    let default = client.property_collector().await.unwrap();
    let own = default.create_property_collector().await.unwrap();
    let own = PropertyCollector::of(&client, own);
    let made = own
        .create_filter(&CreateFilterRequest::new(hosts(), true))
        .await
        .unwrap();
    assert_eq!(own.filters().await.unwrap(), std::slice::from_ref(&made));
    assert!(default.filters().await.unwrap().is_empty());
    let filter = PropertyFilter::of(&client, made);
    assert!(filter.partial_updates().await.unwrap());
    assert_eq!(filter.spec().await.unwrap(), hosts());
    let first = own
        .wait_for_updates(&WaitForUpdatesRequest::default().with_version(""))
        .await
        .unwrap();
    assert_eq!(first.filter_set[0].object_set.len(), 2);
    let since = CheckForUpdatesRequest::default().with_version(&first.version);
    assert_eq!(own.check_for_updates(&since).await.unwrap(), None);
    let anew = CheckForUpdatesRequest::default().with_version("");
    let again = own.check_for_updates(&anew).await.unwrap().unwrap();
    let told: Vec<_> = again.filter_set[0]
        .object_set
        .iter()
        .map(|update| update.obj.value.as_str())
        .collect();
    assert_eq!(told, ["host-11", "host-12"]);
    let options = WaitOptions::default()
        .with_max_wait_seconds(0)
        .with_max_object_updates(1);
    let anew = WaitForUpdatesExRequest::default()
        .with_version("")
        .with_options(options);
    assert_eq!(
        own.wait_for_updates_ex(&anew).await.unwrap().unwrap().truncated,
        Some(true)
    );
    own.cancel_wait_for_updates().await.unwrap();
    filter.destroy().await.unwrap();
    assert_eq!(fault(&filter.spec().await.unwrap_err()), "ManagedObjectNotFound");
    own.destroy().await.unwrap();
    assert_eq!(fault(&own.filters().await.unwrap_err()), "ManagedObjectNotFound");
    assert_eq!(fault(&default.destroy().await.unwrap_err()), "NotSupported");
}

#[tokio::test(start_paused = true)]
async fn views_hold_what_they_were_given_or_find() {
    let site = Site::new();
    let client = site.client();
    let views = client.view_manager().await.unwrap();
    assert!(views.view_list().await.unwrap().is_empty());
    let request = CreateContainerViewRequest::new(of("Folder", "group-d1"), true)
        .with_type(vec!["HostSystem".to_owned()]);
    let made = views.create_container_view(&request).await.unwrap();
    let container = ContainerView::of(&client, made.clone());
    assert_eq!(container.container().await.unwrap(), of("Folder", "group-d1"));
    assert!(container.recursive().await.unwrap());
    assert_eq!(container.types().await.unwrap(), ["HostSystem"]);
    assert_eq!(names(&container.view().await.unwrap()), ["host-11", "host-12"]);
    let copy = views
        .create_list_view_from_view(&CreateListViewFromViewRequest::new(made.clone()))
        .await
        .unwrap();
    let host = of("HostSystem", "host-11");
    let list = views
        .create_list_view(&CreateListViewRequest::default().with_obj(vec![host.clone()]))
        .await
        .unwrap();
    let inventory = views.create_inventory_view().await.unwrap();
    let known = [made.clone(), copy.clone(), list.clone(), inventory];
    assert_eq!(views.view_list().await.unwrap(), known);
    let (copy, list) = (ListView::of(&client, copy), ListView::of(&client, list));
    assert_eq!(names(&copy.view().await.unwrap()), ["host-11", "host-12"]);
    let gone = of("Task", "task-99");
    let change = ModifyListViewRequest::default()
        .with_add(vec![of("HostSystem", "host-12"), gone.clone()])
        .with_remove(vec![host.clone()]);
    assert_eq!(list.modify(&change).await.unwrap(), std::slice::from_ref(&gone));
    assert_eq!(names(&list.view().await.unwrap()), ["host-12"]);
    let reset = ResetListViewRequest::default().with_obj(vec![host, gone.clone()]);
    assert_eq!(list.reset(&reset).await.unwrap(), [gone]);
    list.reset_from_view(&ResetListViewFromViewRequest::new(made))
        .await
        .unwrap();
    assert_eq!(list.view().await.unwrap().len(), 2);
    list.destroy().await.unwrap();
    container.destroy().await.unwrap();
    assert_eq!(
        fault(&container.view().await.unwrap_err()),
        "ManagedObjectNotFound"
    );
    assert_eq!(views.view_list().await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_ours_is_made_run_and_ended() {
    let site = Site::new();
    let client = site.client();
    let tasks = client.task_manager().await.unwrap();
    let parent = site.simulator.world().run_task(EAST, 600_000, Ok(None));
    let request = CreateTaskRequest::new(of("HostSystem", "host-11"), "example.recovery", true)
        .with_initiated_by("runner")
        .with_parent_task_key(&parent)
        .with_activation_id("run-1");
    let info = tasks.create_task(&request).await.unwrap();
    assert_eq!(
        (info.root_task_key.as_deref(), info.activation_id.as_deref()),
        (Some(parent.as_str()), Some("run-1"))
    );
    let task: Task = client.object(&info.key);
    task.set_state(&SetTaskStateRequest::new(TaskInfoState::Running))
        .await
        .unwrap();
    task.update_progress(&UpdateProgressRequest::new(40))
        .await
        .unwrap();
    let text =
        farside_wire::decode_str::<LocalizableMessage>(r#"{"key": "x", "message": "at work"}"#).unwrap();
    task.set_description(&SetTaskDescriptionRequest::new(text))
        .await
        .unwrap();
    task.set_custom_value(&SetCustomValueRequest::new("runbook", "r-1"))
        .await
        .unwrap();
    let fields = task.available_fields().await.unwrap();
    let values = task.custom_values().await.unwrap();
    assert_eq!((fields.len(), values.len()), (1, 1));
    let value = values[0].downcast::<CustomFieldStringValue>().unwrap().unwrap();
    assert_eq!(
        (fields[0].name.as_str(), value.key, value.value.as_str()),
        ("runbook", fields[0].key, "r-1")
    );
    let shown = client.read(&task, Task::INFO).await.unwrap().unwrap();
    assert_eq!((shown.progress, shown.description.is_some()), (Some(40), true));
    let result = Any::boxed("string", "x").unwrap();
    let done = SetTaskStateRequest::new(TaskInfoState::Success).with_result(result);
    task.set_state(&done).await.unwrap();
    assert_eq!(task.info().await.unwrap().state, TaskInfoState::Success);
    assert_eq!(fault(&task.cancel().await.unwrap_err()), "InvalidState");
    let failing: Task = client.object(&tasks.create_task(&request).await.unwrap().key);
    let failed =
        SetTaskStateRequest::new(TaskInfoState::Error).with_fault(Fault::new(&MethodFault::default()));
    failing.set_state(&failed).await.unwrap();
    assert_eq!(failing.info().await.unwrap().state, TaskInfoState::Error);
    client.object::<Task>(parent).cancel().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tasks_are_listed_and_collected() {
    let site = Site::new();
    let client = site.client();
    let tasks = client.task_manager().await.unwrap();
    let ids: Vec<_> = (0..3)
        .map(|_| site.simulator.world().run_task(EAST, 60_000, Ok(None)))
        .collect();
    assert_eq!(names(&tasks.recent_tasks().await.unwrap()), ids);
    assert_eq!(tasks.max_collector().await.unwrap(), 32);
    let states = tasks.description().await.unwrap().state;
    let states: Vec<_> = states.iter().map(|state| state.base().unwrap().key).collect();
    assert_eq!(states, ["queued", "running", "success", "error"]);
    let made = tasks
        .create_collector_for_tasks(&CreateCollectorForTasksRequest::new(TaskFilterSpec::default()))
        .await;
    assert_eq!(made.unwrap().type_, "TaskHistoryCollector");
    let request = CreateCollectorWithInfoFilterForTasksRequest::new(TaskFilterSpec::default())
        .with_info_filter(TaskInfoFilterSpec::default());
    for _ in 0..31 {
        let made = tasks.create_collector_with_info_filter(&request).await.unwrap();
        assert_eq!(made.type_, "TaskHistoryCollector");
    }
    let full = tasks.create_collector_with_info_filter(&request).await;
    assert_eq!(fault(&full.unwrap_err()), "InvalidState");
    let page = Object::new(&TaskManagerViewByStartId::new(1, &ids[0]));
    let running = TaskFilterSpec::default().with_state(vec![TaskInfoState::Queued, TaskInfoState::Running]);
    let request = ReadNextTasksByViewSpecRequest::new(page, running)
        .with_info_filter_spec(TaskInfoFilterSpec::default());
    let read = tasks.read_next_tasks(&request).await.unwrap();
    assert_eq!(
        read.iter().map(|info| info.key.as_str()).collect::<Vec<_>>(),
        [ids[1].as_str()]
    );
    let older = site
        .client_at("8.0.3.0")
        .task_manager()
        .await
        .unwrap()
        .read_next_tasks(&request)
        .await;
    assert_eq!(older.unwrap_err().effect(), Effect::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_method_that_a_release_does_not_have_is_refused_however_it_is_told() {
    for (unknown_method, status, told) in [
        (UnknownMethod::MethodNotFound, 500, "MethodNotFound"),
        (UnknownMethod::InvalidRequest, 500, "InvalidRequest"),
        (UnknownMethod::NotFound, 404, ""),
    ] {
        let mut form = ViJsonSpec::default();
        form.unknown_method = unknown_method;
        let releases = ["9.0.0.0", "8.0.3.0"];
        let spec = WorldSpec::pair(11).groups(0).replications(0).releases(&releases);
        let site = Site::of(&spec.vi_json(form));
        let tasks = site.client_at("8.0.3.0").task_manager().await.unwrap();
        let page = Object::new(&TaskManagerViewByStartId::new(1, "task-1"));
        let request = ReadNextTasksByViewSpecRequest::new(page, TaskFilterSpec::default());
        let error = tasks.read_next_tasks(&request).await.unwrap_err();
        assert_eq!(
            (error.status().unwrap().as_u16(), fault(&error).as_str()),
            (status, told)
        );
        assert_eq!(error.effect(), Effect::Refused);
    }
}

#[tokio::test(start_paused = true)]
async fn objects_are_found_by_name_place_and_address() {
    let site = Site::new();
    let client = site.client();
    let search = client.search_index().await.unwrap();
    let datacenter = of("Datacenter", "datacenter-12");
    let host = Some(of("HostSystem", "host-11"));
    let name = "esx-11.east.sim.invalid";
    let child = FindChildRequest::new(of("ClusterComputeResource", "domain-c18"), name);
    assert_eq!(search.find_child(&child).await.unwrap(), host);
    let by_name = FindByDnsNameRequest::new(name, false).with_datacenter(datacenter.clone());
    assert_eq!(search.find_by_dns_name(&by_name).await.unwrap(), host);
    let all = FindAllByDnsNameRequest::new(name, false).with_datacenter(datacenter.clone());
    assert_eq!(
        names(&search.find_all_by_dns_name(&all).await.unwrap()),
        ["host-11"]
    );
    let by_ip = FindByIpRequest::new("198.51.100.99", true).with_datacenter(datacenter.clone());
    assert_eq!(search.find_by_ip(&by_ip).await.unwrap(), None);
    let all = FindAllByIpRequest::new("198.51.100.99", true).with_datacenter(datacenter.clone());
    assert!(search.find_all_by_ip(&all).await.unwrap().is_empty());
    let uuid = "00000000-0000-0000-0000-000000000000";
    let by_uuid = FindByUuidRequest::new(uuid, true)
        .with_instance_uuid(true)
        .with_datacenter(datacenter.clone());
    assert_eq!(search.find_by_uuid(&by_uuid).await.unwrap(), None);
    let all = FindAllByUuidRequest::new(uuid, true)
        .with_instance_uuid(true)
        .with_datacenter(datacenter.clone());
    assert!(search.find_all_by_uuid(&all).await.unwrap().is_empty());
    let file = FindByDatastorePathRequest::new(datacenter.clone(), "[datastore-east-1] none/none.vmx");
    assert_eq!(search.find_by_datastore_path(&file).await.unwrap(), None);
    let no_path = FindByDatastorePathRequest::new(datacenter, "none.vmx");
    assert_eq!(
        fault(&search.find_by_datastore_path(&no_path).await.unwrap_err()),
        "InvalidDatastorePath"
    );
    let query = SearchIndexQuerySpec::new("HostSystem")
        .with_properties(vec!["name".to_owned()])
        .with_return_total_count(true)
        .with_limit(1);
    let first = search.query(&QueryRequest::new(query)).await.unwrap();
    assert_eq!((first.items.len(), first.total_count), (1, Some(2)));
    let next = SearchIndexIterationSpec::default()
        .with_marker(first.marker.unwrap())
        .with_limit(5);
    let second = search.query_next(&QueryNextRequest::new(next)).await.unwrap();
    assert_eq!((second.items.len(), second.marker), (1, None));
    let name = second.items[0].property_values[0].value.as_ref().unwrap();
    assert_eq!(name.as_str().as_deref(), Some("esx-12.east.sim.invalid"));
}

#[tokio::test(start_paused = true)]
async fn paths_lead_to_objects_and_back() {
    let site = Site::new();
    let client = site.client();
    let path = ["east", "host", "cluster-east", "esx-11.east.sim.invalid"];
    let host = client.at_path(&path).await.unwrap().unwrap();
    assert_eq!(host, of("HostSystem", "host-11"));
    assert_eq!(client.path_of(&host).await.unwrap(), path);
    assert_eq!(client.at_path(&["east", "nowhere"]).await.unwrap(), None);
    let root = of("Folder", "group-d1");
    let entries = client.entries(&root, "Datastore").await.unwrap();
    let found: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(found, ["datastore-east-1", "datastore-east-2", "local-east"]);
    assert!(
        client
            .view_manager()
            .await
            .unwrap()
            .view_list()
            .await
            .unwrap()
            .is_empty()
    );
    let below = client
        .below(&root, "HostSystem", &["name", "parent"])
        .await
        .unwrap();
    assert_eq!(below.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_typed_path_says_what_its_value_is() {
    let site = Site::new();
    let client = site.client();
    let task: Task = client.object(site.simulator.world().run_task(EAST, 60_000, Ok(None)));
    const STATE: PropertyPath<Task, TaskInfoState> = PropertyPath::new("info.state");
    const RESULT: PropertyPath<Task, String> = PropertyPath::new("info.result");
    const WRONG: PropertyPath<Task, i32> = PropertyPath::new("info.key");
    assert_eq!(
        client.read(&task, STATE).await.unwrap(),
        Some(TaskInfoState::Queued)
    );
    assert_eq!(client.read(&task, RESULT).await.unwrap(), None);
    assert!(client.read(&task, WRONG).await.is_err());
    let gone: Task = client.object("task-99");
    assert_eq!(
        fault(&client.read(&gone, STATE).await.unwrap_err()),
        "ManagedObjectNotFound"
    );
}
