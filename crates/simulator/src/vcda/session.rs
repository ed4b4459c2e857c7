//! Sessions: log-in, further sites, the session at hand, log-out.

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

static CREDENTIALS: Shape = Shape::Object(&[
    required("type", Shape::Text),
    required("site", Shape::Text),
    required("vcdUsername", Shape::Text),
    required("vcdPassword", Shape::Text),
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
    let details = details(world, incoming.endpoint, given(user), &[]);
    Ok(Answer::json(200, MEDIA_TYPE, &details).header(TOKEN_HEADER, &token))
}

/// `POST /sessions/extend`.
pub(super) fn extend(
    world: &mut World,
    incoming: &Incoming<'_>,
    session: &Session,
) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    match body.get("type").and_then(Value::as_str) {
        Some("credentials") => CREDENTIALS.check(&body)?,
        Some(other @ ("cookie" | "vcdAccessToken" | "multisite")) => {
            return Err(Refusal::not_simulated(&format!("extension by {other}")));
        }
        Some(_) | None => return Err(Refusal::bad_input("Member type has no known value.", &["type"])),
    }
    let given = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if !given("vcdUsername").contains('@') {
        return Err(Refusal::bad_input("A user is user@org.", &["vcdUsername"]));
    }
    let site = given("site");
    if !world.vcda.sites.contains_key(site) {
        return Err(Refusal::no_site(site));
    }
    let core = &mut world.core;
    let there = core
        .endpoints
        .get(site)
        .filter(|endpoint| endpoint.listens(core.now_ms))
        .ok_or_else(|| Refusal::unreachable(site))?;
    if given("vcdUsername") != there.user || given("vcdPassword") != there.password {
        return Err(Refusal::not_extended(site));
    }
    let token = incoming.request.header_text(TOKEN_HEADER).unwrap_or_default();
    let extended = core.sessions.extend(token, site);
    let details = details(world, &session.endpoint, &session.user, &extended);
    Ok(Answer::json(200, MEDIA_TYPE, &details))
}

/// `GET /sessions`.
pub(super) fn get(world: &World, session: &Session) -> Answer {
    let details = details(world, &session.endpoint, &session.user, &session.extended_to);
    Answer::json(200, MEDIA_TYPE, &details)
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

fn details(world: &World, endpoint: &str, user: &str, extended_to: &[String]) -> Value {
    let is_local = user == LOCAL_USER;
    let own = Some(endpoint).filter(|_| !is_local);
    let sites = own.into_iter().chain(extended_to.iter().map(String::as_str));
    let sites = sites.map(|name| {
        let org = world.vcda.sites.get(name).map_or("", |site| site.org.as_str());
        json!({"site": name, "org": org})
    });
    let roles: &[&str] = if is_local {
        &["ADMINISTRATORS"]
    } else {
        &["EVERYONE", "ORG_ADMIN"]
    };
    json!({"user": user, "roles": roles, "authenticatedSites": sites.collect::<Vec<_>>()})
}
