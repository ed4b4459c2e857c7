//! Views: lists of objects that the session keeps at the server.

use farside_models_vim::operation::{
    LIST_VIEW_DESTROY_VIEW, LIST_VIEW_GET_VIEW, LIST_VIEW_MODIFY_LIST_VIEW, LIST_VIEW_RESET_LIST_VIEW,
    LIST_VIEW_RESET_LIST_VIEW_FROM_VIEW, VIEW_MANAGER_CREATE_CONTAINER_VIEW,
    VIEW_MANAGER_CREATE_INVENTORY_VIEW, VIEW_MANAGER_CREATE_LIST_VIEW,
    VIEW_MANAGER_CREATE_LIST_VIEW_FROM_VIEW, VIEW_MANAGER_GET_VIEW_LIST,
};
use farside_models_vim::{
    CreateContainerViewRequest, CreateListViewFromViewRequest, CreateListViewRequest, ModifyListViewRequest,
    ResetListViewFromViewRequest, ResetListViewRequest,
};
use farside_wire::ManagedObjectReference;

crate::managed_object! {
    /// Where views are made: [`VimClient::view_manager`](crate::VimClient::view_manager). They belong to the session: one whose id
    /// was lost with an answer is in [`ViewManager::view_list`], among all others of the session, and goes with it.
    pub struct ViewManager = "ViewManager";
    /// A view of given objects.
    pub struct ListView = "ListView";
}

crate::methods! {
    ViewManager {
        /// Makes a view of objects below a container, and answers a reference for `ContainerView`.
        act create_container_view(request: &CreateContainerViewRequest) -> value ManagedObjectReference
            = VIEW_MANAGER_CREATE_CONTAINER_VIEW;
        /// Makes a view of the inventory that is opened and closed folder by folder.
        act create_inventory_view() -> value ManagedObjectReference = VIEW_MANAGER_CREATE_INVENTORY_VIEW;
        /// Makes a view of given objects, and answers a reference for [`ListView`].
        act create_list_view(request: &CreateListViewRequest) -> value ManagedObjectReference = VIEW_MANAGER_CREATE_LIST_VIEW;
        /// Makes a list view of the objects that another view has at that moment.
        act create_list_view_from_view(request: &CreateListViewFromViewRequest) -> value ManagedObjectReference
            = VIEW_MANAGER_CREATE_LIST_VIEW_FROM_VIEW;
        /// Reads the views of the session.
        read view_list() -> list ManagedObjectReference = VIEW_MANAGER_GET_VIEW_LIST;
    }
}

crate::methods! {
    ListView {
        /// Destroys the view; the objects in it are not touched.
        act destroy() -> nothing = LIST_VIEW_DESTROY_VIEW;
        /// Reads the objects in it.
        read view() -> list ManagedObjectReference = LIST_VIEW_GET_VIEW;
        /// Adds objects and takes others out; answers those that it could not add.
        act modify(request: &ModifyListViewRequest) -> list ManagedObjectReference = LIST_VIEW_MODIFY_LIST_VIEW;
        /// Replaces its objects; answers those that it could not take.
        act reset(request: &ResetListViewRequest) -> list ManagedObjectReference = LIST_VIEW_RESET_LIST_VIEW;
        /// Replaces its objects by those that another view has at that moment.
        act reset_from_view(request: &ResetListViewFromViewRequest) -> nothing = LIST_VIEW_RESET_LIST_VIEW_FROM_VIEW;
    }
}
