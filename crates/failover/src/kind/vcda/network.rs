//! The networks of a VM that is recovered for good: what the replication was set up with is read before the call and sent word for word.
//!
//! What a service makes of a request that says nothing about networks is unknown (VCDA wire rules 9): the cards as they are set up, or all of
//! them disconnected. Nothing that it shows of a replication tells afterwards what the cards of the recovered VM are connected to, so
//! what is left to the service is said before the run and in its report.

use farside_engine::EndpointId;
use farside_models_vcda::{NetworkSettingsHalf, VmNicSettings};
use farside_vcda::{ExplicitNetworks, Networks};
use serde::{Deserialize, Serialize};

use super::view::{Service, View};
use super::{Replica, TargetKind};
use crate::kind::Condition;
use crate::kind::answer::explain;

/// What the service tells of the networks that a replication was set up with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SetUp {
    /// Those for a failover.
    Networks(Box<NetworkSettingsHalf>),
    /// There are none.
    Nothing,
    /// It does not say.
    Untold {
        /// Why.
        reason: String,
    },
}

/// What is to be recovered for good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recovered<'a> {
    kind: TargetKind,
    nics: u32,
    vm: Option<&'a str>,
}

impl<'a> Recovered<'a> {
    /// The VM of a replication, known by this id, at the site of a service.
    pub(super) fn of(replica: &Replica, at: &EndpointId, vm: Option<&'a str>) -> Self {
        Self {
            kind: replica.kind_at(at),
            nics: replica.nics,
            vm,
        }
    }
}

impl SetUp {
    /// Asks the service.
    pub(super) async fn read(service: &Service, replica: &Replica) -> Self {
        let replication = service.client.vm_replication(&replica.replication);
        match replication.network_settings().await {
            Ok(told) => told
                .failover_settings
                .map_or(Self::Nothing, |half| Self::Networks(Box::new(half))),
            Err(error) => Self::Untold {
                reason: explain(&error),
            },
        }
    }

    /// # Errors
    /// Why it is left to the service what the cards are connected to.
    fn explicit(&self, Recovered { kind, vm, .. }: Recovered<'_>) -> Result<ExplicitNetworks, String> {
        let half = match self {
            Self::Networks(half) => half,
            Self::Nothing => return Err("no networks are set up for a failover".to_owned()),
            Self::Untold { reason } => {
                return Err(format!(
                    "the networks that are set up for it cannot be read: {reason}"
                ));
            }
        };
        if kind == TargetKind::Vcenter && vm.is_none_or(str::is_empty) {
            return Err(
                "the service does not tell the id of the VM, by which networks are set at a vCenter site"
                    .to_owned(),
            );
        }
        match ExplicitNetworks::set_up(half, vm.unwrap_or_default()) {
            Ok(Some(networks)) => Ok(networks),
            Ok(None) => Err("no networks are set up for a failover".to_owned()),
            Err(error) => Err(format!(
                "the networks that are set up for it cannot be read: {}",
                explain(&error)
            )),
        }
    }

    /// What a request says about networks.
    pub(super) fn networks(&self, recovered: Recovered<'_>) -> Networks {
        match self.explicit(recovered) {
            Ok(networks) => Networks::Explicit(Box::new(networks)),
            Err(_) => Networks::Preconfigured,
        }
    }

    /// What a person has to know: that cards, or some of them, are left to the service; nothing where each is set up.
    pub(super) fn concern(&self, recovered: Recovered<'_>) -> Option<String> {
        let networks = match self.explicit(recovered) {
            Ok(networks) => networks,
            Err(why) => {
                return Some(format!(
                    "{why}; what its network cards are connected to is left to the service"
                ));
            }
        };
        if networks.cards.copy_source_nic_settings == Some(true) {
            return None;
        }
        let open = (0..recovered.nics).filter(|index| {
            let card = networks.cards.nics.iter().find(|card| is_of(card, *index));
            card.is_none_or(|card| card.network.is_none() && card.is_connected != Some(false))
        });
        let open: Vec<String> = open.map(|index| index.to_string()).collect();
        (!open.is_empty()).then(|| {
            format!(
                "no network is set up for network card {} of {}; what it is connected to is left to the service",
                open.join(", "),
                recovered.nics
            )
        })
    }

    /// What preflight says.
    pub(super) fn condition(&self, replica: &Replica, view: &View) -> Condition {
        let name = "networks after recovery";
        let recovered = Recovered::of(replica, &view.at, view.shown.vm_id.as_deref());
        match (self.explicit(recovered), self.concern(recovered)) {
            (Ok(networks), None) => Condition::go(name, described(&networks)),
            (Err(concern), _) | (Ok(_), Some(concern)) => Condition::warning(
                name,
                concern,
                "set up the networks of the replication at the service, or look at the cards of the VM after the run",
            ),
        }
    }
}

fn is_of(card: &VmNicSettings, index: u32) -> bool {
    card.nic_index.and_then(|known| u32::try_from(known).ok()) == Some(index)
}

/// "card 0: org-net-west, card 1: disconnected".
fn described(networks: &ExplicitNetworks) -> String {
    if networks.cards.copy_source_nic_settings == Some(true) {
        return "as at the source".to_owned();
    }
    let cards = networks.cards.nics.iter().map(|card| {
        let index = card
            .nic_index
            .map_or_else(|| "?".to_owned(), |index| index.to_string());
        let network = match card.is_connected {
            Some(false) => "disconnected",
            Some(true) | None => card.network.as_deref().unwrap_or("no network"),
        };
        format!("card {index}: {network}")
    });
    cards.collect::<Vec<_>>().join(", ")
}
