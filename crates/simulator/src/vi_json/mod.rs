//! VI JSON of a vCenter: releases, service content, sessions, properties, and the calls on hosts.
//!
//! Sources: the VI JSON wire rules and the DPU failover rules; COVERAGE.md has a row for each behaviour.

pub(crate) mod body;
mod call;
pub(crate) mod collector;
pub(crate) mod fault;
mod form;
mod manager;
pub(crate) mod object;
pub(crate) mod own;
pub(crate) mod property;
pub(crate) mod request;
mod search;
pub(crate) mod service;
pub(crate) mod session;
mod spec;
pub(crate) mod task;
pub(crate) mod task_call;
mod task_manager;
#[cfg(test)]
mod tests;
pub(crate) mod types;
pub(crate) mod value;
pub(crate) mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::service::{ViJsonService, properties, routed};
pub use self::spec::{CancelEnd, UnknownMethod, ViJsonSpec};

use self::fault::Fault;
use crate::core::Core;
use crate::exchange::Answer;
use crate::spec::{SiteSpec, WorldSpec};

/// What a path that is none of the simulator's is logged under.
pub(crate) const UNKNOWN: &str = "unknown";

/// The releases that a vCenter of the world knows, newest first.
pub(crate) const RELEASES: [&str; 4] = ["8.0.3.0", "8.0.2.0", "8.0.1.0", "8.0.0.1"];

/// What VI JSON keeps of one vCenter.
#[derive(Clone, Serialize, Deserialize)]
struct Vcenter {
    releases: Vec<String>,
    instance_uuid: String,
    pages_made: u32,
    own: BTreeMap<String, own::Own>,
    most_sessions: usize,
    tickets: BTreeMap<String, String>,
    message: Option<String>,
    queries: search::Queries,
}

impl std::fmt::Debug for Vcenter {
    /// Tokens and tickets are credentials and are left out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vcenter")
            .field("releases", &self.releases)
            .finish_non_exhaustive()
    }
}

/// What VI JSON keeps of all vCenters.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ViJson {
    spec: ViJsonSpec,
    vcenters: BTreeMap<String, Vcenter>,
    pub(crate) tasks: task::Tasks,
}

impl ViJson {
    /// The switches that change the form of answers.
    pub(crate) fn form(&self) -> String {
        self.spec.form()
    }

    pub(crate) fn new(core: &mut Core, spec: &WorldSpec) -> Self {
        let known = |core: &mut Core, site: &SiteSpec, name: &str| Vcenter {
            releases: if site.releases.is_empty() {
                spec.releases.clone()
            } else {
                site.releases.clone()
            },
            instance_uuid: core.random("vcenter", name).uuid(),
            pages_made: 0,
            own: BTreeMap::new(),
            most_sessions: spec.most_sessions as usize,
            tickets: BTreeMap::new(),
            message: None,
            queries: search::Queries::default(),
        };
        let vcenters = spec.sites.iter().map(|site| {
            let name = site.vcenter();
            let known = known(core, site, &name);
            (name, known)
        });
        let vcenters = vcenters.collect();
        Self {
            spec: spec.vi_json.clone(),
            vcenters,
            tasks: task::Tasks::default(),
        }
    }

    /// An answer in the form that the world's vCenters give it.
    pub(crate) fn formed(&self, answer: Answer) -> Answer {
        form::formed(&self.spec, answer)
    }

    /// What a path below a release that is not known is answered with.
    pub(crate) fn no_release(&self, path: &request::Path) -> Answer {
        if self.spec.unknown_release_is_fault {
            request::unknown_method(path).into_answer()
        } else {
            Answer::empty(404)
        }
    }

    /// What a method that a release does not have is answered with.
    fn unknown_method(&self) -> UnknownMethod {
        self.spec.unknown_method
    }

    /// Whether a vCenter knows a release.
    pub(crate) fn knows(&self, endpoint: &str, release: &str) -> bool {
        self.releases(endpoint).iter().any(|known| known == release)
    }

    /// The releases that a vCenter knows.
    pub(crate) fn releases(&self, endpoint: &str) -> &[String] {
        self.vcenters
            .get(endpoint)
            .map_or(&[], |vcenter| &vcenter.releases)
    }

    /// Whether a vCenter knows this release or a later one.
    pub(crate) fn reaches(&self, endpoint: &str, wanted: [u32; 4]) -> bool {
        let releases = self.releases(endpoint).iter();
        releases
            .map(|release| request::release(release))
            .any(|release| release >= wanted)
    }

    pub(crate) fn instance_uuid(&self, endpoint: &str) -> &str {
        self.vcenters
            .get(endpoint)
            .map_or("", |vcenter| &vcenter.instance_uuid)
    }

    /// Forgets what a vCenter keeps for its sessions; of those that live on, what they own.
    pub(crate) fn forget_pages(&mut self, core: &Core, endpoint: &str) {
        self.forget_dead(core, endpoint);
        if let Some(vcenter) = self.vcenters.get_mut(endpoint) {
            vcenter.own.values_mut().for_each(own::Own::forget_objects);
            vcenter.tickets.clear();
            vcenter.queries = search::Queries::default();
        }
    }

    /// How many sessions a vCenter takes at once.
    fn most_sessions(&self, endpoint: &str) -> usize {
        self.vcenters
            .get(endpoint)
            .map_or(0, |vcenter| vcenter.most_sessions)
    }

    /// Keeps a ticket for the session that asked for it.
    fn keep_ticket(&mut self, endpoint: &str, ticket: &str, token: &str) {
        if let Some(vcenter) = self.vcenters.get_mut(endpoint) {
            vcenter.tickets.insert(ticket.to_owned(), token.to_owned());
        }
    }

    /// The session that asked for a ticket, which is then used up.
    fn take_ticket(&mut self, endpoint: &str, ticket: &str) -> Option<String> {
        self.vcenters.get_mut(endpoint)?.tickets.remove(ticket)
    }

    fn message(&self, endpoint: &str) -> Option<&str> {
        self.vcenters.get(endpoint)?.message.as_deref()
    }

    fn set_message(&mut self, endpoint: &str, message: &str) {
        if let Some(vcenter) = self.vcenters.get_mut(endpoint) {
            vcenter.message = (!message.is_empty()).then(|| message.to_owned());
        }
    }

    fn queries_mut(&mut self, endpoint: &str) -> Option<&mut search::Queries> {
        self.vcenters
            .get_mut(endpoint)
            .map(|vcenter| &mut vcenter.queries)
    }

    /// Keeps what is left of an answer for a session, and gives the token by which it goes on; gives it back where there is no
    /// session to go on.
    fn keep_page(&mut self, endpoint: &str, session: &str, rest: Vec<Value>) -> Result<String, Vec<Value>> {
        let Some(vcenter) = self.vcenters.get_mut(endpoint) else {
            return Err(rest);
        };
        let Some(own) = vcenter.own.get_mut(session) else {
            return Err(rest);
        };
        vcenter.pages_made += 1;
        let token = format!("page-{}", vcenter.pages_made);
        own.pages.insert(token.clone(), rest);
        Ok(token)
    }

    fn content(&self, endpoint: &str) -> Value {
        let newest = self
            .releases(endpoint)
            .iter()
            .max_by_key(|known| request::release(known));
        let newest = newest.map_or(RELEASES[0], String::as_str);
        // 8.0.3.0 of the API is 8.0.3 of the product.
        let version = newest.rsplit_once('.').map_or(newest, |(version, _)| version);
        let of = |type_name: &str, mo_id: &str| value::reference(type_name, mo_id);
        json!({
            "_typeName": "ServiceContent",
            "rootFolder": of("Folder", crate::inventory::ROOT_FOLDER),
            "propertyCollector": of("PropertyCollector", collector::MO_ID),
            "viewManager": of("ViewManager", "ViewManager"),
            "about": {
                "_typeName": "AboutInfo",
                "name": "Simulated vCenter",
                "fullName": format!("Simulated vCenter {version} build-1"),
                "vendor": "Simulator",
                "version": version,
                "build": "1",
                "osType": "linux-x64",
                "productLineId": "vpx",
                "apiType": "VirtualCenter",
                "apiVersion": newest,
                "instanceUuid": self.instance_uuid(endpoint),
            },
            "authorizationManager": of("AuthorizationManager", "AuthorizationManager"),
            "sessionManager": of("SessionManager", session::MO_ID),
            "taskManager": of("TaskManager", "TaskManager"),
            "searchIndex": of("SearchIndex", "SearchIndex"),
            "failoverClusterConfigurator": of("FailoverClusterConfigurator", crate::vcha::vi_json::CONFIGURATOR),
            "failoverClusterManager": of("FailoverClusterManager", crate::vcha::vi_json::MANAGER),
            "dvSwitchManager": of("DistributedVirtualSwitchManager", "DVSManager"),
        })
    }
}

/// The answer that a fault rule asks for when it names no body of its own.
pub(crate) fn refused_by_rule(status: u16) -> Answer {
    let mut answer = match status {
        404 => Answer::empty(404),
        401 => Fault::new("NotAuthenticated", "Refused by a fault rule.").into_answer(),
        403 => Fault::new("NoPermission", "Refused by a fault rule.").into_answer(),
        _ => Fault::new("RuntimeFault", "Refused by a fault rule.").into_answer(),
    };
    answer.status = status;
    answer
}
