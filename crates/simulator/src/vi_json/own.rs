//! What belongs to one session: its views, its property collectors with their filters, the pages of its answers, its history
//! collectors. It dies with the session.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::collector::update::Collector;
use super::value::date_time;
use super::view::View;
use super::{ViJson, collector};
use crate::core::Core;
use crate::world::World;

/// A session, beyond its token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Own {
    /// Its key, which is not the token.
    pub(crate) key: String,
    /// `VSPHERE.LOCAL\operator`.
    pub(crate) user: String,
    pub(crate) locale: String,
    pub(crate) agent: String,
    pub(crate) extension: bool,
    pub(crate) calls: u64,
    pub(crate) views: BTreeMap<String, View>,
    pub(crate) collectors: BTreeMap<String, Collector>,
    /// History collectors, with the filters they were made with.
    pub(crate) histories: BTreeMap<String, Value>,
    /// What is left of answers that come in pages, by the token of the next page.
    pub(crate) pages: BTreeMap<String, Vec<Value>>,
    made: u32,
}

impl Own {
    pub(crate) fn new(key: String, user: String, locale: &str, agent: &str, extension: bool) -> Self {
        let locale = if locale.is_empty() { "en" } else { locale };
        Self {
            key,
            user,
            locale: locale.to_owned(),
            agent: agent.to_owned(),
            extension,
            calls: 0,
            views: BTreeMap::new(),
            collectors: BTreeMap::from([(collector::MO_ID.to_owned(), Collector::default())]),
            histories: BTreeMap::new(),
            pages: BTreeMap::new(),
            made: 0,
        }
    }

    /// Its views, collectors, histories and pages are gone; ids are not given twice.
    pub(crate) fn forget_objects(&mut self) {
        self.views.clear();
        self.collectors = BTreeMap::from([(collector::MO_ID.to_owned(), Collector::default())]);
        self.histories.clear();
        self.pages.clear();
    }

    /// An id for an object of the session, with the characters that real ones have.
    pub(crate) fn new_id(&mut self) -> String {
        self.made += 1;
        format!("session[{}]52f10000-0000-4000-8000-{:012x}", self.key, self.made)
    }
}

impl ViJson {
    /// A session of a vCenter, by its token.
    pub(crate) fn own(&self, vcenter: &str, token: &str) -> Option<&Own> {
        self.vcenters.get(vcenter)?.own.get(token)
    }

    /// A session of a vCenter, by its token.
    pub(crate) fn own_mut(&mut self, vcenter: &str, token: &str) -> Option<&mut Own> {
        self.vcenters.get_mut(vcenter)?.own.get_mut(token)
    }

    /// Opens a session.
    pub(crate) fn open(&mut self, vcenter: &str, token: &str, own: Own) {
        if let Some(known) = self.vcenters.get_mut(vcenter) {
            known.own.insert(token.to_owned(), own);
        }
    }

    /// Forgets the sessions that have ended.
    pub(crate) fn forget_dead(&mut self, core: &Core, vcenter: &str) {
        if let Some(known) = self.vcenters.get_mut(vcenter) {
            known
                .own
                .retain(|token, _| core.sessions.is_live(core.now_ms, vcenter, token));
        }
    }

    /// The live sessions of a vCenter with their tokens.
    pub(crate) fn live<'a>(
        &'a self,
        core: &'a Core,
        vcenter: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Own)> {
        let known = self.vcenters.get(vcenter);
        let all = known.into_iter().flat_map(|known| &known.own);
        all.map(|(token, own)| (token.as_str(), own))
            .filter(move |(token, _)| core.sessions.is_live(core.now_ms, vcenter, token))
    }
}

/// `UserSession`.
pub(crate) fn user_session(world: &World, vcenter: &str, token: &str) -> Option<Value> {
    let own = world.vi_json.own(vcenter, token)?;
    let session = world.core.sessions.peek(vcenter, token)?;
    Some(json!({
        "_typeName": "UserSession",
        "key": own.key,
        "userName": own.user,
        "fullName": "Simulated operator",
        "loginTime": date_time(&world.core, vcenter, session.opened_ms),
        "lastActiveTime": date_time(&world.core, vcenter, session.used_ms),
        "locale": own.locale,
        "messageLocale": "en",
        "extensionSession": own.extension,
        "ipAddress": "127.0.0.1",
        "userAgent": own.agent,
        "callCount": own.calls,
    }))
}
