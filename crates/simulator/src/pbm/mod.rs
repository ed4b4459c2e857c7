//! Policy-based management of a vCenter: its storage profiles, and which virtual machines and disks have which of them.
//!
//! Sources: the vVol recovery rules 2.1, the facts on policies; COVERAGE.md has a row for each behaviour.

mod body;
mod entity;
mod profile;
mod service;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::service::PbmService;
pub(crate) use self::service::routed;
pub use self::spec::{MachineSpec, PartSpec, PbmSpec};

use crate::core::Core;

/// The profiles of all vCenters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pbm {
    spec: PbmSpec,
    /// The ids of the profiles of a vCenter, in the order of [`profile::Kind`].
    profiles: BTreeMap<String, Vec<String>>,
}

impl Pbm {
    pub(crate) fn new(core: &mut Core, vcenters: &[String], spec: &PbmSpec) -> Self {
        let ids = |core: &mut Core, vcenter: &str| {
            let mut random = core.random("profiles", vcenter);
            profile::KINDS.map(|_| random.uuid()).to_vec()
        };
        Self {
            spec: spec.clone(),
            profiles: vcenters
                .iter()
                .map(|vcenter| (vcenter.clone(), ids(core, vcenter)))
                .collect(),
        }
    }

    /// The ids of the profiles of a vCenter: the replicated one, the plain one, the default of the containers.
    pub fn profiles(&self, vcenter: &str) -> &[String] {
        self.profiles.get(vcenter).map_or(&[], Vec::as_slice)
    }

    fn state(&self) -> Value {
        json!({"profiles": self.profiles})
    }
}
