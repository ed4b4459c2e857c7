//! Sessions: log-in, the session at hand, log-out.

use serde_json::{Value, json};

use super::error::Refusal;
use super::{MEDIA_TYPE, TOKEN_HEADER, body};
use crate::endpoint::{Session, SessionLimits};
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Shape, required};
use crate::world::World;

const LIMITS: SessionLimits = SessionLimits {
    idle_ms: 30 * 60_000,
    absolute_ms: 24 * 3_600_000,
};

/// The root user of an appliance; it shares the endpoint's password.
const LOCAL_USER: &str = "root";

static VCD_CREDENTIALS: Shape = Shape::Object(&[
    required("type", Shape::Text),
    required("vcdUser", Shape::Text),
    required("vcdPassword", Shape::Text),
]);
static LOCAL: Shape = Shape::Object(&[
    required("type", Shape::Text),
    required("localUser", Shape::Text),
    required("localPassword", Shape::Text),
]);

/// `POST /sessions`.
pub(super) fn log_in(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    let (shape, user, password) = match body.get("type").and_then(Value::as_str) {
        Some("vcdCredentials") => (&VCD_CREDENTIALS, "vcdUser", "vcdPassword"),
        Some("localUser") => (&LOCAL, "localUser", "localPassword"),
        Some(other @ ("ssoCredentials" | "ssoToken" | "vcdCookie" | "vcdAccessToken")) => {
            return Err(Refusal::not_simulated(&format!("log-in by {other}")));
        }
        Some(_) | None => return Err(Refusal::bad_input("Member type has no known value.", &["type"])),
    };
    shape.check(&body)?;
    let given = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let endpoint = world
        .core
        .endpoints
        .get(incoming.endpoint)
        .ok_or_else(Refusal::not_authenticated)?;
    let known = if user == "localUser" {
        LOCAL_USER
    } else {
        endpoint.user.as_str()
    };
    if given(user) != known || given(password) != endpoint.password {
        return Err(Refusal::not_authenticated());
    }
    let core = &mut world.core;
    let token = core
        .sessions
        .open(core.seed, core.now_ms, incoming.endpoint, given(user), LIMITS);
    let details = details(world, incoming.endpoint, given(user));
    Ok(Answer::json(200, MEDIA_TYPE, &details).header(TOKEN_HEADER, &token))
}

/// `GET /sessions`.
pub(super) fn get(world: &World, session: &Session) -> Answer {
    Answer::json(200, MEDIA_TYPE, &details(world, &session.endpoint, &session.user))
}

/// `DELETE /sessions`.
pub(super) fn log_out(world: &mut World, incoming: &Incoming<'_>) -> Answer {
    if let Some(token) = incoming.request.header_text(TOKEN_HEADER) {
        world.core.sessions.close(token);
    }
    Answer::empty(204)
}

/// The session of a request.
pub(super) fn of(world: &mut World, incoming: &Incoming<'_>) -> Result<Session, Refusal> {
    let token = incoming.request.header_text(TOKEN_HEADER);
    let core = &mut world.core;
    let session = token.and_then(|token| core.sessions.touch(core.now_ms, incoming.endpoint, token));
    session.ok_or_else(Refusal::not_authenticated)
}

fn details(world: &World, endpoint: &str, user: &str) -> Value {
    if user == LOCAL_USER {
        return json!({"user": user, "roles": ["ADMINISTRATORS"], "authenticatedSites": []});
    }
    let org = world
        .vcda
        .sites
        .get(endpoint)
        .map_or("", |site| site.org.as_str());
    json!({
        "user": user,
        "roles": ["EVERYONE", "ORG_ADMIN"],
        "authenticatedSites": [{"site": endpoint, "org": org}],
    })
}
