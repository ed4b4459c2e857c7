//! The property collector: what is read of objects at once.

mod content;
mod partial;
mod select;
pub(crate) mod spec;
pub(crate) mod update;
pub(crate) mod wait;

use serde_json::{Value, json};

use self::spec::{FILTER, FilterSpec, list};
use super::fault::Fault;
use super::object::Object;
use super::property;
use super::request::{self, Path, ROOT_TYPE};
use super::session;
use super::value::answer;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::world::World;

pub(super) const MO_ID: &str = "propertyCollector";

/// How many objects one page holds unless the caller wants fewer.
const PAGE: usize = 100;

static RETRIEVE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("specSet", Shape::List(&FILTER)),
    required(
        "options",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["RetrieveOptions"])),
            optional("maxObjects", Shape::Integer),
        ]),
    ),
]);
static RETRIEVE_ALL: Shape = Shape::Object(&[ROOT_TYPE, required("specSet", Shape::List(&FILTER))]);
static TOKEN: Shape = Shape::Object(&[ROOT_TYPE, required("token", Shape::Text)]);

/// A read, by the collector that everybody has or by one of the session.
pub(super) fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    if path.mo_id != MO_ID {
        Object::named(world, incoming.endpoint, &path.type_name, &path.mo_id)?;
    }
    match path.member.as_str() {
        "RetrievePropertiesEx" => retrieve(world, incoming),
        "RetrieveProperties" => retrieve_all(world, incoming),
        "ContinueRetrievePropertiesEx" => go_on(world, incoming),
        _ => give_up(world, incoming),
    }
}

/// `RetrievePropertiesEx`. It needs no session: without one, every property is missing for want of it.
fn retrieve(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, &RETRIEVE)?;
    let objects = contents(world, incoming, &body)?;
    let wanted = body["options"]["maxObjects"]
        .as_i64()
        .and_then(|wanted| usize::try_from(wanted).ok());
    let size = wanted.filter(|wanted| *wanted > 0).unwrap_or(PAGE).min(PAGE);
    Ok(page(world, incoming, objects, size))
}

/// `RetrieveProperties`: the same without pages.
fn retrieve_all(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, &RETRIEVE_ALL)?;
    let objects = contents(world, incoming, &body)?;
    Ok(answer(&if objects.is_empty() {
        Value::Null
    } else {
        Value::Array(objects)
    }))
}

fn contents(world: &mut World, incoming: &Incoming<'_>, body: &Value) -> Result<Vec<Value>, Fault> {
    let authenticated = session::of(world, incoming).is_some();
    let mut objects = Vec::new();
    for filter in list(body, "specSet") {
        let spec = FilterSpec::read(world, filter)?;
        let selected = select::select(world, incoming.endpoint, &spec)?;
        for object in &selected.objects {
            let content = content::read(world, object, &spec.wanted, authenticated)?;
            objects.extend(content.map(|content| content.to_json(object)));
        }
    }
    Ok(objects)
}

/// `ContinueRetrievePropertiesEx`: the page size is that of the world.
fn go_on(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let rest = take_page(world, incoming)?;
    Ok(page(world, incoming, rest, PAGE))
}

/// `CancelRetrievePropertiesEx`: what is left is forgotten.
fn give_up(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    take_page(world, incoming).map(|_| Answer::empty(204))
}

fn take_page(world: &mut World, incoming: &Incoming<'_>) -> Result<Vec<Value>, Fault> {
    let body = request::body(incoming.request, &TOKEN)?;
    let token = body["token"].as_str().unwrap_or_default();
    let rest = session::own(world, incoming, |own| own.pages.remove(token))?;
    rest.ok_or_else(|| Fault::new("InvalidProperty", "The token is not known.").with("name", "token"))
}

/// The first objects as an answer. Nobody without a session can go on, and gets everything at once.
fn page(world: &mut World, incoming: &Incoming<'_>, mut objects: Vec<Value>, size: usize) -> Answer {
    if objects.is_empty() {
        return answer(&Value::Null);
    }
    let rest = objects.split_off(objects.len().min(size));
    let mut token = None;
    if !rest.is_empty() {
        let session = incoming.request.header_text(session::TOKEN_HEADER);
        let kept = world
            .vi_json
            .keep_page(incoming.endpoint, session.unwrap_or_default(), rest);
        match kept {
            Ok(kept) => token = Some(kept),
            Err(rest) => objects.extend(rest),
        }
    }
    let mut result = json!({"_typeName": "RetrieveResult", "objects": objects});
    if let Some(token) = token {
        result["token"] = json!(token);
    }
    answer(&result)
}

/// A property read with GET: the bare value, `null` if it is not set.
pub(super) fn get(
    world: &World,
    endpoint: &str,
    type_name: &str,
    mo_id: &str,
    name: &str,
) -> Result<Answer, Fault> {
    let object = Object::named(world, endpoint, type_name, mo_id)?;
    let found = property::read(world, &object, name)?;
    Ok(answer(&found.map_or(Value::Null, property::Found::bare)))
}
