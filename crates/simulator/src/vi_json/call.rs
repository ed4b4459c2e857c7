//! The calls of the service: sessions, collectors, views, tasks, the search.

use super::fault::Fault;
use super::request::{self, Path};
use super::{collector, manager, search, session, task_call, task_manager, view};
use crate::exchange::{Answer, Request};
use crate::service::Incoming;
use crate::world::World;

type Handler = fn(&mut World, &Incoming<'_>, &Path) -> Result<Answer, Fault>;

/// A method: its operation id, the object of its type if there is only one, whether it needs a session, and the privilege.
pub(super) struct Call {
    pub(super) id: &'static str,
    only: Option<&'static str>,
    pub(super) open: bool,
    pub(super) privilege: &'static str,
    handler: Handler,
}

const fn call(id: &'static str, handler: Handler) -> Call {
    Call {
        id,
        only: None,
        open: false,
        privilege: "System.View",
        handler,
    }
}

impl Call {
    const fn only(mut self, mo_id: &'static str) -> Self {
        self.only = Some(mo_id);
        self
    }

    const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    const fn needs(mut self, privilege: &'static str) -> Self {
        self.privilege = privilege;
        self
    }
}

const ROOT: &str = "ServiceInstance";
const VIEWS: &str = "ViewManager";
const TASKS: &str = "TaskManager";
const SEARCH: &str = "SearchIndex";
const SESSIONS: &str = session::MO_ID;

static CALLS: &[Call] = &[
    call("ServiceInstance_RetrieveServiceContent", content)
        .only(ROOT)
        .open(),
    call("ServiceInstance_RetrieveProductComponents", |_, incoming, _| {
        manager::components(incoming)
    })
    .only(ROOT)
    .open(),
    call("ServiceInstance_CurrentTime", manager::service).only(ROOT),
    call("ServiceInstance_QueryVMotionCompatibility", manager::service)
        .only(ROOT)
        .needs("Resource.QueryVMotion"),
    call("ServiceInstance_ValidateMigration", manager::service).only(ROOT),
    call("SessionManager_Login", session::anonymous)
        .only(SESSIONS)
        .open(),
    call("SessionManager_LoginByToken", session::anonymous)
        .only(SESSIONS)
        .open(),
    call("SessionManager_LoginBySSPI", session::anonymous)
        .only(SESSIONS)
        .open(),
    call("SessionManager_LoginExtensionByCertificate", session::anonymous)
        .only(SESSIONS)
        .open(),
    call("SessionManager_LoginExtensionBySubjectName", session::anonymous)
        .only(SESSIONS)
        .open(),
    call("SessionManager_CloneSession", session::anonymous)
        .only(SESSIONS)
        .open(),
    call("SessionManager_AcquireLocalTicket", session::anonymous)
        .only(SESSIONS)
        .open(),
    call("SessionManager_AcquireGenericServiceTicket", session::anonymous)
        .only(SESSIONS)
        .open(),
    call("SessionManager_Logout", session::handle).only(SESSIONS),
    call("SessionManager_AcquireCloneTicket", session::handle).only(SESSIONS),
    call("SessionManager_ImpersonateUser", session::handle)
        .only(SESSIONS)
        .needs("Sessions.ImpersonateUser"),
    call("SessionManager_SessionIsActive", session::handle)
        .only(SESSIONS)
        .needs("Sessions.ValidateSession"),
    call("SessionManager_SetLocale", session::handle).only(SESSIONS),
    call("SessionManager_TerminateSession", session::handle)
        .only(SESSIONS)
        .needs("Sessions.TerminateSession"),
    call("SessionManager_UpdateServiceMessage", session::handle)
        .only(SESSIONS)
        .needs("Sessions.GlobalMessage"),
    call("PropertyCollector_RetrievePropertiesEx", collector::handle).open(),
    call("PropertyCollector_RetrieveProperties", collector::handle).open(),
    call(
        "PropertyCollector_ContinueRetrievePropertiesEx",
        collector::handle,
    ),
    call("PropertyCollector_CancelRetrievePropertiesEx", collector::handle),
    call("PropertyCollector_CreateFilter", collector::wait::handle),
    call(
        "PropertyCollector_CreatePropertyCollector",
        collector::wait::handle,
    ),
    call(
        "PropertyCollector_DestroyPropertyCollector",
        collector::wait::handle,
    ),
    call("PropertyCollector_CheckForUpdates", collector::wait::handle),
    call("PropertyCollector_WaitForUpdates", collector::wait::handle),
    call("PropertyCollector_WaitForUpdatesEx", collector::wait::handle),
    call("PropertyCollector_CancelWaitForUpdates", collector::wait::handle),
    call(
        "PropertyFilter_DestroyPropertyFilter",
        collector::wait::destroy_filter,
    ),
    call("ViewManager_CreateContainerView", view::create).only(VIEWS),
    call("ViewManager_CreateInventoryView", view::create).only(VIEWS),
    call("ViewManager_CreateListView", view::create).only(VIEWS),
    call("ViewManager_CreateListViewFromView", view::create).only(VIEWS),
    call("ContainerView_DestroyView", view::handle),
    call("ListView_DestroyView", view::handle),
    call("ListView_ModifyListView", view::handle),
    call("ListView_ResetListView", view::handle),
    call("ListView_ResetListViewFromView", view::handle),
    call("Task_CancelTask", task_call::handle),
    call("Task_UpdateProgress", task_call::handle).needs("Task.Update"),
    call("Task_SetTaskDescription", task_call::handle).needs("Task.Update"),
    call("Task_SetTaskState", task_call::handle).needs("Task.Update"),
    call("Task_setCustomValue", task_call::handle),
    call("TaskManager_CreateTask", task_manager::handle)
        .only(TASKS)
        .needs("Task.Create"),
    call("TaskManager_CreateCollectorForTasks", task_manager::handle).only(TASKS),
    call(
        "TaskManager_CreateCollectorWithInfoFilterForTasks",
        task_manager::handle,
    )
    .only(TASKS),
    call("TaskManager_ReadNextTasksByViewSpec", task_manager::handle).only(TASKS),
    call("SearchIndex_FindAllByDnsName", search::handle).only(SEARCH),
    call("SearchIndex_FindAllByIp", search::handle).only(SEARCH),
    call("SearchIndex_FindAllByUuid", search::handle).only(SEARCH),
    call("SearchIndex_FindByDatastorePath", search::handle).only(SEARCH),
    call("SearchIndex_FindByDnsName", search::handle).only(SEARCH),
    call("SearchIndex_FindByInventoryPath", search::handle).only(SEARCH),
    call("SearchIndex_FindByIp", search::handle).only(SEARCH),
    call("SearchIndex_FindByUuid", search::handle).only(SEARCH),
    call("SearchIndex_FindChild", search::handle).only(SEARCH),
    call("SearchIndex_Query", search::handle).only(SEARCH),
    call("SearchIndex_QueryNext", search::handle).only(SEARCH),
];

/// The operations that are routed.
pub(super) fn routed() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|call| call.id)
}

fn content(world: &mut World, incoming: &Incoming<'_>, _path: &Path) -> Result<Answer, Fault> {
    request::body(incoming.request, &request::NO_PARAMETERS)?;
    Ok(super::value::answer(&world.vi_json.content(incoming.endpoint)))
}

/// The call that a request makes.
pub(super) fn of(request: &Request, path: &Path) -> Option<&'static Call> {
    if !request::fits_method(request, false) {
        return None;
    }
    CALLS.iter().find(|call| {
        let named = call.id.split_once('_');
        named.is_some_and(|(type_name, member)| type_name == path.type_name && member == path.member)
    })
}

impl Call {
    /// Checks the object, where there is only one of its type, and acts.
    pub(super) fn handle(
        &self,
        world: &mut World,
        incoming: &Incoming<'_>,
        path: &Path,
    ) -> Result<Answer, Fault> {
        if self.only.is_some_and(|only| only != path.mo_id) {
            return Err(Fault::no_such_object(&path.type_name, &path.mo_id));
        }
        (self.handler)(world, incoming, path)
    }
}
