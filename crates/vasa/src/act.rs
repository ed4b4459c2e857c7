//! An action on any number of groups: as many calls as it takes, and an end for each group.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use farside_models_sms::PolicyAssociation;
use farside_transport::{CallError, Clock, Deadline, OperationId, PollPolicy, WaitErrorKind, within};
use farside_wire::Repeat;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;

use crate::action::{Action, Batch, Recovery};
use crate::batch::{GroupSuccess, batch_limit};
use crate::client::VasaClient;
use crate::fault::GroupFault;
use crate::group::GroupView;
use crate::id::{GroupId, ProviderRef};
use crate::point::PointQuery;
use crate::task::{self, SMS_TASK};

mod called;
mod end;
mod queue;

use called::{Called, can_pass};
pub use end::{Doubt, GroupEnd, GroupEnded, NotStarted};
use queue::{Item, NO_SESSION, Queue, Seen, groups_of};

/// The time that is given to all calls and their work, unless said otherwise.
const WITHIN: Duration = Duration::from_secs(3600);
/// How long a group that may have been acted upon has to look as if it was not, unless said otherwise.
const SETTLE: Duration = Duration::from_secs(15 * 60);

/// The pause between questions for the active providers while nobody answers.
const ASK_PAUSE: Duration = Duration::from_secs(5);

/// An action on any number of groups, to be [sent](Act::send).
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Act<'a> {
    client: &'a VasaClient,
    provider: ProviderRef,
    action: Action,
    members: Vec<Recovery>,
    policies: Vec<PolicyAssociation>,
    within: Duration,
    settle: Duration,
    polls: PollPolicy,
    limit: Option<u32>,
    at_once: usize,
    checked: bool,
}

impl VasaClient {
    /// An action on any number of groups of a provider, to be sent with [`Act::send`].
    ///
    /// What it does beyond [`VasaClient::start`]:
    /// - it looks at the groups first, and leaves out those that do not [fit](Action::fits), or that another provider is active for
    ///   and cannot be reached there;
    /// - it keeps to the number of groups that the provider takes at once, and goes by `TooMany` where that is less;
    /// - a group that was refused for now (`ProviderBusy`, `TooMany`, another provider active) is sent again in time; one with
    ///   `SyncOngoing` when the task that the provider named has ended;
    /// - where `InactiveProvider` does not name the provider that is active, vCenter is asked ([`VasaClient::fault_domains`]); also
    ///   where a provider says `InvalidFunctionTarget` or nothing of a group, which then goes to another one if that is active (vVol
    ///   recovery rules 2.2.3, inferred);
    /// - a group whose entry says `ProviderUnavailable`, or whose call or task ended with that fault, may have been worked on, so it is
    ///   looked at, and sent again only when its state, or the name of a sync's point in time, has not shown the action for the time to
    ///   [settle](Act::settle); one whose entry says `ProviderOutOfResource` is looked at, and has failed if its state does not show the
    ///   action;
    /// - a group that is not shown any more under its id, while it is reversed, is looked for under another one: the source in its fault
    ///   domain that holds the devices which the failover had made. That takes the look before the first call, and a provider that
    ///   tells of devices; without them it is [unknown](GroupEnd::Unknown) what became of it;
    /// - groups whose call did not go out, as nobody listened, are sent again in time as well;
    /// - `AlreadyDone` is a success with that warning;
    /// - a group that the result of its task leaves out, as results of tests do, is judged by its state.
    ///
    /// A group that the provider may have begun with is not sent a second time, but for what is said of `ProviderUnavailable`; after an
    /// answer that was lost, or any other fault of a whole call, it is unknown at once. What leaves no trace (a preparation, a check) harms nothing, and is sent again after that fault without a look.
    pub fn act<M: Into<Recovery>>(
        &self,
        provider: &ProviderRef,
        action: Action,
        members: impl IntoIterator<Item = M>,
    ) -> Act<'_> {
        Act {
            client: self,
            provider: provider.clone(),
            action,
            members: members.into_iter().map(Into::into).collect(),
            policies: Vec::new(),
            within: WITHIN,
            settle: SETTLE,
            polls: PollPolicy::default(),
            limit: None,
            at_once: 1,
            checked: true,
        }
    }
}

impl Act<'_> {
    /// With this time for everything, reads and calls included; an hour unless said. Work that has begun by then goes on at the
    /// array.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// With this time to settle: so long, and as long as the longest call of these at least, a group over which the provider became
    /// unavailable has to look as if nothing was done before it is sent again. 15 minutes unless said.
    pub fn settle(mut self, time: Duration) -> Self {
        self.settle = time;
        self
    }

    /// With this pace of looks at tasks.
    pub fn polls(mut self, policy: PollPolicy) -> Self {
        self.polls = policy;
        self
    }

    /// With at most so many groups in a call, instead of what the provider says.
    pub fn groups_per_call(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// With so many calls under way at once; one unless said. Each provider gets one at a time until one has shown what it takes.
    pub fn calls_at_once(mut self, calls: usize) -> Self {
        self.at_once = calls.max(1);
        self
    }

    /// With the storage policies that recovered devices get: [`Batch::with_policies`].
    pub fn policies(mut self, policies: Vec<PolicyAssociation>) -> Self {
        self.policies = policies;
        self
    }

    /// Without a look at the groups first.
    pub fn unchecked(mut self) -> Self {
        self.checked = false;
        self
    }

    /// Does it, and tells for each group asked for how it ended, in the order asked. It does not take longer than
    /// [its time](Act::within).
    ///
    /// # Errors
    /// [`CallError`] of a read before the first call that changes anything: nothing was done. Everything later is in the ends.
    ///
    /// # Cancel safety
    /// Dropped, it sends nothing further; what has begun goes on at the array, and nobody knows of it here. Groups in calls under
    /// way are to be looked at.
    pub async fn send(self) -> Result<Vec<GroupEnded>, CallError> {
        let clock = Arc::clone(self.client.vim().clock());
        let deadline = Deadline::after(&*clock, self.within);
        let members = self.members.clone();
        let mut queue = Queue::new(self.action.clone(), members, &self.provider, self.settle);
        match within(&*clock, self.within, self.read(&mut queue)).await {
            Ok(read) => {
                read?;
                self.drive(&mut queue, &*clock, deadline).await;
            }
            // Nothing has begun before the first call.
            Err(_elapsed) => queue.time_is_up(),
        }
        Ok(queue.into_ends())
    }

    /// All that is read before the first call.
    async fn read(&self, queue: &mut Queue) -> Result<(), CallError> {
        if self.checked {
            self.check(queue).await?;
        }
        while let Some(provider) = queue.new_provider() {
            let limit = self.announced(&provider).await?;
            queue.set_limit(provider, limit);
        }
        Ok(())
    }

    /// Looks at the groups, at the provider that is active for each.
    async fn check(&self, queue: &mut Queue) -> Result<(), CallError> {
        loop {
            if queue.asks_for_providers() {
                let active = self.answered_providers().await;
                queue.placed(&active, self.client.vim().clock().elapsed());
            }
            let Some((provider, groups)) = queue.unseen() else {
                return Ok(());
            };
            let (views, alone) = match self.client.groups(&provider, &groups).await {
                Ok(views) => (views, true),
                Err(error) => match error.fault() {
                    Some(fault) if matches!(GroupFault::of(fault), GroupFault::Inactive { .. }) => {
                        let faults = vec![fault.clone()];
                        (
                            vec![GroupView::Failed { faults }; groups.len()],
                            groups.len() == 1,
                        )
                    }
                    _ => return Err(error),
                },
            };
            queue.seen(&groups, views, alone, self.client.vim().clock().elapsed());
        }
    }

    /// The provider that vCenter says is active for each fault domain.
    async fn active_providers(&self) -> Result<Vec<(String, String)>, CallError> {
        let domains = self.client.fault_domains(None).await?;
        let active = domains
            .into_iter()
            .filter_map(|domain| Some((domain.id, domain.provider?.as_str().to_owned())));
        Ok(active.collect())
    }

    /// The same, asked for until there is an answer; none if that is a refusal.
    async fn answered_providers(&self) -> Vec<(String, String)> {
        loop {
            match self.active_providers().await {
                Ok(active) => return active,
                Err(error) if can_pass(&error, Repeat::Harmless) => {
                    self.client.vim().clock().sleep(ASK_PAUSE).await
                }
                Err(_) => return Vec::new(),
            }
        }
    }

    /// How many groups a provider says that it takes at once.
    async fn announced(&self, provider: &ProviderRef) -> Result<Option<u32>, CallError> {
        if self.limit.is_some() {
            return Ok(self.limit);
        }
        let provider = self.client.provider(provider).await?;
        Ok(provider.and_then(|provider| batch_limit(&provider.info)))
    }

    /// Makes calls and looks as groups are due, and waits meanwhile for whatever comes first: the end of one of them, the end of a
    /// task that groups wait for, the next group's turn.
    async fn drive(&self, queue: &mut Queue, clock: &dyn Clock, deadline: Deadline) {
        let mut running = Running::new();
        loop {
            if deadline.left(clock).is_zero() {
                queue.time_is_up();
            }
            if queue.is_done() {
                break;
            }
            while let Some(provider) = queue.new_provider() {
                // Without an answer, no limit is known, and its refusals will tell.
                let announced = within(clock, deadline.left(clock), self.announced(&provider)).await;
                queue.set_limit(
                    provider,
                    announced.ok().and_then(Result::ok).unwrap_or(self.limit),
                );
            }
            while let Some((provider, items)) = queue.next_call(clock.elapsed(), self.at_once) {
                running.push(Box::pin(self.one_call(provider, items, clock, deadline)));
            }
            while let Some((provider, items)) = queue.next_look(clock.elapsed()) {
                running.push(Box::pin(self.look(provider, items, clock, deadline)));
            }
            if queue.asks_for_providers() {
                running.push(Box::pin(self.ask(clock, deadline)));
            }
            for task in queue.new_tasks() {
                running.push(Box::pin(self.follow(task, clock, deadline)));
            }
            let pause = queue.pause(clock.elapsed(), self.at_once);
            let pause = pause.map(|pause| pause.min(deadline.left(clock)));
            match first(&mut running, clock, pause).await {
                Some(Happened::Called(provider, items, called)) => {
                    queue.called(&provider, items, called, clock.elapsed());
                }
                Some(Happened::Looked(items, seen)) => queue.looked(items, seen, clock.elapsed()),
                Some(Happened::Told(active)) => queue.placed(&active, clock.elapsed()),
                Some(Happened::TaskEnded(task)) => queue.task_ended(&task),
                None => {}
            }
        }
    }

    /// Asks which providers are active.
    async fn ask(&self, clock: &dyn Clock, deadline: Deadline) -> Happened {
        let active = within(clock, deadline.left(clock), self.answered_providers()).await;
        Happened::Told(active.unwrap_or_default())
    }

    /// Looks at groups of which only that can tell whether the action is done.
    async fn look(
        &self,
        provider: ProviderRef,
        items: Vec<Item>,
        clock: &dyn Clock,
        deadline: Deadline,
    ) -> Happened {
        let seen = within(clock, deadline.left(clock), self.see(&provider, &items)).await;
        Happened::Looked(items, seen.unwrap_or_default())
    }

    /// What groups show of the action, one by one; nothing if the read fails. Where another provider is active that is not named,
    /// vCenter is asked.
    async fn see(&self, provider: &ProviderRef, items: &[Item]) -> Vec<Seen> {
        let groups = groups_of(items);
        let mut seen: Vec<Seen> = match self.read_back(provider, &groups).await {
            Ok(seen) => seen,
            Err(error) => vec![Seen::of_faults(error.fault()); groups.len()],
        };
        if seen
            .iter()
            .zip(&groups)
            .any(|(seen, group)| seen.is_unplaced(group))
        {
            let active = self.active_providers().await.unwrap_or_default();
            for (seen, group) in seen.iter_mut().zip(&groups) {
                if seen.is_unplaced(group) {
                    let other = |known: &(String, String)| {
                        known.0 == group.fault_domain && known.1 != provider.as_str()
                    };
                    *seen = if active.iter().any(other) {
                        Seen::Elsewhere(active.clone())
                    } else {
                        Seen::Nothing
                    };
                }
            }
        }
        self.see_renamed(provider, items, &mut seen).await;
        seen
    }

    /// Looks for groups that show nothing any more under the ids that a reverse may have given them.
    async fn see_renamed(&self, provider: &ProviderRef, items: &[Item], seen: &mut [Seen]) {
        let is_gone = |(seen, item): (&Seen, &Item)| matches!(seen, Seen::Nothing) && item.can_be_renamed();
        if !seen.iter().zip(items).any(is_gone) {
            return;
        }
        let shown = self.client.all_groups(provider).await.unwrap_or_default();
        for (seen, item) in seen.iter_mut().zip(items) {
            if matches!(seen, Seen::Nothing)
                && let Some(group) = item.renamed(&shown)
            {
                let group = group.clone();
                *seen = Seen::Done(GroupSuccess::Reversed { group });
            }
        }
    }

    async fn read_back(&self, provider: &ProviderRef, groups: &[GroupId]) -> Result<Vec<Seen>, CallError> {
        if let Action::Sync { point_name } = &self.action {
            let query = PointQuery::named(point_name);
            let points = self.client.points_in_time(provider, groups, &query).await?;
            let seen = |points| Seen::of_points(point_name, points);
            return Ok(points.into_iter().map(seen).collect());
        }
        let views = self.client.groups(provider, groups).await?;
        let seen = |view| Seen::of_view(&self.action, view);
        Ok(views.into_iter().map(seen).collect())
    }

    /// Waits until a task of somebody else has ended, however it does. One that cannot be followed is left after a while.
    async fn follow(&self, task: String, clock: &dyn Clock, deadline: Deadline) -> Happened {
        let id = OperationId::new(SMS_TASK, self.client.vim().endpoint(), &task);
        let work = task::attach(self.client.vim(), id, Ok);
        let ended = work.until_done(deadline.left(clock), clock, self.polls).await;
        if let Err(error) = ended
            && matches!(error.kind(), WaitErrorKind::Call(_) | WaitErrorKind::Looks { .. })
        {
            clock.sleep(queue::FIRST_PAUSE.min(deadline.left(clock))).await;
        }
        Happened::TaskEnded(task)
    }

    /// One call, and its task to the end.
    async fn one_call(
        &self,
        provider: ProviderRef,
        items: Vec<Item>,
        clock: &dyn Clock,
        deadline: Deadline,
    ) -> Happened {
        let members = items.iter().map(|item| item.recovery.clone());
        let batch = Batch::new(self.action.clone(), members).with_policies(self.policies.clone());
        let called = match self
            .client
            .start_within(deadline.left(clock), &provider, &batch)
            .await
        {
            Err(error) => {
                if error.fault().is_some_and(|fault| fault.type_name() == NO_SESSION) {
                    // The session that was made for it is gone as well: the next call is not to try it again.
                    self.client.vim().invalidate_session();
                }
                Called::of_error(error, items.len())
            }
            Ok(work) => match work.until_done(deadline.left(clock), clock, self.polls).await {
                Ok(outcomes) => Called::Ended(outcomes),
                Err(error) => Called::of_wait(&self.action, error, items.len()),
            },
        };
        Happened::Called(provider, items, called)
    }
}

/// What an action waits for.
enum Happened {
    Called(ProviderRef, Vec<Item>, Called),
    Looked(Vec<Item>, Vec<Seen>),
    Told(Vec<(String, String)>),
    TaskEnded(String),
}

type Running<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Happened> + Send + 'a>>>;

/// What happens first; `None` if that is the end of the pause.
async fn first(running: &mut Running<'_>, clock: &dyn Clock, pause: Option<Duration>) -> Option<Happened> {
    let Some(pause) = pause else {
        return running.next().await;
    };
    let rest = clock.sleep(pause);
    if running.is_empty() {
        rest.await;
        return None;
    }
    match select(running.next(), rest).await {
        Either::Left((happened, _)) => happened,
        Either::Right(_) => None,
    }
}
