//! A request as large as the answer of the other benchmark.

use farside_models_vim::{
    ObjectSpec, PropertyFilterSpec, PropertySpec, RetrieveOptions, RetrievePropertiesExRequest,
};
use farside_wire::ManagedObjectReference;
use serde::Serialize;

/// Objects that the request names; about 17 MB.
const OBJECTS: usize = 118_000;

/// The generated request.
pub(crate) fn request() -> RetrievePropertiesExRequest {
    let objects = (0..OBJECTS)
        .map(|vm| {
            ObjectSpec::new(ManagedObjectReference::new("VirtualMachine", format!("vm-{vm}")))
                .with_skip(false)
        })
        .collect::<Vec<_>>();
    let properties = vec![PropertySpec::new("VirtualMachine").with_path_set(vec!["name".to_owned()])];
    RetrievePropertiesExRequest::new(
        vec![PropertyFilterSpec::new(properties, objects)],
        RetrieveOptions::default(),
    )
}

/// What derives would make of it.
pub(crate) mod derived {
    use super::{OBJECTS, Serialize};

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct Request {
        spec_set: Vec<FilterSpec>,
        options: Options,
    }

    #[derive(Serialize)]
    #[serde(tag = "_typeName", rename = "RetrieveOptions")]
    struct Options {}

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase", tag = "_typeName", rename = "PropertyFilterSpec")]
    struct FilterSpec {
        prop_set: Vec<PropertySpec>,
        object_set: Vec<ObjectSpec>,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase", tag = "_typeName", rename = "PropertySpec")]
    struct PropertySpec {
        #[serde(rename = "type")]
        type_: String,
        path_set: Vec<String>,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase", tag = "_typeName", rename = "ObjectSpec")]
    struct ObjectSpec {
        obj: Reference,
        #[serde(skip_serializing_if = "Option::is_none")]
        skip: Option<bool>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        select_set: Vec<String>,
    }

    #[derive(Serialize)]
    #[serde(tag = "_typeName", rename = "ManagedObjectReference")]
    struct Reference {
        #[serde(rename = "type")]
        type_: String,
        value: String,
    }

    pub(crate) fn request() -> Request {
        let object = |vm| ObjectSpec {
            obj: Reference {
                type_: "VirtualMachine".to_owned(),
                value: format!("vm-{vm}"),
            },
            skip: Some(false),
            select_set: Vec::new(),
        };
        Request {
            spec_set: vec![FilterSpec {
                prop_set: vec![PropertySpec {
                    type_: "VirtualMachine".to_owned(),
                    path_set: vec!["name".to_owned()],
                }],
                object_set: (0..OBJECTS).map(object).collect(),
            }],
            options: Options {},
        }
    }
}
