//! One generated type out of one schema.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use super::super::model::{Enum, Field, Item, Struct, Type, Union, Value};
use super::super::names;
use super::super::names::legal::Use;
use super::super::read::{Body, Member, Object, Schema, Shape};
use super::clashes::{Name, at, distinct};
use super::{FAULT, Items, ROOTS, Resolver, is_root};

/// Marks the key of a body that has no schema of its own; an operation id follows.
pub(super) const INLINE: &str = "inline body of ";

/// Name of an argument for which any JSON may stand.
const OBJECT: &str = "Object";

pub(super) fn inline_key(operation: &str) -> String {
    format!("{INLINE}{operation}")
}

impl Resolver<'_> {
    /// The type generated from `schema`.
    pub(super) fn item(&self, schema: &str) -> Result<Item> {
        if let Some(query) = self.query(schema)? {
            return Ok(query);
        }
        let rust = self.home(schema)?.rust;
        if let Some(id) = schema.strip_prefix(INLINE) {
            return self.inline(schema, rust, id);
        }
        if self.generics.contains_key(schema) {
            return self.generic(schema, rust);
        }
        let named = self.schemas.get(schema).context("no such schema")?;
        match &named.schema {
            Schema::Object(object) => self.structure(schema, rust, object, None).map(Item::Struct),
            Schema::Enum(values) => self.open_enum(schema, rust, values),
            Schema::Union { tag, variants } => self.union(schema, rust, tag, variants),
        }
    }

    /// What a value of an enum or a variant of a union is called in Rust.
    fn variant_rust(&self, schema: &str, wire: &str) -> String {
        let names = self.overlay.types.get(schema).map(|rule| &rule.names);
        match names.and_then(|names| names.get(wire)) {
            Some(name) => name.text.clone(),
            // A server's own word for "unknown" must not be taken for ours.
            None if names::pascal(wire) == "Unknown" => "ReportedUnknown".to_owned(),
            None => names::pascal(wire),
        }
    }

    fn open_enum(&self, schema: &str, rust: String, values: &[String]) -> Result<Item> {
        let values = values.iter().map(|wire| Value {
            wire: wire.clone(),
            rust: self.variant_rust(schema, wire),
            doc: self.overlay.field_doc(schema, schema, wire).map(str::to_owned),
        });
        let values: Vec<Value> = values.collect();
        let line = self.line(schema);
        let names = values.iter().map(|value| Name {
            wire: &value.wire,
            rust: &value.rust,
            line,
        });
        distinct(names, Use::Variant, "value", schema)?;
        Ok(Item::Enum(Enum {
            wire: schema.to_owned(),
            rust,
            doc: self.overlay.type_doc(schema).map(str::to_owned),
            values,
        }))
    }

    fn union(&self, schema: &str, rust: String, tag: &str, variants: &[(String, String)]) -> Result<Item> {
        let known = variants.iter().filter(|(_, schema)| !self.is_unread(schema));
        let docs = known.clone().filter_map(|(value, _)| {
            let doc = self.overlay.field_doc(schema, schema, value)?;
            Some((value.clone(), doc.to_owned()))
        });
        let docs = docs.collect();
        let variants = known.map(|(value, target)| {
            let rust = self.variant_rust(schema, value);
            (value.clone(), rust, target.clone())
        });
        let variants: Vec<(String, String, String)> = variants.collect();
        let line = self.line(schema);
        let names = variants.iter().map(|(wire, rust, _)| Name { wire, rust, line });
        distinct(names, Use::Variant, "variant", schema)?;
        Ok(Item::Union(Union {
            wire: schema.to_owned(),
            rust,
            doc: self.overlay.type_doc(schema).map(str::to_owned),
            tag: tag.to_owned(),
            docs,
            variants,
        }))
    }

    fn inline(&self, key: &str, rust: String, id: &str) -> Result<Item> {
        let operation = self.operations.get(id);
        let Some(Body::Inline(object)) = operation.and_then(|operation| operation.body.as_ref()) else {
            bail!("operation `{id}` has no inline body");
        };
        let mut item = self.structure(key, rust, object, None)?;
        item.body_of = Some(id.to_owned());
        for field in &mut item.fields {
            field.doc = self.overlay.parameter_doc(id, &field.wire).map(str::to_owned);
        }
        Ok(Item::Struct(item))
    }

    /// The generic type of that name, made of its first instance; all others must agree with it.
    fn generic(&self, name: &str, rust: String) -> Result<Item> {
        let mut found: Option<Struct> = None;
        for named in &self.document.schemas {
            let Schema::Object(object) = &named.schema else {
                continue;
            };
            let Some((_, argument)) = object.generic.as_ref().filter(|(of, _)| of == name) else {
                continue;
            };
            let mut item = self.structure(&named.name, rust.clone(), object, Some(argument))?;
            let instance = (named.name.clone(), self.argument(argument)?);
            let Some(first) = &mut found else {
                name.clone_into(&mut item.wire);
                item.instances.push(instance);
                found = Some(item);
                continue;
            };
            let types = |item: &Struct| {
                item.fields
                    .iter()
                    .map(|field| field.ty.clone())
                    .collect::<Vec<_>>()
            };
            if types(first) != types(&item) {
                let first = first.instances.first().map_or(name, |(schema, _)| schema);
                bail!("`{}` and `{first}` are not instances of one generic", named.name);
            }
            first.instances.push(instance);
        }
        let mut item = found.context("no instance")?;
        if let Some(doc) = self.overlay.type_doc(name) {
            item.doc = Some(doc.to_owned());
        }
        for field in &mut item.fields {
            if let Some(doc) = self.overlay.field_doc(name, name, &field.wire) {
                field.doc = Some(doc.to_owned());
            }
        }
        Ok(Item::Struct(item))
    }

    /// The type that the argument of a generic stands for.
    fn argument(&self, argument: &str) -> Result<Type> {
        if argument == OBJECT {
            Ok(Type::Raw)
        } else {
            self.reference(argument)
        }
    }

    /// The structure of an object with what it inherits; `argument` is the schema in whose place a parameter goes.
    pub(super) fn structure(
        &self,
        schema: &str,
        rust: String,
        object: &Object,
        argument: Option<&str>,
    ) -> Result<Struct> {
        let (mut fields, mut lines) = (Vec::new(), Vec::new());
        for (owner, member) in self.members(schema, object)? {
            let argument = argument.filter(|_| owner == schema);
            let field = self.field(schema, owner, member, argument);
            let field = field.with_context(|| format!("member `{}`", member.name));
            fields.push(field.map_err(|error| at(member.line, error))?);
            lines.push(member.line);
        }
        let names = fields.iter().zip(lines).map(|(field, line)| Name {
            wire: &field.wire,
            rust: &field.rust,
            line,
        });
        distinct(names, Use::Field, "member", schema)?;
        let chain = self.chain(object)?;
        Ok(Struct {
            wire: schema.to_owned(),
            rust,
            doc: self.overlay.type_doc(schema).map(str::to_owned),
            since: object.since.clone(),
            body_of: None,
            typed: chain.last().is_some_and(|last| self.is_any(last)),
            descendants: self.descendants(schema, object, &chain),
            bases: chain,
            fields,
            instances: Vec::new(),
            input: false,
        })
    }

    fn field(&self, schema: &str, owner: &str, member: &Member, argument: Option<&str>) -> Result<Field> {
        let parameter = argument.and_then(|argument| parameter(&member.shape, argument));
        let ty = match parameter {
            Some(ty) => ty,
            None => self.ty(&member.shape, &member.name)?,
        };
        let ty = match ty {
            Type::String if self.overlay.is_secret(owner, &member.name) => Type::Secret,
            ty => ty,
        };
        let doc = self.overlay.field_doc(schema, owner, &member.name);
        Ok(Field {
            wire: member.name.clone(),
            rust: self.field_rust(schema, owner, &member.name),
            ty,
            required: member.required,
            deprecated: member.deprecated,
            doc: doc.map(str::to_owned),
            since: member.since.clone(),
            target: member.target.clone(),
            confidence: member.confidence.clone(),
            style: None,
        })
    }

    /// What a member is called in Rust: what is said for the schema, else for the one that declares it.
    fn field_rust(&self, schema: &str, owner: &str, member: &str) -> String {
        let names = match schema.strip_prefix(INLINE) {
            Some(id) => self.overlay.operations.get(id).map(|rule| &rule.names),
            None => self.overlay.types.get(schema).map(|rule| &rule.names),
        };
        let inherited = self.overlay.types.get(owner).map(|rule| &rule.names);
        let mut told = names.into_iter().chain(inherited);
        told.find_map(|names| names.get(member))
            .map_or_else(|| names::snake(member), |name| name.text.clone())
    }

    /// All members in wire order, each with the schema that declares it; tags of unions are left out, since the
    /// union writes them.
    fn members<'s>(&'s self, schema: &'s str, object: &'s Object) -> Result<Vec<(&'s str, &'s Member)>> {
        let mut levels: Vec<(&str, &Object)> = vec![(schema, object)];
        for base in self.chain(object)? {
            let (name, level) = self.object(&base)?;
            levels.push((name, level));
        }
        let all = levels
            .into_iter()
            .rev()
            .flat_map(|(name, level)| level.members.iter().map(move |member| (name, member)));
        Ok(all
            .filter(|(name, member)| !self.is_any(name) && !matches!(member.shape, Shape::Constant(_)))
            .filter(|(_, member)| !self.tags.contains(&(schema, member.name.as_str())))
            .collect())
    }

    /// Whether the schema is the root that has the member for the name of the type.
    fn is_any(&self, schema: &str) -> bool {
        schema == ROOTS[0] && is_root(self.overlay, schema)
    }

    /// Names of the bases, nearest first.
    fn chain(&self, object: &Object) -> Result<Vec<String>> {
        let mut chain = Vec::new();
        let mut next = object.base.clone();
        while let Some(name) = next {
            if chain.contains(&name) {
                bail!("`{name}` derives from itself");
            }
            next = self.object(&name)?.1.base.clone();
            chain.push(name);
        }
        Ok(chain)
    }

    fn object(&self, name: &str) -> Result<(&str, &Object)> {
        match self.schemas.get_key_value(name) {
            Some((name, named)) => match &named.schema {
                Schema::Object(object) => Ok((*name, object)),
                Schema::Enum(_) | Schema::Union { .. } => {
                    bail!("`{name}` is used as a base and is no object")
                }
            },
            None => bail!("no schema `{name}`"),
        }
    }

    fn descendants(&self, schema: &str, object: &Object, chain: &[String]) -> Vec<String> {
        if schema != FAULT && !chain.iter().any(|base| base == FAULT) {
            return object.subtypes.clone();
        }
        let mut found = BTreeSet::new();
        let mut todo = vec![schema];
        while let Some(base) = todo.pop() {
            let below = self.document.fault_ancestry.iter().filter(|(_, up)| up == base);
            todo.extend(
                below
                    .map(|(name, _)| name.as_str())
                    .filter(|name| found.insert((*name).to_owned())),
            );
        }
        found.into_iter().collect()
    }

    fn is_unread(&self, schema: &str) -> bool {
        self.object(schema).is_ok_and(|(_, object)| object.unread)
    }

    /// The Rust type of a value; `member` is the name of the member it belongs to, or empty.
    pub(super) fn ty(&self, shape: &Shape, member: &str) -> Result<Type> {
        Ok(match shape {
            Shape::Bool => Type::Bool,
            Shape::Byte => Type::I8,
            Shape::Short => Type::I16,
            Shape::Int => Type::I32,
            Shape::Long if self.overlay.service == "Vcda" && is_moment(member) => Type::EpochMillis,
            Shape::Long => Type::I64,
            Shape::Double => Type::F64,
            Shape::String | Shape::Constant(_) => Type::String,
            Shape::Secret => Type::Secret,
            Shape::DateTime => Type::Timestamp,
            Shape::Binary => Type::Binary,
            Shape::Anything => Type::Raw,
            Shape::List(inner) => Type::List(Box::new(self.ty(inner, member)?)),
            Shape::Map(inner) => Type::Map(Box::new(self.ty(inner, member)?)),
            Shape::Reference(schema) => self.reference(schema)?,
        })
    }

    fn reference(&self, schema: &str) -> Result<Type> {
        if is_root(self.overlay, schema) {
            return Ok(Type::Any);
        }
        if schema == FAULT {
            return Ok(Type::Fault);
        }
        if let Some(path) = self.overlay.external.get(schema) {
            return Ok(Type::External(path.text.clone()));
        }
        let named = self
            .schemas
            .get(schema)
            .with_context(|| format!("no schema `{schema}`"))?;
        match &named.schema {
            Schema::Object(object) => match &object.generic {
                Some((of, argument)) => Ok(Type::Generic(of.clone(), Box::new(self.argument(argument)?))),
                None if self.generics.contains_key(schema) => {
                    bail!("`{schema}` is a generic without an argument")
                }
                None if object.open => Ok(Type::Object(schema.to_owned())),
                None => Ok(Type::Named(schema.to_owned())),
            },
            Schema::Enum(_) | Schema::Union { .. } => Ok(Type::Named(schema.to_owned())),
        }
    }
}

/// Whether the type is a fault.
pub(super) fn is_fault(item: &Struct) -> bool {
    item.wire == FAULT || item.bases.iter().any(|base| base == FAULT)
}

/// The parameter's type, if `shape` is the argument of a generic's instance or a list of it.
fn parameter(shape: &Shape, argument: &str) -> Option<Type> {
    match shape {
        Shape::Reference(name) if name == argument => Some(Type::Parameter),
        Shape::Anything if argument == OBJECT => Some(Type::Parameter),
        Shape::List(inner) => parameter(inner, argument).map(|inner| Type::List(Box::new(inner))),
        _ => None,
    }
}

/// Whether a 64-bit number of that name is a moment in milliseconds since 1970 (VCDA wire rules 7).
fn is_moment(member: &str) -> bool {
    ["lastUpdated", "timestamp", "optimizeUntil"].contains(&member) || member.ends_with("Time")
}

/// Puts members behind a pointer through which a type would contain itself.
pub(super) fn box_cycles(items: &mut Items) {
    let mut cyclic = Vec::new();
    for (name, (item, _)) in items.iter() {
        let Item::Struct(item) = item else { continue };
        for (index, field) in item.fields.iter().enumerate() {
            if matches!(&field.ty, Type::Named(target) if contains(items, target, name)) {
                cyclic.push((name.clone(), index));
            }
        }
    }
    for (name, index) in cyclic {
        if let Some((Item::Struct(item), _)) = items.get_mut(&name)
            && let Some(field) = item.fields.get_mut(index)
        {
            field.ty = Type::Boxed(Box::new(field.ty.clone()));
        }
    }
}

/// Whether `outer` holds an `inner` directly, without a list, a map or an open place between.
fn contains(items: &Items, outer: &str, inner: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut todo = vec![outer];
    while let Some(name) = todo.pop() {
        if name == inner {
            return true;
        }
        match items.get(name).filter(|_| seen.insert(name)) {
            Some((Item::Struct(item), _)) => {
                todo.extend(item.fields.iter().filter_map(|field| match &field.ty {
                    Type::Named(name) => Some(name.as_str()),
                    _ => None,
                }))
            }
            Some((Item::Union(item), _)) => {
                todo.extend(item.variants.iter().map(|(_, _, schema)| schema.as_str()));
            }
            Some((Item::Enum(_) | Item::Query(_), _)) | None => {}
        }
    }
    false
}
