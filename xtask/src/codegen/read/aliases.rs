//! Schemas that only give a shape another name: the shape stands in for the name wherever it is used.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};

use super::types::Entry;
use super::{Body, Named, Object, Operation, Schema, Shape};

/// The types among the schemas, with no alias left in them or in the operations.
pub(super) fn resolve(entries: Vec<Entry>, operations: &mut [Operation]) -> Result<Vec<Named>> {
    let mut types = Vec::new();
    let mut aliases = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Type(named) => types.push(named),
            Entry::Alias(name, shape, line) => _ = aliases.insert(name, (shape, line)),
        }
    }
    if aliases.is_empty() {
        return Ok(types);
    }
    let aliases = Aliases(aliases);
    for named in &mut types {
        if let Schema::Object(object) = &mut named.schema {
            aliases.object(object)?;
        }
    }
    for operation in operations {
        match &mut operation.body {
            Some(Body::Shape(shape)) => aliases.shape(shape, 0)?,
            Some(Body::Inline(object)) => aliases.object(object)?,
            None => {}
        }
        let parameters = operation
            .parameters
            .iter_mut()
            .map(|parameter| &mut parameter.shape);
        let answers = operation.answer.iter_mut().chain(&mut operation.task_result);
        for shape in answers.chain(&mut operation.alternatives).chain(parameters) {
            aliases.shape(shape, 0)?;
        }
    }
    Ok(types)
}

struct Aliases(BTreeMap<String, (Shape, usize)>);

impl Aliases {
    fn object(&self, object: &mut Object) -> Result<()> {
        for member in &mut object.members {
            self.shape(&mut member.shape, 0)?;
        }
        Ok(())
    }

    fn shape(&self, shape: &mut Shape, depth: usize) -> Result<()> {
        match shape {
            Shape::List(inner) | Shape::Map(inner) => self.shape(inner, depth),
            Shape::Reference(name) => {
                let Some((target, line)) = self.0.get(name) else {
                    return Ok(());
                };
                if depth > self.0.len() {
                    let error = anyhow!(crate::json::Refusal {
                        line: *line,
                        text: format!("`{name}` is another name for itself"),
                    });
                    return Err(error.context(format!("schema `{name}`")));
                }
                *shape = target.clone();
                self.shape(shape, depth + 1)
            }
            _ => Ok(()),
        }
    }
}
