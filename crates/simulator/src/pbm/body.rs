//! The shapes of the parameters of PBM.

use crate::shape::{Shape, optional, required};
use crate::vi_json::request::{NO_PARAMETERS, ROOT_TYPE};

const ENTITY: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["PbmServerObjectRef"])),
    required("objectType", Shape::Text),
    required("key", Shape::Text),
    optional("serverUuid", Shape::Text),
]);
static ENTITIES: Shape = ENTITY;
const PROFILE_ID: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["PbmProfileId"])),
    required("uniqueId", Shape::Text),
]);
static PROFILE_IDS: Shape = PROFILE_ID;

static QUERY_GROUPS: Shape = Shape::Object(&[ROOT_TYPE, optional("entities", Shape::List(&ENTITIES))]);
static OF_ENTITY: Shape = Shape::Object(&[ROOT_TYPE, required("entity", ENTITY)]);
static OF_ENTITIES: Shape = Shape::Object(&[ROOT_TYPE, required("entities", Shape::List(&ENTITIES))]);
static OF_PROFILE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("profile", PROFILE_ID),
    optional("entityType", Shape::Text),
]);
static OF_PROFILES: Shape = Shape::Object(&[ROOT_TYPE, optional("profiles", Shape::List(&PROFILE_IDS))]);
static CONTENT: Shape = Shape::Object(&[ROOT_TYPE, required("profileIds", Shape::List(&PROFILE_IDS))]);
static QUERY: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "resourceType",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["PbmProfileResourceType"])),
            required("resourceType", Shape::Text),
        ]),
    ),
    optional("profileCategory", Shape::Text),
]);

/// The shape of the parameters of a method.
pub(super) fn shape(method: &str) -> &'static Shape {
    match method {
        "PbmQueryReplicationGroups" => &QUERY_GROUPS,
        "PbmQueryAssociatedProfile" => &OF_ENTITY,
        "PbmQueryAssociatedProfiles" => &OF_ENTITIES,
        "PbmQueryAssociatedEntity" => &OF_PROFILE,
        "PbmQueryAssociatedEntities" => &OF_PROFILES,
        "PbmQueryProfile" => &QUERY,
        "PbmRetrieveContent" => &CONTENT,
        _ => &NO_PARAMETERS,
    }
}
