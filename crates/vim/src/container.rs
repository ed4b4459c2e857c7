//! What is below a container: views of it, and reads by them.

use farside_models_vim::operation::{
    CONTAINER_VIEW_DESTROY_VIEW, CONTAINER_VIEW_GET_CONTAINER, CONTAINER_VIEW_GET_RECURSIVE,
    CONTAINER_VIEW_GET_TYPE, CONTAINER_VIEW_GET_VIEW,
};
use farside_models_vim::{
    CreateContainerViewRequest, ObjectSpec, PropertyFilterSpec, PropertySpec, TraversalSpec,
};
use farside_transport::CallError;
use farside_wire::{ManagedObjectReference, Object};

use crate::client::VimClient;
use crate::object::ManagedObject as _;
use crate::properties::ObjectProperties;

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

/// An object of the inventory with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The object.
    pub object: ManagedObjectReference,
    /// Its name; a slash in it is written `%2f` by the server.
    pub name: String,
}

impl Entry {
    pub(crate) fn read(properties: &ObjectProperties) -> Self {
        let name = properties.get::<String>("name").ok().flatten();
        Self {
            object: properties.object().clone(),
            name: name.unwrap_or_default(),
        }
    }
}

impl VimClient {
    /// Reads properties of all objects of a type below a container, all pages: `paths` of each, by a container view that is
    /// made for it and destroyed again.
    ///
    /// # Errors
    /// [`CallError`]. A view that could not be destroyed, or whose making was answered to nobody, goes with the session: its id is
    /// not known, and of the views of a session nobody can tell which one is meant.
    ///
    /// # Cancel safety
    /// A dropped future can leave a view at the server until the session ends.
    pub async fn below(
        &self,
        container: &ManagedObjectReference,
        type_name: &str,
        paths: &[&str],
    ) -> Result<Vec<ObjectProperties>, CallError> {
        let request =
            CreateContainerViewRequest::new(container.clone(), true).with_type(vec![type_name.to_owned()]);
        let view = self.view_manager().await?.create_container_view(&request).await?;
        let to_members = TraversalSpec::new(ContainerView::TYPE_NAME, "view");
        let start = ObjectSpec::new(view.clone())
            .with_skip(true)
            .with_select_set(vec![Object::new(&to_members)]);
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        let wanted = PropertySpec::new(type_name).with_path_set(paths);
        let found = self
            .select(
                vec![PropertyFilterSpec::new(vec![wanted], vec![start])],
                format!("{type_name} below {container}"),
            )
            .await;
        let destroyed = ContainerView::of(self, view).destroy().await;
        let found = found?;
        destroyed.map(|()| found)
    }

    /// All objects of a type below a container, with their names.
    ///
    /// # Errors
    /// As [`VimClient::below`].
    pub async fn entries(
        &self,
        container: &ManagedObjectReference,
        type_name: &str,
    ) -> Result<Vec<Entry>, CallError> {
        let found = self.below(container, type_name, &["name"]).await?;
        Ok(found.iter().map(Entry::read).collect())
    }
}
