//! An action on any number of groups: as many calls as it takes, and an end for each group.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use farside_models_sms::{PolicyAssociation, ReplicationState};
use farside_transport::{
    CallError, Clock, Deadline, Effect, OperationId, PollPolicy, WaitError, WaitErrorKind,
};
use farside_wire::Fault;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;

use crate::action::{Action, Batch, Recovery, Unfit};
use crate::batch::{GroupOutcome, GroupSuccess, batch_limit, is_already_done};
use crate::client::VasaClient;
use crate::fault::GroupFault;
use crate::id::{GroupId, ProviderRef};
use crate::task::{self, SMS_TASK};

mod queue;

use queue::{Item, Queue};

/// The time that is given to all calls and their work, unless said otherwise.
const WITHIN: Duration = Duration::from_secs(3600);

/// What became of one group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupEnded {
    /// The group, as it was asked for.
    pub group: GroupId,
    /// How it ended.
    pub end: GroupEnd,
}

/// How an action ended for one group.
#[derive(Clone, Debug)]
#[must_use]
pub enum GroupEnd {
    /// It worked, or had been done before: see [`GroupEnd::was_there_already`].
    Succeeded {
        /// What it brought.
        success: GroupSuccess,
        /// What went wrong without failing it.
        warnings: Vec<Fault>,
    },
    /// The provider refused it, or it failed there. The group's state shows what of it was done.
    Failed {
        /// Why; can be empty if the server said so little.
        faults: Vec<Fault>,
    },
    /// No call was made for it, or none that the provider took up: it is as it was.
    NotStarted {
        /// Why.
        reason: NotStarted,
    },
    /// It may have been done, or be under way. Nothing further was sent for it: a look at the group has to tell.
    Unknown {
        /// Why.
        doubt: Doubt,
    },
}

impl GroupEnd {
    /// Whether it worked.
    #[must_use]
    pub fn is_success(&self) -> bool {
        match self {
            Self::Succeeded { .. } => true,
            Self::Failed { .. } | Self::NotStarted { .. } | Self::Unknown { .. } => false,
        }
    }

    /// Whether it worked because nothing was to be done: the provider said `AlreadyDone`.
    #[must_use]
    pub fn was_there_already(&self) -> bool {
        match self {
            Self::Succeeded { warnings, .. } => is_already_done(warnings),
            Self::Failed { .. } | Self::NotStarted { .. } | Self::Unknown { .. } => false,
        }
    }
}

/// Why no work was begun on a group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NotStarted {
    /// It does not belong into the call.
    Unfit(Unfit),
    /// The provider does not show it.
    NotShown {
        /// What it says instead.
        faults: Vec<Fault>,
    },
    /// The call did not go out, or was refused without a fault.
    Call(CallError),
    /// Time was up before its turn came, or while the provider put it off.
    OutOfTime {
        /// Why it was put off, if it was.
        faults: Vec<Fault>,
    },
}

/// Why it is not known what became of a group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Doubt {
    /// The call may have been taken up, and its answer is lost or says so little.
    Call(CallError),
    /// The task was not seen to its end, or failed as a whole after it had begun.
    Wait(Arc<WaitError>),
    /// The task succeeded without a word about the group, and the group's state does not show it either.
    NotMentioned {
        /// The state, if it could be read.
        state: Option<ReplicationState>,
    },
}

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
    /// - groups whose call did not go out, as nobody listened, are sent again in time as well;
    /// - `AlreadyDone` is a success with that warning;
    /// - a group that the result of its task leaves out, as results of tests do, is judged by its state.
    ///
    /// A group that the provider may have begun with is never sent a second time.
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
            polls: PollPolicy::default(),
            limit: None,
            at_once: 1,
            checked: true,
        }
    }
}

impl Act<'_> {
    /// With this time for everything; an hour unless said. Work that has begun by then goes on at the array.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
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

    /// With so many calls under way at once, as soon as one has shown what the provider takes; one unless said.
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

    /// Does it, and tells for each group asked for how it ended, in the order asked.
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
        let mut queue = Queue::new(self.action.clone(), self.members.clone(), &self.provider);
        if self.checked {
            self.check(&mut queue).await?;
        }
        while let Some(provider) = queue.new_provider() {
            let limit = self.announced(&provider).await?;
            queue.set_limit(provider, limit);
        }
        self.drive(&mut queue, &*clock, deadline).await;
        self.look(&mut queue).await;
        Ok(queue.into_ends())
    }

    /// Looks at the groups, at the provider that is active for each.
    async fn check(&self, queue: &mut Queue) -> Result<(), CallError> {
        while let Some((provider, groups)) = queue.unseen() {
            match self.client.groups(&provider, &groups).await {
                Ok(views) => queue.seen(&groups, views),
                Err(error) => match error.fault().map(GroupFault::of) {
                    Some(GroupFault::Inactive { mapping }) if queue.redirect_unseen(&groups, &mapping) => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(())
    }

    /// How many groups a provider says that it takes at once.
    async fn announced(&self, provider: &ProviderRef) -> Result<Option<u32>, CallError> {
        if self.limit.is_some() {
            return Ok(self.limit);
        }
        let provider = self.client.provider(provider).await?;
        Ok(provider.and_then(|provider| batch_limit(&provider.info)))
    }

    /// Makes calls as groups are due, and waits meanwhile for whatever comes first: the end of a call, the end of a task that groups
    /// wait for, the next group's turn.
    async fn drive(&self, queue: &mut Queue, clock: &dyn Clock, deadline: Deadline) {
        let mut running = Running::new();
        let mut calls = 0;
        loop {
            if deadline.left(clock).is_zero() {
                queue.time_is_up();
            }
            let allowed = queue.allowed(self.at_once);
            while calls < allowed {
                let Some((provider, items)) = queue.next_call(clock.elapsed()) else {
                    break;
                };
                running.push(Box::pin(self.one_call(provider, items, clock, deadline)));
                calls += 1;
            }
            for task in queue.new_tasks() {
                running.push(Box::pin(self.follow(task, clock, deadline)));
            }
            if calls == 0 && queue.is_empty() {
                break;
            }
            let pause = queue.pause(clock.elapsed()).filter(|_| calls < allowed);
            let pause = pause.map(|pause| pause.min(deadline.left(clock)));
            match first(&mut running, clock, pause).await {
                Some(Happened::Called(provider, items, called)) => {
                    calls -= 1;
                    queue.called(&provider, items, called, clock.elapsed());
                    if let Some(provider) = queue.new_provider() {
                        // Without an answer, no limit is known, and its refusals will tell.
                        let limit = self.announced(&provider).await.unwrap_or(self.limit);
                        queue.set_limit(provider, limit);
                    }
                }
                Some(Happened::TaskEnded(task)) => queue.task_ended(&task),
                None => {}
            }
        }
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
        let called = match self.client.start(&provider, &batch).await {
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

    /// Looks at groups that their tasks did not mention.
    async fn look(&self, queue: &mut Queue) {
        while let Some((provider, groups)) = queue.doubtful() {
            // A look that fails leaves them in doubt.
            let views = self.client.groups(&provider, &groups).await.unwrap_or_default();
            queue.looked(&groups, views);
        }
    }
}

/// The fault of a call that was turned away for want of a session, and has not come to the provider.
const NO_SESSION: &str = "NotAuthenticated";

/// What an action waits for.
enum Happened {
    Called(ProviderRef, Vec<Item>, Called),
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

/// What became of a call as a whole.
#[derive(Debug)]
pub(crate) enum Called {
    /// Its task ended, with an outcome for each group.
    Ended(Vec<GroupOutcome>),
    /// The provider refused it before acting, with a fault.
    Refused(Fault),
    /// It did not go out, or was refused without a fault.
    NotStarted(CallError),
    /// Nobody knows.
    InDoubt(Doubt),
}

impl Called {
    fn of_error(error: CallError, groups: usize) -> Self {
        match error.effect() {
            Effect::NotSent => Self::NotStarted(error),
            Effect::Refused => match error.fault() {
                Some(fault) => Self::Refused(fault.clone()),
                None => Self::NotStarted(error),
            },
            Effect::Unknown => match error.fault().filter(|fault| names_other_work(fault, groups)) {
                Some(fault) => Self::Refused(fault.clone()),
                None => Self::InDoubt(Doubt::Call(error)),
            },
        }
    }

    fn of_wait(action: &Action, error: WaitError, groups: usize) -> Self {
        if let WaitErrorKind::Failed(failure) = error.kind() {
            let refused = action.operation().refused_before_acting.contains(&failure.code());
            let is_refusal = |fault: &&Fault| refused || names_other_work(fault, groups);
            if let Some(fault) = failure.as_fault().filter(is_refusal) {
                return Self::Refused(fault.clone());
            }
        }
        Self::InDoubt(Doubt::Wait(Arc::new(error)))
    }
}

/// Whether a fault says that it is other work which is running on the one group of a call. Of several groups it does not say
/// which is meant, so that the others may have begun.
fn names_other_work(fault: &Fault, groups: usize) -> bool {
    groups == 1 && matches!(GroupFault::of(fault), GroupFault::SyncOngoing { task: Some(_) })
}
