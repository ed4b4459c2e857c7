//! Paths in the inventory.

use farside_models_vim::{
    FindByInventoryPathRequest, ObjectSpec, PropertyFilterSpec, PropertySpec, SelectionSpec, TraversalSpec,
};
use farside_transport::CallError;
use farside_wire::{ManagedObjectReference, Object};

use crate::client::VimClient;
use crate::container::Entry;
use crate::properties::ObjectProperties;

/// Characters that a name has in an inventory path are those of the server, but for the slash that separates names.
fn escaped(name: &str) -> String {
    name.replace('/', "%2f")
}

impl VimClient {
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
        Ok(names_above(&found, object).0)
    }
}

/// The names on the way to an object, of those that were found with their names and parents, as far as it leads; and whether that
/// is up to the root folder.
fn names_above(found: &[ObjectProperties], object: &ManagedObjectReference) -> (Vec<String>, bool) {
    let mut names = Vec::new();
    let mut at = Some(object.clone());
    let mut is_whole = false;
    // As many steps as there are objects: parents that lead in a circle end as well.
    for _ in 0..found.len() {
        let Some(step) = at
            .take()
            .and_then(|at| found.iter().find(|found| *found.object() == at))
        else {
            break;
        };
        at = step.get("parent").ok().flatten();
        match &at {
            Some(_) => names.push(Entry::read(step).name.replace("%2f", "/")),
            None => is_whole = step.fault("parent").is_none(),
        }
    }
    names.reverse();
    (names, is_whole)
}

/// The names on the way from below the root folder to an object, of those that were found; `None` if some of them are not known.
#[cfg(feature = "vm")]
pub(crate) fn way_to(found: &[ObjectProperties], object: &ManagedObjectReference) -> Option<Vec<String>> {
    let (names, is_whole) = names_above(found, object);
    (is_whole && names.iter().all(|name| !name.is_empty())).then_some(names)
}
