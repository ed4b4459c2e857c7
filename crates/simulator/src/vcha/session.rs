//! Sessions of the REST services, and the greeting, which needs none unless its world says so.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::error::{RestError, answer};
use super::task::time;
use crate::endpoint::{Session, SessionLimits};
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Shape, required};
use crate::vi_json::session::TOKEN_HEADER;
use crate::world::World;

const LIMITS: SessionLimits = SessionLimits {
    idle_ms: 30 * 60_000,
    absolute_ms: 24 * 3_600_000,
};

/// At most so many releases, of so many characters each, in a greeting.
const MOST_RELEASES: usize = 128;
const LONGEST_RELEASE: usize = 64;

static HELLO: Shape = Shape::Object(&[required("api_releases", Shape::List(&Shape::Text))]);

/// `Cis.Session_create`.
pub(super) fn create(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, RestError> {
    if !incoming.request.body.is_empty() {
        return Err(RestError::invalid_argument("This operation takes no body."));
    }
    let (user, password) = basic(incoming).ok_or_else(RestError::unauthenticated)?;
    let core = &mut world.core;
    let known = core.endpoints.get(incoming.endpoint);
    if !known.is_some_and(|known| known.user == user && known.password == password) {
        return Err(RestError::unauthenticated());
    }
    let token = core
        .sessions
        .open(core.seed, core.now_ms, incoming.endpoint, &user, LIMITS);
    Ok(answer(201, &json!(token)))
}

fn basic(incoming: &Incoming<'_>) -> Option<(String, String)> {
    let (scheme, encoded) = incoming.request.header_text("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The session of a request. One of VI JSON is none here, although both send the same header.
pub(super) fn of(world: &mut World, incoming: &Incoming<'_>) -> Result<Session, RestError> {
    let token = incoming.request.header_text(TOKEN_HEADER);
    let core = &mut world.core;
    let session = token.and_then(|token| core.sessions.touch(core.now_ms, incoming.endpoint, token));
    session
        .filter(|session| session.limits == LIMITS)
        .ok_or_else(RestError::unauthenticated)
}

/// `Cis.Session_get`.
pub(super) fn get(world: &World, session: &Session) -> Answer {
    let at = |world_ms: i64| time(&world.core, &session.endpoint, world_ms);
    answer(
        200,
        &json!({
            "user": session.user,
            "created_time": at(session.opened_ms),
            "last_accessed_time": at(session.used_ms),
        }),
    )
}

/// `Cis.Session_delete`.
pub(super) fn delete(world: &mut World, incoming: &Incoming<'_>) -> Answer {
    if let Some(token) = incoming.request.header_text(TOKEN_HEADER) {
        world.core.sessions.close(token);
    }
    Answer::empty(204)
}

/// `Vcenter.System_hello`: the first release that both sides know, or the empty string.
pub(super) fn hello(world: &World, incoming: &Incoming<'_>) -> Result<Answer, RestError> {
    let body = super::operation::body(incoming.request, &HELLO)?;
    let asked = body["api_releases"].as_array().map_or(&[][..], Vec::as_slice);
    let asked: Vec<&str> = asked.iter().filter_map(Value::as_str).collect();
    if asked.is_empty() || asked.len() > MOST_RELEASES {
        return Err(RestError::invalid_argument("From 1 to 128 releases are needed."));
    }
    if asked
        .iter()
        .any(|release| release.chars().count() > LONGEST_RELEASE)
    {
        return Err(RestError::invalid_argument(
            "A release has at most 64 characters.",
        ));
    }
    let known = asked
        .into_iter()
        .find(|release| world.vi_json.knows(incoming.endpoint, release));
    Ok(answer(200, &json!({"api_release": known.unwrap_or_default()})))
}
