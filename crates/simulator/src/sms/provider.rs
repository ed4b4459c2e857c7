//! A provider at one vCenter: what vCenter knows of it, and whether it can be called.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::alarm::Alarm;
use super::spec::ProviderSpec;
use crate::core::Core;
use crate::vi_json::fault::Fault;

/// How long a certificate is good for, in milliseconds.
const CERTIFICATE_MS: i64 = 365 * 24 * 3_600_000;
/// How long before its end a certificate is about to expire, in milliseconds.
const SOFT_LIMIT_MS: i64 = 30 * 24 * 3_600_000;

/// A provider at one vCenter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Provider {
    pub(super) id: String,
    pub(super) number: usize,
    /// The number of its site, from 1.
    pub(super) site: u32,
    pub(super) vcenter: String,
    pub(super) fault_domain: String,
    pub(super) spec: ProviderSpec,
    /// Whether the array answers.
    pub(super) online: bool,
    /// World time from which it can be reached again after its vCenter started anew.
    pub(super) reached_from_ms: i64,
    pub(super) registered: bool,
    /// Whether vCenter has a connection to it.
    pub(super) connected: bool,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) login: Login,
    pub(super) certificate: Certificate,
    /// World time of the last time that vCenter read everything from it.
    pub(super) synced_ms: i64,
    pub(super) syncing: bool,
    pub(super) upgrades: u32,
    /// How often it was sent certificates of authorities.
    pub(super) authorities_sent: u32,
    pub(super) alarms: Vec<Alarm>,
    /// Changing calls that are still to be refused with `ProviderBusy`.
    pub(super) busy_calls: u32,
}

/// Whom a provider lets register it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// The certificate that a provider has from its vCenter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Certificate {
    pub(super) revoked: bool,
    pub(super) expires_ms: i64,
}

impl Certificate {
    pub(super) fn issued(now_ms: i64) -> Self {
        Self {
            revoked: false,
            expires_ms: now_ms + CERTIFICATE_MS,
        }
    }

    /// `VasaProviderInfo.certificateStatus`.
    pub(super) fn status(self, now_ms: i64) -> &'static str {
        if self.revoked {
            "invalid"
        } else if now_ms >= self.expires_ms {
            "expired"
        } else if now_ms >= self.expires_ms - SOFT_LIMIT_MS {
            "expirySoftLimitReached"
        } else {
            "valid"
        }
    }

    fn is_good(self, now_ms: i64) -> bool {
        !self.revoked && now_ms < self.expires_ms
    }
}

impl Provider {
    pub(super) fn new(
        core: &mut Core,
        (site, vcenter): (u32, &str),
        number: usize,
        spec: &ProviderSpec,
    ) -> Self {
        let place = vcenter.trim_start_matches("vc-");
        let id = format!("vasaProvider-{place}-{number}");
        let named_in = |names: &[String]| names.iter().any(|name| name == vcenter);
        let mut random = core.random("vasa-login", &id);
        let registered = !named_in(&spec.unregistered_at);
        let mut provider = Self {
            number,
            site,
            vcenter: vcenter.to_owned(),
            fault_domain: format!("fd-{place}-{number}"),
            online: !named_in(&spec.offline_at),
            reached_from_ms: 0,
            registered,
            connected: registered,
            name: format!("{place}-array-provider-{number}"),
            description: None,
            login: Login {
                user: format!("vasa@array-{place}-{number}"),
                password: random.hex(),
            },
            certificate: Certificate::issued(0),
            synced_ms: 0,
            syncing: false,
            upgrades: 0,
            authorities_sent: 0,
            alarms: Vec::new(),
            busy_calls: spec.busy_calls,
            spec: spec.clone(),
            id,
        };
        for alarm in &spec.alarms {
            provider.raise(alarm, 0);
        }
        provider
    }

    /// Whether it answers a call.
    pub(super) fn is_online(&self, core: &Core) -> bool {
        let now_ms = core.now_ms();
        self.answers(core) && self.connected && self.certificate.is_good(now_ms)
    }

    /// Whether the array answers, were it connected.
    pub(super) fn answers(&self, core: &Core) -> bool {
        self.online && core.now_ms() >= self.reached_from_ms
    }

    /// `SmsProviderInfo.uid`.
    pub(super) fn uid(&self) -> String {
        format!("uid-{}-{}", self.place(), self.number)
    }

    /// The id of its array.
    pub(super) fn array(&self) -> String {
        format!("array-{}-{}", self.place(), self.number)
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}.sim.invalid:8443/vasa/version.xml", self.array())
    }

    /// The site, such as `west`.
    pub(super) fn place(&self) -> &str {
        self.vcenter.trim_start_matches("vc-")
    }

    /// A text that stands for its certificate.
    pub(super) fn certificate_text(&self) -> String {
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
            self.uid()
        )
    }

    /// Connects to it, if it answers and its certificate is good.
    pub(super) fn connect(&mut self, core: &Core) -> Result<(), Fault> {
        if !self.certificate.is_good(core.now_ms()) {
            let fault = Fault::new("InvalidCertificate", "The certificate is not accepted.");
            return Err(fault.with("certificate", self.certificate_text()));
        }
        if !self.answers(core) {
            return Err(Fault::new(
                "ProviderConnectionFailed",
                "There is no connection to the provider.",
            ));
        }
        self.connected = true;
        Ok(())
    }

    pub(super) fn state(&self, core: &Core) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "vcenter": self.vcenter,
            "online": self.is_online(core),
            "registered": self.registered,
            "certificate": self.certificate.status(core.now_ms()),
            "synced_ms": self.synced_ms,
            "upgrades": self.upgrades,
            "authorities_sent": self.authorities_sent,
            "alarms": self.alarms.len(),
            "fault_domain": self.fault_domain,
            "max_batch_size": self.spec.max_batch_size,
        })
    }
}
