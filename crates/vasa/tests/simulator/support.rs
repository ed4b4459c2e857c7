//! A world with two sites, and clients of both.

use std::sync::Arc;
use std::time::Duration;

use farside_simulator::sms::VasaSpec;
use farside_simulator::{Simulator, WorldSpec};
use farside_transport::testing::recorded;
use farside_transport::{PollPolicy, RemoteOperation, SystemClock, Transport};
use farside_vasa::{Act, Action, Group, GroupId, GroupOutcome, GroupView, ProviderRef, VasaClient};
use farside_vim::VimClient;
use farside_wire::Secret;

use crate::kept::KEPT;

pub(crate) struct Site {
    pub(crate) client: VasaClient,
    pub(crate) providers: Vec<ProviderRef>,
}

pub(crate) struct Pair {
    pub(crate) simulator: Simulator,
    pub(crate) clock: Arc<SystemClock>,
}

impl Pair {
    /// Twelve groups from `vc-east` to `vc-west`.
    pub(crate) fn new(spec: VasaSpec) -> Self {
        Self::of(&WorldSpec::pair(7).groups(12).vasa(spec))
    }

    pub(crate) fn of(spec: &WorldSpec) -> Self {
        let clock = Arc::new(SystemClock::new());
        let world = spec.clone().odd_if_asked(KEPT).build();
        Self {
            simulator: Simulator::new(world, clock.clone()),
            clock,
        }
    }

    /// A client over a transport that counts, or does whatever else to, the calls.
    pub(crate) fn client(
        &self,
        name: &str,
        wrap: impl FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport>,
    ) -> VasaClient {
        let (user, password) = {
            let world = self.simulator.world();
            let endpoint = world.endpoint(name).unwrap();
            (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
        };
        let transport = wrap(recorded(Arc::new(self.simulator.transport(name))));
        let vim = VimClient::builder(transport, user, password, self.clock.clone())
            .endpoint(name)
            .build();
        VasaClient::new(vim)
    }

    pub(crate) async fn site(&self, name: &str) -> Site {
        let client = self.client(name, |transport| transport);
        let providers = client
            .providers()
            .await
            .unwrap()
            .into_iter()
            .map(|provider| provider.id)
            .collect();
        Site { client, providers }
    }

    /// The site that is replicated to, and the groups of its first provider.
    pub(crate) async fn west(&self) -> (Site, Vec<GroupId>) {
        let west = self.site("vc-west").await;
        let groups = ids(&west.all(0).await);
        (west, groups)
    }

    pub(crate) async fn done<T>(&self, work: RemoteOperation<T>) -> T {
        let limit = Duration::from_secs(600);
        work.until_done(limit, self.clock.as_ref(), PollPolicy::default())
            .await
            .unwrap()
    }
}

impl Site {
    pub(crate) async fn all(&self, provider: usize) -> Vec<Group> {
        self.client.all_groups(&self.providers[provider]).await.unwrap()
    }

    /// An action on groups of the first provider.
    pub(crate) fn act(&self, action: Action, groups: &[GroupId]) -> Act<'_> {
        self.client
            .act(&self.providers[0], action, groups.iter().cloned())
    }

    pub(crate) async fn states(&self, provider: usize, groups: &[GroupId]) -> Vec<String> {
        let views = self
            .client
            .groups(&self.providers[provider], groups)
            .await
            .unwrap();
        let state = |view: GroupView| match view {
            GroupView::Known(group) => group.state.to_string(),
            other => format!("{other:?}"),
        };
        views.into_iter().map(state).collect()
    }
}

pub(crate) fn ids(groups: &[Group]) -> Vec<GroupId> {
    groups.iter().map(|group| group.id.clone()).collect()
}

pub(crate) fn all_succeeded(outcomes: &[GroupOutcome]) -> bool {
    outcomes
        .iter()
        .all(|outcome| matches!(outcome, GroupOutcome::Succeeded { .. }))
}
