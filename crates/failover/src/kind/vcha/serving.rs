//! Whether a vCenter serves: log-in works, VI JSON and the storage service answer, the VASA providers are online and show
//! their replication groups. What was there before a switch must be there after it, and nothing more is asked for.

use std::collections::BTreeSet;

use farside_engine::EndpointId;
use farside_vasa::{Provider, VasaClient};
use serde::{Deserialize, Serialize};

use crate::connection::Connections;
use crate::kind::answer::explain;

/// Groups that a message names; of the others it gives the number.
const MOST_NAMED: usize = 3;

/// What a vCenter showed before it was switched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Served {
    /// `uid` of each VASA provider that was online.
    providers: BTreeSet<String>,
    /// Their replication groups, as fault domain and id.
    groups: BTreeSet<String>,
}

impl Served {
    /// For people.
    pub(super) fn describe(&self) -> String {
        let (groups, providers) = (self.groups.len(), self.providers.len());
        format!("{groups} replication groups at {providers} VASA providers that are online")
    }
}

/// What the vCenter shows at this moment. Providers that are offline are left out: nobody can expect them afterwards.
pub(super) async fn read(world: &Connections, endpoint: &EndpointId) -> Result<Served, String> {
    let client = client(world, endpoint).await?;
    let mut served = Served::default();
    for provider in client.providers().await.map_err(|error| explain(&error))? {
        if provider.is_online() {
            served.groups.extend(groups(&client, &provider).await?);
            served.providers.insert(provider.info.uid);
        }
    }
    Ok(served)
}

/// `Ok` when the vCenter serves all that it served `before`; when that is not known, all its providers are to be online.
pub(super) async fn state(
    world: &Connections,
    endpoint: &EndpointId,
    before: Option<&Served>,
) -> Result<(), String> {
    let rest = world.vcenter(endpoint).await.map_err(|error| explain(&error))?;
    rest.operations().await.map_err(|error| explain(&error))?;
    let client = client(world, endpoint).await?;
    let providers = client.providers().await.map_err(|error| explain(&error))?;
    let is_asked =
        |provider: &&Provider| before.is_none_or(|before| before.providers.contains(&provider.info.uid));
    let asked: Vec<&Provider> = providers.iter().filter(is_asked).collect();
    if let Some(offline) = asked.iter().find(|provider| !provider.is_online()) {
        return Err(format!("VASA provider {} is not online yet", offline.info.name));
    }
    let Some(before) = before else { return Ok(()) };
    let listed: BTreeSet<&str> = asked.iter().map(|provider| provider.info.uid.as_str()).collect();
    if let Some(missing) = before.providers.iter().find(|uid| !listed.contains(uid.as_str())) {
        return Err(format!("VASA provider {missing} is not listed yet"));
    }
    let mut visible = BTreeSet::new();
    for provider in asked {
        visible.extend(groups(&client, provider).await?);
    }
    let missing: Vec<&str> = before.groups.difference(&visible).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(not_visible(&missing))
}

fn not_visible(missing: &[&str]) -> String {
    let named: Vec<&str> = missing.iter().take(MOST_NAMED).copied().collect();
    let more = match missing.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "replication groups are not visible yet: {}{more}",
        named.join(", ")
    )
}

async fn client(world: &Connections, endpoint: &EndpointId) -> Result<VasaClient, String> {
    let vim = world.vim(endpoint).await.map_err(|error| explain(&error))?;
    Ok(VasaClient::new(vim))
}

async fn groups(client: &VasaClient, provider: &Provider) -> Result<Vec<String>, String> {
    let groups = client
        .all_groups(&provider.id)
        .await
        .map_err(|error| explain(&error))?;
    Ok(groups.into_iter().map(|group| group.id.to_string()).collect())
}
