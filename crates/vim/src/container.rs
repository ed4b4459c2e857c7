//! Views of what is below a container.

use farside_models_vim::operation::{
    CONTAINER_VIEW_DESTROY_VIEW, CONTAINER_VIEW_GET_CONTAINER, CONTAINER_VIEW_GET_RECURSIVE,
    CONTAINER_VIEW_GET_TYPE, CONTAINER_VIEW_GET_VIEW,
};
use farside_wire::ManagedObjectReference;

crate::managed_object! {
    /// A view of what is below a container; it follows the inventory. Made by
    /// [`ViewManager::create_container_view`](crate::ViewManager::create_container_view).
    pub struct ContainerView = "ContainerView";
}

crate::methods! {
    ContainerView {
        /// Destroys the view; the objects in it are not touched.
        act destroy() -> nothing = CONTAINER_VIEW_DESTROY_VIEW;
        /// Reads what the view is of.
        read container() -> value ManagedObjectReference = CONTAINER_VIEW_GET_CONTAINER;
        /// Reads whether it goes below the container's own children.
        read recursive() -> value bool = CONTAINER_VIEW_GET_RECURSIVE;
        /// Reads the types that it is limited to; none means all.
        read types() -> list String = CONTAINER_VIEW_GET_TYPE;
        /// Reads the objects that are in it at this moment.
        read view() -> list ManagedObjectReference = CONTAINER_VIEW_GET_VIEW;
    }
}
