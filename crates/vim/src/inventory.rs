//! Looking around in the inventory: typed reads, all objects below another one, paths.

use farside_models_vim::operation::PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX;
use farside_models_vim::{
    CreateContainerViewRequest, FindByInventoryPathRequest, ObjectSpec, PropertyFilterSpec, PropertySpec,
    SelectionSpec, TraversalSpec,
};
use farside_transport::{CallError, CallErrorKind};
use farside_wire::{ManagedObjectReference, Object, Read};
use serde::de::Error as _;

use crate::client::VimClient;
use crate::container::ContainerView;
use crate::invocation::Invocation;
use crate::object::ManagedObject;
use crate::path::PropertyPath;
use crate::properties::ObjectProperties;

/// An object of the inventory with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The object.
    pub object: ManagedObjectReference,
    /// Its name; a slash in it is written `%2f` by the server.
    pub name: String,
}

/// Characters that a name has in an inventory path are those of the server, but for the slash that separates names.
fn escaped(name: &str) -> String {
    name.replace('/', "%2f")
}

impl VimClient {
    /// Reads one property of an object (`PropertyCollector.RetrievePropertiesEx`); `None` if it is not set.
    ///
    /// # Errors
    /// [`CallError`]; [`CallErrorKind::Decode`] if the value is of another type or may not be read, `ManagedObjectNotFound` if
    /// the object is not there.
    pub async fn read<O: ManagedObject, T: Read>(
        &self,
        object: &O,
        path: PropertyPath<O, T>,
    ) -> Result<Option<T>, CallError> {
        let of = [object.reference().clone()];
        let read = self.properties(&of, O::TYPE_NAME, &[path.as_str()]).await?;
        let Some(properties) = read.first() else {
            return Ok(None);
        };
        let unreadable = |reason: String| {
            let call = Invocation::new(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, "")
                .target(format!("{} of {}", path.as_str(), object.reference()))
                .into_call();
            call.context()
                .error(CallErrorKind::Decode(serde_json::Error::custom(reason)))
        };
        if let Some(fault) = properties.fault(path.as_str()) {
            return Err(unreadable(format!("it cannot be read: {}", fault.type_name())));
        }
        properties.at(path).map_err(|error| unreadable(error.to_string()))
    }

    /// Reads properties of all objects of a type below a container, all pages: `paths` of each, by a container view that is
    /// made for it and destroyed again.
    ///
    /// # Errors
    /// [`CallError`]. A view that could not be destroyed goes with the session.
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
        Ok(found.iter().map(entry).collect())
    }

    /// The object at an inventory path, given as names from below the root folder down.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn at_path(&self, names: &[&str]) -> Result<Option<ManagedObjectReference>, CallError> {
        let names: Vec<String> = names.iter().map(|name| escaped(name)).collect();
        let request = FindByInventoryPathRequest::new(names.join("/"));
        self.search_index().await?.find_by_inventory_path(&request).await
    }

    /// The names on the way from below the root folder to an object, in one call; with [`VimClient::at_path`] they lead back.
    ///
    /// # Errors
    /// [`CallError`]; `ManagedObjectNotFound` if the object is not there.
    pub async fn path_of(&self, object: &ManagedObjectReference) -> Result<Vec<String>, CallError> {
        let up = TraversalSpec::new("ManagedEntity", "parent")
            .with_name("up")
            .with_select_set(vec![Object::new(&SelectionSpec::default().with_name("up"))]);
        let start = ObjectSpec::new(object.clone()).with_select_set(vec![Object::new(&up)]);
        let wanted =
            PropertySpec::new("ManagedEntity").with_path_set(vec!["name".to_owned(), "parent".to_owned()]);
        let spec = PropertyFilterSpec::new(vec![wanted], vec![start]);
        let found = self.select(vec![spec], format!("the path of {object}")).await?;
        let mut names = Vec::new();
        let mut at = Some(object.clone());
        // As many steps as there are objects: parents that lead in a circle end as well.
        for _ in 0..found.len() {
            let Some(step) = at
                .take()
                .and_then(|at| found.iter().find(|found| *found.object() == at))
            else {
                break;
            };
            at = step.get("parent").ok().flatten();
            if at.is_some() {
                names.push(entry(step).name.replace("%2f", "/"));
            }
        }
        names.reverse();
        Ok(names)
    }
}

fn entry(properties: &ObjectProperties) -> Entry {
    let name = properties.get::<String>("name").ok().flatten();
    Entry {
        object: properties.object().clone(),
        name: name.unwrap_or_default(),
    }
}
