//! Waiting for updates: at once where there are some, parked where there are none.

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::super::fault::Fault;
use super::super::own::Own;
use super::super::request::{self, NO_PARAMETERS, Path, ROOT_TYPE};
use super::super::session;
use super::super::value::{answer, reference};
use super::spec::{FILTER, FilterSpec};
use super::update::{Collector, Filter};
use super::{MO_ID, content, select};
use crate::exchange::{Answer, Request};
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::vi_json::RELEASES;
use crate::world::{Parked, World};

static CREATE_FILTER: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("spec", Shape::Nested(&FILTER)),
    required("partialUpdates", Shape::Flag),
]);
static VERSION: Shape = Shape::Object(&[ROOT_TYPE, optional("version", Shape::Text)]);
static WAIT: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional("version", Shape::Text),
    optional(
        "options",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["WaitOptions"])),
            optional("maxWaitSeconds", Shape::Integer),
            optional("maxObjectUpdates", Shape::Integer),
        ]),
    ),
]);

/// A method of a collector of the session, other than a read.
pub(in super::super) fn handle(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
) -> Result<Answer, Fault> {
    let mo_id = path.mo_id.as_str();
    let known = session::own(world, incoming, |own: &mut Own| {
        own.collectors.contains_key(mo_id)
    })?;
    if !known {
        return Err(Fault::no_such_object(&path.type_name, mo_id));
    }
    match path.member.as_str() {
        "CreateFilter" => create_filter(world, incoming, mo_id),
        "CreatePropertyCollector" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            let id = session::own(world, incoming, |own: &mut Own| {
                let id = own.new_id();
                own.collectors.insert(id.clone(), Collector::default());
                id
            })?;
            Ok(answer(&reference("PropertyCollector", &id)))
        }
        "DestroyPropertyCollector" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            if mo_id == MO_ID {
                return Err(Fault::new(
                    "NotSupported",
                    "The default collector cannot be destroyed.",
                ));
            }
            session::own(world, incoming, |own: &mut Own| own.collectors.remove(mo_id))?;
            Ok(Answer::empty(204))
        }
        "CancelWaitForUpdates" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            session::own(world, incoming, |own: &mut Own| {
                own.collectors.get_mut(mo_id).map(|one| one.waits += 1)
            })?;
            Ok(Answer::empty(204))
        }
        "CheckForUpdates" => {
            let body = request::body(incoming.request, &VERSION)?;
            wait(world, incoming, mo_id, &body, Some(0), None)
        }
        "WaitForUpdates" => {
            let body = request::body(incoming.request, &VERSION)?;
            wait(world, incoming, mo_id, &body, None, None)
        }
        _ => {
            let body = request::body(incoming.request, &WAIT)?;
            let number = |name: &str| body["options"][name].as_i64();
            let most = number("maxObjectUpdates");
            if most.is_some_and(|most| most < 1) {
                return Err(Fault::invalid_argument(
                    Some("options.maxObjectUpdates"),
                    "It has to be above zero.",
                ));
            }
            if number("maxWaitSeconds").is_some_and(|seconds| seconds < 0) {
                return Err(Fault::invalid_argument(
                    Some("options.maxWaitSeconds"),
                    "It may not be negative.",
                ));
            }
            let most = most.and_then(|most| usize::try_from(most).ok());
            wait(world, incoming, mo_id, &body, number("maxWaitSeconds"), most)
        }
    }
}

fn create_filter(world: &mut World, incoming: &Incoming<'_>, collector: &str) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, &CREATE_FILTER)?;
    let spec = FilterSpec::read(world, &body["spec"])?;
    // What cannot be selected or read is refused at once.
    for object in &select::select(world, incoming.endpoint, &spec)?.objects {
        content::read(world, object, &spec.wanted, true)?;
    }
    let filter = Filter::new(spec, body["partialUpdates"] == Value::Bool(true));
    let id = session::own(world, incoming, |own: &mut Own| {
        let id = own.new_id();
        let collector = own.collectors.get_mut(collector)?;
        collector.filters.insert(id.clone(), filter);
        Some(id)
    })?;
    let id = id.ok_or_else(|| Fault::no_such_object("PropertyCollector", collector))?;
    // Whoever waits is to see the filter's first values.
    world.inventory.touch(incoming.endpoint, &id);
    Ok(answer(&reference("PropertyFilter", &id)))
}

/// `PropertyFilter.DestroyPropertyFilter`.
pub(in super::super) fn destroy_filter(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
) -> Result<Answer, Fault> {
    request::body(incoming.request, &NO_PARAMETERS)?;
    let gone = session::own(world, incoming, |own: &mut Own| {
        let mut collectors = own.collectors.values_mut();
        collectors
            .find_map(|collector| collector.filters.remove(&path.mo_id))
            .is_some()
    })?;
    if gone {
        Ok(Answer::empty(204))
    } else {
        Err(Fault::no_such_object(&path.type_name, &path.mo_id))
    }
}

fn wait(
    world: &mut World,
    incoming: &Incoming<'_>,
    collector: &str,
    body: &Value,
    seconds: Option<i64>,
    most: Option<usize>,
) -> Result<Answer, Fault> {
    let version = body["version"].as_str().unwrap_or_default();
    let waits = session::own(world, incoming, |own: &mut Own| {
        let collector = own.collectors.get_mut(collector)?;
        Some(collector.begin(version).map(|()| {
            collector.waits += 1;
            collector.waits
        }))
    })?;
    let waits = waits.ok_or_else(|| Fault::no_such_object("PropertyCollector", collector))??;
    let parked = Parked {
        cut_after: None,
        endpoint: incoming.endpoint.to_owned(),
        epoch: world
            .core
            .endpoints
            .get(incoming.endpoint)
            .map_or(0, |known| known.connection_epoch),
        token: incoming
            .request
            .header_text(session::TOKEN_HEADER)
            .unwrap_or_default()
            .to_owned(),
        collector: collector.to_owned(),
        waits,
        most,
        until_ms: seconds.map(|seconds| world.core.now_ms.saturating_add(seconds.saturating_mul(1000))),
        seen: None,
    };
    if let Some(set) = update(world, &parked) {
        return Ok(answer(&set));
    }
    if seconds != Some(0) {
        world.park(parked);
    }
    Ok(answer(&Value::Null))
}

/// What has changed for a wait.
fn update(world: &mut World, parked: &Parked) -> Option<Value> {
    // The collector looks at the world, of which it is a part.
    let own = world.vi_json.own_mut(&parked.endpoint, &parked.token)?;
    let mut collector = own.collectors.remove(&parked.collector)?;
    let set = collector.update_set(world, &parked.endpoint, parked.most);
    if let Some(own) = world.vi_json.own_mut(&parked.endpoint, &parked.token) {
        own.collectors.insert(parked.collector.clone(), collector);
    }
    set
}

/// The answer to a wait that was parked, if there is one.
pub(crate) fn resume(world: &mut World, parked: &mut Parked) -> Option<Answer> {
    let core = &mut world.core;
    let live = core
        .sessions
        .touch(core.now_ms, &parked.endpoint, &parked.token)
        .is_some();
    let own = world
        .vi_json
        .own(&parked.endpoint, &parked.token)
        .filter(|_| live);
    let collector = own.and_then(|own| own.collectors.get(&parked.collector));
    if collector.is_none_or(|collector| collector.waits != parked.waits) {
        let fault = Fault::new(
            "RequestCanceled",
            "The wait was cancelled, or its session or collector has ended.",
        );
        return Some(fault.into_answer());
    }
    let changes = (world.inventory.changes(&parked.endpoint), world.hosts.changes());
    if parked.seen != Some(changes) {
        parked.seen = Some(changes);
        if let Some(set) = update(world, parked) {
            return Some(answer(&set));
        }
    }
    let over = parked
        .until_ms
        .is_some_and(|until_ms| world.core.now_ms >= until_ms);
    over.then(|| answer(&Value::Null))
}

/// The call that was parked, without its body.
pub(crate) fn asked(parked: &Parked) -> (&'static str, Request) {
    let collector = utf8_percent_encode(&parked.collector, NON_ALPHANUMERIC);
    let path = format!(
        "/sdk/vim25/{}/PropertyCollector/{collector}/WaitForUpdatesEx",
        RELEASES[0]
    );
    (
        "PropertyCollector_WaitForUpdatesEx",
        Request::new(Method::POST, &path),
    )
}
