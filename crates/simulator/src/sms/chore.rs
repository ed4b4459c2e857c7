//! What changes a provider's registration, connection or certificates: each is a task, and none touches a group.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::provider::{Certificate, Provider};
use super::task::{Outcome, SmsTask};
use super::{Sms, SmsEvent};
use crate::core::Core;
use crate::event::Event;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::vi_json::fault::Fault;
use crate::vi_json::request::{self, NO_PARAMETERS, ROOT_TYPE};
use crate::vi_json::value::{answer, reference};
use crate::world::World;

/// How long it takes, in milliseconds.
const WORK_MS: std::ops::Range<i64> = 500..3_000;

static REGISTER: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "providerSpec",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["VasaProviderSpec"])),
            required("name", Shape::Text),
            optional("description", Shape::Text),
            required("username", Shape::Text),
            required("password", Shape::Text),
            required("url", Shape::Text),
            optional("certificate", Shape::Text),
        ]),
    ),
]);
static UNREGISTER: Shape = Shape::Object(&[ROOT_TYPE, required("providerId", Shape::Text)]);
static UPGRADE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "upgradeSpec",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["VASAProviderUpgradeSpec"])),
            required("providerUid", Shape::Text),
            required("username", Shape::Text),
            required("password", Shape::Text),
        ]),
    ),
]);
static AUTHORITIES: Shape = Shape::Object(&[ROOT_TYPE, optional("providerId", Shape::List(&Shape::Text))]);
static SYNC: Shape = Shape::Object(&[ROOT_TYPE, optional("arrayId", Shape::Text)]);

/// What is done to providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Errand {
    /// `RegisterProvider_Task`.
    Register,
    /// `UnregisterProvider_Task`.
    Unregister,
    /// `UpgradeVASAProvider_Task`.
    Upgrade,
    /// `SmsRefreshCACertificatesAndCRLs_Task`.
    RefreshAuthorities,
    /// `VasaProviderReconnect_Task`.
    Reconnect,
    /// `VasaProviderRefreshCertificate_Task`.
    RefreshCertificate,
    /// `VasaProviderRevokeCertificate_Task`.
    RevokeCertificate,
    /// `VasaProviderSync_Task`.
    Sync,
}

impl Errand {
    /// Whether it is asked of the storage manager, and not of a provider.
    fn is_the_managers(self) -> bool {
        match self {
            Self::Register | Self::Unregister | Self::Upgrade | Self::RefreshAuthorities => true,
            Self::Reconnect | Self::RefreshCertificate | Self::RevokeCertificate | Self::Sync => false,
        }
    }

    fn shape(self) -> &'static Shape {
        match self {
            Self::Register => &REGISTER,
            Self::Unregister => &UNREGISTER,
            Self::Upgrade => &UPGRADE,
            Self::RefreshAuthorities => &AUTHORITIES,
            Self::Reconnect | Self::RefreshCertificate | Self::RevokeCertificate => &NO_PARAMETERS,
            Self::Sync => &SYNC,
        }
    }
}

/// Work on providers, under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Chore {
    errand: Errand,
    vcenter: String,
    task: String,
    /// The ids of the providers.
    providers: Vec<String>,
    name: Option<String>,
    description: Option<String>,
}

/// A call that changes providers: refused, or begun and answered with its task.
pub(super) fn begin(world: &mut World, incoming: &Incoming<'_>, errand: Errand) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, errand.shape())?;
    let World { core, sms, .. } = world;
    let judged = judge(core, sms, incoming, errand, &body);
    let (providers, refusal) = match judged {
        Ok(providers) => (providers, None),
        Err(fault) if sms.spec.refuses_in_task => (Vec::new(), Some(fault)),
        Err(fault) => return Err(fault),
    };
    let key = sms.next_task(incoming.endpoint);
    let spec = body.get("providerSpec");
    let text = |name: &str| Some(spec?.get(name)?.as_str()?.to_owned());
    let chore = Chore {
        errand,
        vcenter: incoming.endpoint.to_owned(),
        task: key.clone(),
        name: text("name"),
        description: text("description"),
        providers,
    };
    let work_ms = core.work_ms("sms-chore", &key, WORK_MS);
    let task = SmsTask {
        key: key.clone(),
        vcenter: incoming.endpoint.to_owned(),
        object: if errand.is_the_managers() {
            reference("SmsStorageManager", super::service::STORAGE_MANAGER)
        } else {
            reference("VasaProvider", incoming.param(0))
        },
        operation: incoming.operation,
        verb: None,
        check_only: false,
        created_ms: core.now_ms(),
        ends_ms: core.now_ms() + work_ms,
        ended_ms: None,
        outcome: refusal.map_or(Outcome::Value(None), Outcome::Failed),
    };
    if errand == Errand::Sync {
        each(sms, &chore, |provider| provider.syncing = true);
    }
    core.note_task(&task.vcenter, &key, task.work(), "running");
    sms.tasks.begin(task);
    core.calls.hold(incoming.ticket);
    let end = SmsEvent::ChoreEnds {
        chore,
        ticket: incoming.ticket,
    };
    core.schedule_in(work_ms, Event::Sms(end));
    Ok(answer(&reference("SmsTask", &key)))
}

fn each(sms: &mut Sms, chore: &Chore, change: impl FnMut(&mut Provider)) {
    let providers = sms.providers.iter_mut();
    providers
        .filter(|provider| chore.providers.contains(&provider.id))
        .for_each(change);
}

/// The providers that a call is about, or why it is refused.
fn judge(
    core: &Core,
    sms: &Sms,
    incoming: &Incoming<'_>,
    errand: Errand,
    body: &Value,
) -> Result<Vec<String>, Fault> {
    let of_uid = |uid: &str| {
        let found = sms.providers.iter().find(|provider| {
            provider.vcenter == incoming.endpoint && provider.registered && provider.uid() == uid
        });
        found.ok_or_else(|| Fault::new("NotFound", "There is no such provider."))
    };
    let called = || {
        let id = incoming.param(0);
        sms.provider(incoming.endpoint, id)
            .ok_or_else(|| Fault::no_such_object("VasaProvider", id))
    };
    let one = |provider: &Provider| vec![provider.id.clone()];
    match errand {
        Errand::Register => register(sms, incoming.endpoint, &body["providerSpec"]).map(one),
        Errand::Unregister => of_uid(body["providerId"].as_str().unwrap_or_default()).map(one),
        Errand::Upgrade => {
            let spec = &body["upgradeSpec"];
            let provider = of_uid(spec["providerUid"].as_str().unwrap_or_default());
            let provider = provider.map_err(|_| Fault::new("SmsFault", "There is no such provider."))?;
            if !may_log_in(provider, spec) {
                return Err(Fault::new("SmsFault", "The provider refuses the log-in."));
            }
            Ok(one(provider))
        }
        Errand::RefreshAuthorities => authorities(core, sms, incoming.endpoint, body, of_uid),
        Errand::Reconnect => called()?.clone().connect(core).and_then(|()| called().map(one)),
        Errand::RefreshCertificate => {
            let provider = called()?;
            if provider.answers(core) {
                return Ok(one(provider));
            }
            let fault = Fault::new("CertificateRefreshFailed", "The certificate was not renewed.");
            Err(fault.with("providerId", json!([provider.uid()])))
        }
        Errand::RevokeCertificate => {
            let provider = called()?;
            if provider.certificate.revoked {
                return Err(Fault::new(
                    "CertificateRevocationFailed",
                    "There is no certificate to revoke.",
                ));
            }
            Ok(one(provider))
        }
        Errand::Sync => {
            let provider = called()?;
            let array = body.get("arrayId").and_then(Value::as_str);
            if array.is_some_and(|array| array != provider.array()) {
                return Err(Fault::invalid_argument(
                    Some("arrayId"),
                    "The array is not one of this provider.",
                ));
            }
            if provider.syncing {
                return Err(Fault::new(
                    "SyncInProgress",
                    "The provider is being read already.",
                ));
            }
            if !provider.is_online(core) {
                return Err(Fault::new("ProviderSyncFailed", "The provider cannot be read."));
            }
            Ok(one(provider))
        }
    }
}

fn may_log_in(provider: &Provider, spec: &Value) -> bool {
    spec["username"] == provider.login.user.as_str() && spec["password"] == provider.login.password.as_str()
}

/// The provider that a registration is about: the one behind the address.
fn register<'a>(sms: &'a Sms, vcenter: &str, spec: &Value) -> Result<&'a Provider, Fault> {
    let mut own = sms
        .providers
        .iter()
        .filter(|provider| provider.vcenter == vcenter);
    let found = own.find(|provider| spec["url"] == provider.url().as_str());
    let Some(provider) = found else {
        let fault = Fault::new("InvalidUrl", "No provider answers there.");
        return Err(fault.with("url", spec["url"].clone()));
    };
    if provider.registered {
        let fault = Fault::new("AlreadyExists", "The provider is registered already.");
        return Err(fault.with("name", provider.name.as_str()));
    }
    if !may_log_in(provider, spec) {
        return Err(Fault::new(
            "IncorrectUsernamePassword",
            "The provider refuses the log-in.",
        ));
    }
    let certificate = provider.certificate_text();
    if sms.spec.untrusted_certificates && spec["certificate"] != certificate.as_str() {
        let fault = Fault::new("CertificateNotTrusted", "The certificate is not trusted.");
        return Err(fault.with("certificate", certificate));
    }
    Ok(provider)
}

fn authorities<'a>(
    core: &Core,
    sms: &'a Sms,
    vcenter: &str,
    body: &Value,
    of_uid: impl Fn(&str) -> Result<&'a Provider, Fault>,
) -> Result<Vec<String>, Fault> {
    let named = body.get("providerId").and_then(Value::as_array);
    let named: Vec<&str> = named.into_iter().flatten().filter_map(Value::as_str).collect();
    let own = sms
        .providers
        .iter()
        .filter(|provider| provider.vcenter == vcenter && provider.registered);
    let wanted: Vec<&Provider> = if named.is_empty() {
        own.collect()
    } else {
        named.iter().map(|uid| of_uid(uid)).collect::<Result<_, _>>()?
    };
    let silent = wanted.iter().filter(|provider| !provider.answers(core));
    let silent: Vec<String> = silent.map(|provider| provider.uid()).collect();
    if !silent.is_empty() {
        let fault = Fault::new("CertificateRefreshFailed", "Certificates were not renewed.");
        return Err(fault.with("providerId", json!(silent)));
    }
    Ok(wanted.iter().map(|provider| provider.id.clone()).collect())
}

/// Work on providers ends: the one place where it changes them.
pub(super) fn ends(world: &mut World, chore: &Chore, ticket: crate::call_log::Ticket) {
    let World { core, sms, .. } = world;
    let now_ms = core.now_ms();
    let failed = matches!(
        sms.tasks
            .get(&chore.vcenter, &chore.task)
            .map(|task| &task.outcome),
        Some(Outcome::Failed(_))
    );
    let mut result = None;
    let mut fault = None;
    if !failed {
        core.calls.effect(ticket, now_ms);
        each(sms, chore, |provider| match chore.errand {
            Errand::Register => {
                provider.registered = true;
                provider.name = chore.name.clone().unwrap_or_default();
                provider.description.clone_from(&chore.description);
                provider.certificate = Certificate::issued(now_ms);
                provider.synced_ms = now_ms;
                fault = provider.connect(core).err();
                result = Some(reference("VasaProvider", &provider.id));
            }
            Errand::Unregister => {
                provider.registered = false;
                provider.connected = false;
            }
            Errand::Upgrade => {
                provider.upgrades += 1;
                result = Some(reference("VasaProvider", &provider.id));
            }
            Errand::RefreshAuthorities => provider.authorities_sent += 1,
            Errand::Reconnect => fault = provider.connect(core).err(),
            Errand::RefreshCertificate => provider.certificate = Certificate::issued(now_ms),
            Errand::RevokeCertificate => {
                provider.certificate.revoked = true;
                provider.connected = false;
            }
            Errand::Sync => {
                provider.syncing = false;
                provider.synced_ms = now_ms;
            }
        });
    }
    core.calls.settle(ticket, now_ms);
    if let Some(task) = sms.tasks.end(&chore.vcenter, &chore.task, now_ms) {
        if !failed {
            task.outcome = fault.map_or(Outcome::Value(result), Outcome::Failed);
        }
        core.note_task(&task.vcenter, &task.key, task.work(), task.end_state());
    }
}
