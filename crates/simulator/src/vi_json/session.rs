//! Sessions of VI JSON; SMS shares them.

use serde_json::{Value, json};

use super::fault::Fault;
use super::request::{self, NO_PARAMETERS, ROOT_TYPE};
use super::value::{answer, date_time};
use crate::endpoint::{Session, SessionLimits};
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::world::World;

pub(crate) const MO_ID: &str = "SessionManager";
pub(crate) const TOKEN_HEADER: &str = "vmware-api-session-id";

/// Idle death only: no source names an absolute end for this API.
const LIMITS: SessionLimits = SessionLimits {
    idle_ms: 30 * 60_000,
    absolute_ms: i64::MAX,
};

static LOGIN: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("userName", Shape::Text),
    required("password", Shape::Text),
    optional("locale", Shape::Text),
]);

/// `SessionManager.Login`.
pub(super) fn log_in(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, &LOGIN)?;
    let given = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let core = &mut world.core;
    let known = core.endpoints.get(incoming.endpoint);
    let fits =
        known.is_some_and(|known| known.user == given("userName") && known.password == given("password"));
    if !fits {
        return Err(Fault::new("InvalidLogin", "The user name or password is wrong."));
    }
    let user = given("userName");
    let token = core
        .sessions
        .open(core.seed, core.now_ms, incoming.endpoint, user, LIMITS);
    let key = core.random("session-key", incoming.endpoint).uuid();
    let time = date_time(core, incoming.endpoint, core.now_ms());
    let session = json!({
        "_typeName": "UserSession",
        "key": key,
        "userName": account(user),
        "fullName": "Simulated operator",
        "loginTime": time,
        "lastActiveTime": time,
        "locale": given("locale"),
        "messageLocale": "en",
        "extensionSession": false,
        "ipAddress": "127.0.0.1",
        "userAgent": incoming.request.header_text("user-agent").unwrap_or_default(),
        "callCount": 0,
    });
    Ok(answer(&session).header(TOKEN_HEADER, &token))
}

/// `operator@vsphere.local` as `VSPHERE.LOCAL\operator`.
fn account(user: &str) -> String {
    match user.split_once('@') {
        Some((name, domain)) => format!("{}\\{name}", domain.to_ascii_uppercase()),
        None => user.to_owned(),
    }
}

/// `SessionManager.Logout`.
pub(super) fn log_out(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    request::body(incoming.request, &NO_PARAMETERS)?;
    if let Some(token) = incoming.request.header_text(TOKEN_HEADER) {
        world.core.sessions.close(token);
    }
    Ok(Answer::empty(204))
}

/// The session of a request. A session of the REST services is none here, although both send the same header.
pub(super) fn of(world: &mut World, incoming: &Incoming<'_>) -> Option<Session> {
    let token = incoming.request.header_text(TOKEN_HEADER)?;
    let core = &mut world.core;
    let session = core.sessions.touch(core.now_ms, incoming.endpoint, token)?;
    (session.limits == LIMITS).then_some(session)
}

/// The session of a request on an object, which has to be there.
pub(crate) fn require(
    world: &mut World,
    incoming: &Incoming<'_>,
    type_name: &str,
    mo_id: &str,
    privilege: &str,
) -> Result<Session, Fault> {
    of(world, incoming).ok_or_else(|| Fault::not_authenticated(type_name, mo_id, privilege))
}
