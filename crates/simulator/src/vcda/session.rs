//! Sessions: log-in, further sites, the session at hand, log-out.

use serde_json::{Value, json};

use super::error::Refusal;
use super::{MEDIA_TYPE, TOKEN_HEADER, body};
use crate::endpoint::{Endpoint, Session, SessionLimits};
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Member, Shape, optional, required};
use crate::world::World;

const LIMITS: SessionLimits = SessionLimits {
    idle_ms: 30 * 60_000,
    absolute_ms: 24 * 3_600_000,
};

/// The root user of an appliance; it shares the endpoint's password.
const LOCAL_USER: &str = "root";
/// The log-in of that user.
const LOCAL: &str = "localUser";

/// A way to say who is asking.
struct Form {
    tag: &'static str,
    shape: Shape,
    /// The member that names the user; without it, the user is the endpoint's.
    user: Option<&'static str>,
    /// The member that proves it: the endpoint's password, whatever it is called there.
    secret: Option<&'static str>,
    /// The member that names the organisation.
    org: Option<&'static str>,
}

const TYPE: Member = required("type", Shape::Text);
const PRINCIPAL: Member = optional("principal", Shape::Text);

/// The ways to log in.
static LOG_INS: &[Form] = &[
    Form {
        tag: "vcdCredentials",
        shape: Shape::Object(&[
            TYPE,
            required("vcdUser", Shape::Text),
            required("vcdPassword", Shape::Text),
        ]),
        user: Some("vcdUser"),
        secret: Some("vcdPassword"),
        org: None,
    },
    Form {
        tag: LOCAL,
        shape: Shape::Object(&[
            TYPE,
            required("localUser", Shape::Text),
            required("localPassword", Shape::Text),
        ]),
        user: Some("localUser"),
        secret: Some("localPassword"),
        org: None,
    },
    Form {
        tag: "ssoCredentials",
        shape: Shape::Object(&[
            TYPE,
            required("username", Shape::Text),
            required("password", Shape::Text),
            PRINCIPAL,
        ]),
        user: Some("username"),
        secret: Some("password"),
        org: None,
    },
    Form {
        tag: "ssoToken",
        shape: Shape::Object(&[
            TYPE,
            required("samlToken", Shape::Text),
            required("timestamp", Shape::Text),
            required("nonce", Shape::Text),
            required("signature", Shape::Text),
            PRINCIPAL,
        ]),
        user: None,
        secret: Some("samlToken"),
        org: None,
    },
    Form {
        tag: "vcdCookie",
        shape: Shape::Object(&[TYPE, required("vcdCookie", Shape::Text)]),
        user: None,
        secret: Some("vcdCookie"),
        org: None,
    },
    Form {
        tag: "vcdAccessToken",
        shape: Shape::Object(&[
            TYPE,
            required("vcdAccessToken", Shape::Text),
            required("context", Shape::Text),
        ]),
        user: None,
        secret: Some("vcdAccessToken"),
        org: Some("context"),
    },
];

const SITE: Member = required("site", Shape::Text);

/// The ways to extend a session.
static EXTENSIONS: &[Form] = &[
    Form {
        tag: "credentials",
        shape: Shape::Object(&[
            TYPE,
            SITE,
            required("vcdUsername", Shape::Text),
            required("vcdPassword", Shape::Text),
        ]),
        user: Some("vcdUsername"),
        secret: Some("vcdPassword"),
        org: None,
    },
    Form {
        tag: "cookie",
        shape: Shape::Object(&[TYPE, SITE, required("cookie", Shape::Text)]),
        user: None,
        secret: Some("cookie"),
        org: None,
    },
    Form {
        tag: "vcdAccessToken",
        shape: Shape::Object(&[TYPE, SITE, required("vcdAccessToken", Shape::Text)]),
        user: None,
        secret: Some("vcdAccessToken"),
        org: None,
    },
    Form {
        tag: "multisite",
        shape: Shape::Object(&[TYPE, SITE, required("org", Shape::Text)]),
        user: None,
        secret: None,
        org: Some("org"),
    },
];

impl Form {
    /// The form of a body, which fits it.
    fn of(forms: &'static [Self], body: &Value) -> Result<&'static Self, Refusal> {
        let tag = body.get("type").and_then(Value::as_str);
        let form = forms.iter().find(|form| Some(form.tag) == tag);
        let form = form.ok_or_else(|| Refusal::bad_input("Member type has no known value.", &["type"]))?;
        form.shape.check(body)?;
        Ok(form)
    }

    /// Who is asking; `None` if that is not proved.
    fn user(&self, body: &Value, endpoint: &Endpoint, org: &str) -> Option<String> {
        let given = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default();
        let user = if self.tag == LOCAL {
            LOCAL_USER
        } else {
            endpoint.user.as_str()
        };
        let proved = self.user.is_none_or(|member| given(member) == user)
            && self
                .secret
                .is_none_or(|member| given(member) == endpoint.password)
            && self.org.is_none_or(|member| given(member) == org);
        proved.then(|| user.to_owned())
    }
}

fn org<'a>(world: &'a World, site: &str) -> &'a str {
    world.vcda.sites.get(site).map_or("", |site| site.org.as_str())
}

/// `POST /sessions`.
pub(super) fn log_in(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    let form = Form::of(LOG_INS, &body)?;
    let endpoint = world.core.endpoints.get(incoming.endpoint);
    let user = endpoint.and_then(|endpoint| form.user(&body, endpoint, org(world, incoming.endpoint)));
    let core = &mut world.core;
    let Some(user) = user else {
        let refused = Refusal::not_authenticated();
        if !world.vcda.spec.failed_login_has_token {
            return Err(refused);
        }
        let token = core.uuid("token-of-nobody");
        return Ok(refused.into_answer().header(TOKEN_HEADER, &token));
    };
    let token = core
        .sessions
        .open(core.seed, core.now_ms, incoming.endpoint, &user, LIMITS);
    let details = details(world, incoming.endpoint, &user, &[]);
    Ok(Answer::json(200, MEDIA_TYPE, &details).header(TOKEN_HEADER, &token))
}

/// `POST /sessions/extend`.
pub(super) fn extend(
    world: &mut World,
    incoming: &Incoming<'_>,
    session: &Session,
) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    let form = Form::of(EXTENSIONS, &body)?;
    let given = |name: &str| body.get(name).and_then(Value::as_str);
    if given("vcdUsername").is_some_and(|user| !user.contains('@')) {
        return Err(Refusal::bad_input("A user is user@org.", &["vcdUsername"]));
    }
    let site = given("site").unwrap_or_default();
    if !world.vcda.sites.contains_key(site) {
        return Err(Refusal::no_site(site));
    }
    let core = &world.core;
    let there = core
        .endpoints
        .get(site)
        .filter(|endpoint| endpoint.listens(core.now_ms))
        .ok_or_else(|| Refusal::unreachable(site))?;
    if form.user(&body, there, org(world, site)).is_none() {
        return Err(Refusal::not_extended(site));
    }
    let token = incoming.request.header_text(TOKEN_HEADER).unwrap_or_default();
    let extended = world.core.sessions.extend(token, site);
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
