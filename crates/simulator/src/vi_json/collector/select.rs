//! Which objects a filter is about: those that it names, and what is reached from them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::super::fault::Fault;
use super::super::object::Object;
use super::super::{property, types};
use super::spec::{FilterSpec, Selection, Start, Traversal};
use crate::world::World;

/// The objects of a filter in the order in which they are reached, each once, and the objects that are named and not
/// there.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub(super) objects: Vec<Object>,
    pub(super) missing: Vec<(Value, Fault)>,
    known: BTreeSet<String>,
}

/// Selects the objects of a filter. An object that is named and not there is a fault unless the filter bears it.
pub(super) fn select(world: &World, endpoint: &str, spec: &FilterSpec) -> Result<Selected, Fault> {
    let mut selected = Selected::default();
    for start in &spec.starts {
        match Object::referred(world, endpoint, &start.object) {
            Ok(object) => {
                let mut walk = Walk {
                    world,
                    start,
                    selected: &mut selected,
                    walked: BTreeSet::new(),
                };
                walk.include(&object, start.skip);
                for selection in &start.select {
                    walk.follow(&object, selection)?;
                }
            }
            Err(fault) if spec.tolerant => selected.missing.push((start.object.clone(), fault)),
            Err(fault) => return Err(fault),
        }
    }
    Ok(selected)
}

struct Walk<'a> {
    world: &'a World,
    start: &'a Start,
    selected: &'a mut Selected,
    /// Which traversals have been followed from which objects, as a recursive spec comes by the same ones again.
    walked: BTreeSet<(String, usize)>,
}

impl Walk<'_> {
    fn include(&mut self, object: &Object, skip: bool) {
        if !skip && self.selected.known.insert(object.mo_id.clone()) {
            self.selected.objects.push(object.clone());
        }
    }

    fn follow(&mut self, from: &Object, selection: &Selection) -> Result<(), Fault> {
        let traversal = match selection {
            Selection::Traverse(traversal) => Arc::clone(traversal),
            Selection::Named(name) => match self.start.named.get(name) {
                Some(traversal) => Arc::clone(traversal),
                None => return Ok(()),
            },
        };
        if !types::is_a(from.type_name, &traversal.type_name) {
            return Ok(());
        }
        let address = Arc::as_ptr(&traversal) as usize;
        if !self.walked.insert((from.mo_id.clone(), address)) {
            return Ok(());
        }
        for object in self.targets(from, &traversal)? {
            self.include(&object, traversal.skip);
            for selection in &traversal.select {
                self.follow(&object, selection)?;
            }
        }
        Ok(())
    }

    fn targets(&self, from: &Object, traversal: &Traversal) -> Result<Vec<Object>, Fault> {
        let found = property::read(self.world, from, &traversal.path)?;
        let targets = found.map_or(Value::Null, property::Found::bare);
        let targets = match targets {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            one => vec![one],
        };
        let objects = targets
            .iter()
            .map(|target| Object::referred(self.world, &from.vcenter, target));
        // What an object refers to and is not there (any more) is passed over.
        Ok(objects.filter_map(Result::ok).collect())
    }
}
