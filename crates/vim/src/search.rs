//! The search index and the task manager.

use farside_models_vim::operation::{
    SEARCH_INDEX_FIND_ALL_BY_DNS_NAME, SEARCH_INDEX_FIND_ALL_BY_IP, SEARCH_INDEX_FIND_ALL_BY_UUID,
    SEARCH_INDEX_FIND_BY_DATASTORE_PATH, SEARCH_INDEX_FIND_BY_DNS_NAME, SEARCH_INDEX_FIND_BY_INVENTORY_PATH,
    SEARCH_INDEX_FIND_BY_IP, SEARCH_INDEX_FIND_BY_UUID, SEARCH_INDEX_FIND_CHILD, SEARCH_INDEX_QUERY,
    SEARCH_INDEX_QUERY_NEXT, TASK_MANAGER_CREATE_COLLECTOR_FOR_TASKS,
    TASK_MANAGER_CREATE_COLLECTOR_WITH_INFO_FILTER_FOR_TASKS, TASK_MANAGER_CREATE_TASK,
    TASK_MANAGER_GET_DESCRIPTION, TASK_MANAGER_GET_MAX_COLLECTOR, TASK_MANAGER_GET_RECENT_TASK,
    TASK_MANAGER_READ_NEXT_TASKS_BY_VIEW_SPEC,
};
use farside_models_vim::{
    CreateCollectorForTasksRequest, CreateCollectorWithInfoFilterForTasksRequest, CreateTaskRequest,
    FindAllByDnsNameRequest, FindAllByIpRequest, FindAllByUuidRequest, FindByDatastorePathRequest,
    FindByDnsNameRequest, FindByInventoryPathRequest, FindByIpRequest, FindByUuidRequest, FindChildRequest,
    QueryNextRequest, QueryRequest, ReadNextTasksByViewSpecRequest, SearchIndexResultSet, TaskDescription,
    TaskInfo,
};
use farside_transport::CallError;
use farside_wire::ManagedObjectReference;

use crate::client::VimClient;

crate::managed_object! {
    /// Finds objects by name, place, address or id: [`VimClient::search_index`](crate::VimClient::search_index). What is not
    /// there is `None`, or an empty list, and no error.
    pub struct SearchIndex = "SearchIndex";
    /// Lists tasks, and makes those of extensions: [`VimClient::task_manager`](crate::VimClient::task_manager).
    pub struct TaskManager = "TaskManager";
}

crate::methods! {
    SearchIndex {
        /// Finds an object by its inventory path, `east/vm/web`: names from below the root folder, a slash within one as `%2f`.
        read find_by_inventory_path(request: &FindByInventoryPathRequest) -> optional ManagedObjectReference
            = SEARCH_INDEX_FIND_BY_INVENTORY_PATH;
        /// Finds what is directly below an object, by its name.
        read find_child(request: &FindChildRequest) -> optional ManagedObjectReference = SEARCH_INDEX_FIND_CHILD;
        /// Finds a machine by its configuration file, `[datastore] folder/name.vmx`. `InvalidDatastorePath`: it is no such path.
        read find_by_datastore_path(request: &FindByDatastorePathRequest) -> optional ManagedObjectReference
            = SEARCH_INDEX_FIND_BY_DATASTORE_PATH;
        /// Finds a machine or host by its BIOS uuid, a machine also by the instance uuid that vCenter gave it.
        read find_by_uuid(request: &FindByUuidRequest) -> optional ManagedObjectReference = SEARCH_INDEX_FIND_BY_UUID;
        /// Finds all machines or hosts of a uuid.
        read find_all_by_uuid(request: &FindAllByUuidRequest) -> list ManagedObjectReference = SEARCH_INDEX_FIND_ALL_BY_UUID;
        /// Finds a machine by an address that its tools report, or a host.
        read find_by_ip(request: &FindByIpRequest) -> optional ManagedObjectReference = SEARCH_INDEX_FIND_BY_IP;
        /// Finds all machines or hosts of an address.
        read find_all_by_ip(request: &FindAllByIpRequest) -> list ManagedObjectReference = SEARCH_INDEX_FIND_ALL_BY_IP;
        /// Finds a machine by the name that its tools report, or a host.
        read find_by_dns_name(request: &FindByDnsNameRequest) -> optional ManagedObjectReference = SEARCH_INDEX_FIND_BY_DNS_NAME;
        /// Finds all machines or hosts of a name.
        read find_all_by_dns_name(request: &FindAllByDnsNameRequest) -> list ManagedObjectReference
            = SEARCH_INDEX_FIND_ALL_BY_DNS_NAME;
        /// Reads properties of the objects that fit a query, a page of them.
        read query(request: &QueryRequest) -> value SearchIndexResultSet = SEARCH_INDEX_QUERY;
        /// Reads the next page of a query.
        read query_next(request: &QueryNextRequest) -> value SearchIndexResultSet = SEARCH_INDEX_QUERY_NEXT;
    }
}

crate::methods! {
    TaskManager {
        /// Makes a task that the caller runs and brings to its end, with the methods of [`Task`](crate::Task).
        act create_task(request: &CreateTaskRequest) -> value TaskInfo = TASK_MANAGER_CREATE_TASK;
        /// Makes a collector of past tasks, which belongs to the session; `InvalidState` when it has too many.
        act create_collector_for_tasks(request: &CreateCollectorForTasksRequest) -> value ManagedObjectReference
            = TASK_MANAGER_CREATE_COLLECTOR_FOR_TASKS;
        /// Makes such a collector that leaves out some results.
        act create_collector_with_info_filter(request: &CreateCollectorWithInfoFilterForTasksRequest) -> value ManagedObjectReference
            = TASK_MANAGER_CREATE_COLLECTOR_WITH_INFO_FILTER_FOR_TASKS;
        /// Reads a page of tasks that fit a filter.
        read read_next_tasks(request: &ReadNextTasksByViewSpecRequest) -> list TaskInfo
            = TASK_MANAGER_READ_NEXT_TASKS_BY_VIEW_SPEC;
        /// Reads the texts for methods, states and reasons of tasks.
        read description() -> value TaskDescription = TASK_MANAGER_GET_DESCRIPTION;
        /// Reads how many history collectors a session may have.
        read max_collector() -> value i32 = TASK_MANAGER_GET_MAX_COLLECTOR;
        /// Reads the tasks that run or have ended a moment ago.
        read recent_tasks() -> list ManagedObjectReference = TASK_MANAGER_GET_RECENT_TASK;
    }
}

impl VimClient {
    /// Where tasks are listed.
    ///
    /// # Errors
    /// As [`VimClient::property_collector`].
    pub async fn task_manager(&self) -> Result<TaskManager, CallError> {
        self.manager(|content| content.task_manager.as_ref()).await
    }

    /// Where objects are found by name, place, address or id.
    ///
    /// # Errors
    /// As [`VimClient::property_collector`].
    pub async fn search_index(&self) -> Result<SearchIndex, CallError> {
        self.manager(|content| content.search_index.as_ref()).await
    }
}
