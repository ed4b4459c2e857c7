//! Sessions of VI JSON, which SMS shares, and the session manager.

use serde_json::{Value, json};

use super::fault::Fault;
use super::own::{Own, user_session};
use super::request::{self, NO_PARAMETERS, Path, ROOT_TYPE};
use super::value::{answer, date_time};
use super::view::texts;
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

/// The locales that a session may ask for.
const LOCALES: [&str; 4] = ["de", "en", "fr", "ja"];

/// Whether a locale is one of ours, with or without a country: most clients ask for `en_US`.
fn is_supported(locale: &str) -> bool {
    let (language, country) = locale.split_once(['_', '-']).unwrap_or((locale, "US"));
    LOCALES.contains(&language)
        && country.len() == 2
        && country.chars().all(|letter| letter.is_ascii_uppercase())
}

/// The key of the extension that is registered.
const EXTENSION: &str = "com.example.recovery";

/// What a client of SSPI has to send, first and in answer to the challenge.
pub(super) const SSPI: [&str; 2] = ["c3NwaS1maXJzdA==", "c3NwaS1zZWNvbmQ="];

static LOGIN: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("userName", Shape::Text),
    required("password", Shape::Text),
    optional("locale", Shape::Text),
]);
static BY_TOKEN: Shape = Shape::Object(&[ROOT_TYPE, optional("locale", Shape::Text)]);
static BY_SSPI: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("base64Token", Shape::Text),
    optional("locale", Shape::Text),
]);
static BY_EXTENSION: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("extensionKey", Shape::Text),
    optional("locale", Shape::Text),
]);
static CLONE: Shape = Shape::Object(&[ROOT_TYPE, required("cloneTicket", Shape::Text)]);
static USER: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("userName", Shape::Text),
    optional("locale", Shape::Text),
]);
static SERVICE_TICKET: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "spec",
        Shape::Object(&[
            required(
                "_typeName",
                Shape::OneOf(&[
                    "SessionManagerHttpServiceRequestSpec",
                    "SessionManagerVmomiServiceRequestSpec",
                ]),
            ),
            optional("method", Shape::Text),
            optional("url", Shape::Text),
        ]),
    ),
]);
static ACTIVE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("sessionID", Shape::Text),
    required("userName", Shape::Text),
]);
static LOCALE: Shape = Shape::Object(&[ROOT_TYPE, required("locale", Shape::Text)]);
static TERMINATE: Shape = Shape::Object(&[ROOT_TYPE, required("sessionId", Shape::List(&Shape::Text))]);
static MESSAGE: Shape = Shape::Object(&[ROOT_TYPE, required("message", Shape::Text)]);

fn invalid_login(message: &str) -> Fault {
    Fault::new("InvalidLogin", message)
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The calls that need no session.
pub(super) fn anonymous(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let operator = world
        .core
        .endpoints
        .get(incoming.endpoint)
        .map(|known| known.user.clone())
        .unwrap_or_default();
    match path.member.as_str() {
        "Login" => {
            let body = request::body(incoming.request, &LOGIN)?;
            let known = world.core.endpoints.get(incoming.endpoint);
            let fits = known.is_some_and(|known| {
                known.user == text(&body, "userName") && known.password == text(&body, "password")
            });
            if !fits {
                return Err(invalid_login("The user name or password is wrong."));
            }
            let user = text(&body, "userName").to_owned();
            open(world, incoming, &user, text(&body, "locale"), false)
        }
        "LoginByToken" => {
            let body = request::body(incoming.request, &BY_TOKEN)?;
            let token = incoming.request.header_text("authorization").unwrap_or_default();
            let known = world
                .core
                .endpoints
                .get(incoming.endpoint)
                .map(|known| known.password.clone());
            // A bearer token that is the user's password stands for one of single sign-on.
            if known.is_none_or(|known| token != format!("Bearer {known}")) {
                return Err(invalid_login("There is no token, or it is not valid."));
            }
            open(world, incoming, &operator, text(&body, "locale"), false)
        }
        "LoginBySSPI" => {
            let body = request::body(incoming.request, &BY_SSPI)?;
            match text(&body, "base64Token") {
                first if first == SSPI[0] => Err(Fault::new("SSPIChallenge", "Answer the challenge.")
                    .with("base64Token", "c3NwaS1jaGFsbGVuZ2U=")),
                second if second == SSPI[1] => open(world, incoming, &operator, text(&body, "locale"), false),
                _ => Err(invalid_login("The context is not accepted.")),
            }
        }
        "LoginExtensionByCertificate" | "LoginExtensionBySubjectName" => {
            let body = request::body(incoming.request, &BY_EXTENSION)?;
            if text(&body, "extensionKey") != EXTENSION {
                return Err(invalid_login("The extension is not registered."));
            }
            open(world, incoming, EXTENSION, text(&body, "locale"), true)
        }
        "CloneSession" => clone(world, incoming),
        "AcquireLocalTicket" => {
            let body = request::body(incoming.request, &USER)?;
            if text(&body, "userName") != operator {
                return Err(invalid_login("There is no such user."));
            }
            let ticket = world.core.random("local-ticket", incoming.endpoint).hex();
            Ok(answer(&json!({
                "_typeName": "SessionManagerLocalTicket",
                "userName": operator,
                "passwordFilePath": format!("/var/run/sim-ticket/{ticket}"),
            })))
        }
        _ => {
            let body = request::body(incoming.request, &SERVICE_TICKET)?;
            let http = body["spec"]["_typeName"] == "SessionManagerHttpServiceRequestSpec";
            let needed = if http { "url" } else { "method" };
            if body["spec"][needed].is_null() {
                return Err(Fault::invalid_argument(
                    Some(&format!("spec.{needed}")),
                    "It is missing.",
                ));
            }
            let ticket = world.core.random("service-ticket", incoming.endpoint).uuid();
            Ok(answer(&json!({
                "_typeName": "SessionManagerGenericServiceTicket",
                "id": ticket,
                "hostName": incoming.endpoint,
                "ticketType": if http { "HttpServiceTicket" } else { "VcServiceTicket" },
            })))
        }
    }
}

/// Opens a session.
fn open(
    world: &mut World,
    incoming: &Incoming<'_>,
    user: &str,
    locale: &str,
    extension: bool,
) -> Result<Answer, Fault> {
    if !locale.is_empty() && !is_supported(locale) {
        return Err(Fault::new("InvalidLocale", "The locale is not supported."));
    }
    let vcenter = incoming.endpoint;
    let World { core, vi_json, .. } = world;
    vi_json.forget_dead(core, vcenter);
    if vi_json.live(core, vcenter).count() >= vi_json.most_sessions(vcenter) {
        return Ok(Answer::empty(503));
    }
    let token = core.sessions.open(core.seed, core.now_ms, vcenter, user, LIMITS);
    let key = core.random("session-key", vcenter).uuid();
    let agent = incoming.request.header_text("user-agent").unwrap_or_default();
    vi_json.open(
        vcenter,
        &token,
        Own::new(key, account(user), locale, agent, extension),
    );
    let session = user_session(world, vcenter, &token).unwrap_or_default();
    Ok(answer(&session).header(TOKEN_HEADER, &token))
}

/// `operator@vsphere.local` as `VSPHERE.LOCAL\operator`.
fn account(user: &str) -> String {
    match user.split_once('@') {
        Some((name, domain)) => format!("{}\\{name}", domain.to_ascii_uppercase()),
        None => user.to_owned(),
    }
}

/// `SessionManager.CloneSession`: the ticket works once, and as long as its session lasts.
fn clone(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, &CLONE)?;
    let token = world
        .vi_json
        .take_ticket(incoming.endpoint, text(&body, "cloneTicket"));
    let session = token.filter(|token| {
        world
            .core
            .sessions
            .is_live(world.core.now_ms, incoming.endpoint, token)
    });
    let user = session.and_then(|token| {
        world
            .core
            .sessions
            .peek(incoming.endpoint, &token)
            .map(|known| known.user.clone())
    });
    let user =
        user.ok_or_else(|| invalid_login("The ticket is wrong, was used, or its session has ended."))?;
    open(world, incoming, &user, "", false)
}

/// The calls that need a session.
pub(super) fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let vcenter = incoming.endpoint;
    let token = incoming
        .request
        .header_text(TOKEN_HEADER)
        .unwrap_or_default()
        .to_owned();
    match path.member.as_str() {
        "Logout" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            world.core.sessions.close(&token);
        }
        "AcquireCloneTicket" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            let ticket = format!(
                "cst-VCT-{}--tp-00",
                world.core.random("clone-ticket", vcenter).uuid()
            );
            world.vi_json.keep_ticket(vcenter, &ticket, &token);
            return Ok(answer(&json!(ticket)));
        }
        "ImpersonateUser" => {
            let body = request::body(incoming.request, &USER)?;
            let user = text(&body, "userName");
            let known = user == EXTENSION
                || world
                    .vi_json
                    .live(&world.core, vcenter)
                    .any(|(_, own)| own.user == user);
            if !known {
                return Err(invalid_login("There is no such user with an active session."));
            }
            let locale = locale(text(&body, "locale"))?;
            own(world, incoming, |own: &mut Own| {
                user.clone_into(&mut own.user);
                if let Some(locale) = locale {
                    own.locale = locale;
                }
            })?;
            return Ok(answer(&user_session(world, vcenter, &token).unwrap_or_default()));
        }
        "SessionIsActive" => {
            let body = request::body(incoming.request, &ACTIVE)?;
            let mut live = world.vi_json.live(&world.core, vcenter);
            let active = live
                .any(|(_, own)| own.key == text(&body, "sessionID") && own.user == text(&body, "userName"));
            return Ok(answer(&json!(active)));
        }
        "SetLocale" => {
            let body = request::body(incoming.request, &LOCALE)?;
            let locale = locale(text(&body, "locale"))?.unwrap_or_default();
            own(world, incoming, |own: &mut Own| own.locale = locale)?;
        }
        "TerminateSession" => terminate(world, incoming, &token)?,
        _ => {
            let body = request::body(incoming.request, &MESSAGE)?;
            world.vi_json.set_message(vcenter, text(&body, "message"));
            world.inventory.touch(vcenter, MO_ID);
        }
    }
    Ok(Answer::empty(204))
}

fn locale(given: &str) -> Result<Option<String>, Fault> {
    if given.is_empty() {
        return Ok(None);
    }
    if is_supported(given) {
        return Ok(Some(given.to_owned()));
    }
    Err(Fault::new("InvalidLocale", "The locale is not supported."))
}

/// `SessionManager.TerminateSession`: one after the other, up to the first that is not there.
fn terminate(world: &mut World, incoming: &Incoming<'_>, token: &str) -> Result<(), Fault> {
    let body = request::body(incoming.request, &TERMINATE)?;
    for key in texts(&body, "sessionId") {
        let found = world
            .vi_json
            .live(&world.core, incoming.endpoint)
            .find(|(_, own)| own.key == key)
            .map(|(token, _)| token.to_owned());
        let found = found.ok_or_else(|| Fault::new("NotFound", format!("There is no session {key}.")))?;
        if found == token {
            return Err(Fault::invalid_argument(
                Some("sessionId"),
                "It is the session of the call itself.",
            ));
        }
        world.core.sessions.close(&found);
    }
    Ok(())
}

/// A property of the session manager; `currentSession` is that of the caller.
pub(super) fn property(world: &World, vcenter: &str, token: Option<&str>, name: &str) -> Option<Value> {
    match name {
        "currentSession" => Some(
            token
                .and_then(|token| user_session(world, vcenter, token))
                .unwrap_or_default(),
        ),
        "sessionList" => {
            let live = world.vi_json.live(&world.core, vcenter);
            Some(
                live.filter_map(|(token, _)| user_session(world, vcenter, token))
                    .collect(),
            )
        }
        "message" => Some(
            world
                .vi_json
                .message(vcenter)
                .map_or(Value::Null, |message| json!(message)),
        ),
        "messageLocaleList" => Some(json!(["en"])),
        "supportedLocaleList" => Some(json!(LOCALES)),
        "defaultLocale" => Some(json!("en")),
        _ => None,
    }
}

/// The session of a request. A session of the REST services is none here, although both send the same header.
pub(super) fn of(world: &mut World, incoming: &Incoming<'_>) -> Option<Session> {
    let token = incoming.request.header_text(TOKEN_HEADER)?;
    let core = &mut world.core;
    let session = core.sessions.touch(core.now_ms, incoming.endpoint, token)?;
    if session.limits != LIMITS {
        return None;
    }
    if let Some(own) = world.vi_json.own_mut(incoming.endpoint, token) {
        own.calls += 1;
    }
    Some(session)
}

/// Does something with what belongs to the session of a request.
pub(super) fn own<T>(
    world: &mut World,
    incoming: &Incoming<'_>,
    act: impl FnOnce(&mut Own) -> T,
) -> Result<T, Fault> {
    let token = incoming.request.header_text(TOKEN_HEADER).unwrap_or_default();
    let own = world.vi_json.own_mut(incoming.endpoint, token);
    let own = own.ok_or_else(|| Fault::not_authenticated("SessionManager", MO_ID, "System.View"))?;
    Ok(act(own))
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

/// The time of a vCenter, as its clock shows it.
pub(super) fn time(world: &World, vcenter: &str) -> Value {
    json!(date_time(&world.core, vcenter, world.core.now_ms))
}
