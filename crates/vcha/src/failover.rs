//! A failover, from the look before it to the cluster that is healthy again.
//!
//! What is sent is sent once. Whether it worked is seen from the roles of the nodes, which are told apart by their HA address,
//! and from nothing else: connections break, sessions and tasks die, the former node may answer for a moment as if nothing had
//! happened, and the task may read `FAILED` although the switch worked (vCenter REST wire rules 9).

use std::sync::Arc;
use std::time::Duration;

use farside_transport::{CallError, Clock, Deadline, Effect, OperationId, TaskStatus, within};
use farside_wire::ServiceError;
use serde::{Deserialize, Serialize};

use crate::ha::HaCluster;
use crate::node::HaAddress;
use crate::readiness::{Condition, Judgement, is_ready};
use crate::task::lasts_through_a_switch;
use crate::view::ClusterView;

mod error;

pub use error::{FailoverError, FailoverErrorKind};

/// Which node is to become active, and how. It can be stored, to go on waiting from another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailoverIntent {
    /// The node that was active.
    pub from: HaAddress,
    /// The node that is to be.
    pub to: HaAddress,
    /// Whether state is handed over first.
    pub planned: bool,
}

/// What a look before a failover found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The node is active already: there is nothing to send.
    AlreadyActive,
    /// A failover can be asked for.
    Ready(FailoverIntent),
    /// It would be refused, or something else is under way: the conditions that say so.
    NotReady(Vec<Condition>),
}

/// What became of the request.
#[derive(Debug)]
pub enum Sent {
    /// The server took it.
    Taken(OperationId),
    /// The answer was lost, or was an error that does not say whether the server acts.
    Unknown(CallError),
}

/// How a failover ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The node was active already; nothing was sent.
    AlreadyActive,
    /// The node is active. The cluster is degraded until the former node is back.
    Switched(FailoverIntent),
}

/// The shortest pause between looks: a wait must not turn into a busy loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The pace of the looks at a cluster that is switching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailoverPace {
    /// From look to look, at least a millisecond. By default 2 s.
    pub pause: Duration,
    /// How long the former node has to be seen active, with no failover under way, before that counts: as "it did not happen"
    /// where no task says so, and as "it is active again" after a switch. The former node may answer for a moment after it gave
    /// way, and a request whose answer was lost may arrive late. By default 60 s.
    pub settle: Duration,
}

impl Default for FailoverPace {
    fn default() -> Self {
        Self {
            pause: Duration::from_secs(2),
            settle: Duration::from_secs(60),
        }
    }
}

impl FailoverPace {
    /// With another pause.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// With another time to settle.
    #[must_use]
    pub fn with_settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }
}

/// Failovers of one cluster.
#[derive(Clone, Debug)]
pub struct Failover {
    cluster: Arc<dyn HaCluster>,
    clock: Arc<dyn Clock>,
    pace: FailoverPace,
}

/// What a look after the request shows.
enum Look {
    /// The node is active; whether the cluster is healthy, too.
    Switched {
        healthy: bool,
    },
    /// The former node is active and no failover is known to be under way; with the task's end, if it tells one.
    Still(Option<ServiceError>),
    UnderWay,
    Silent(CallError),
}

impl Look {
    /// What one answer shows.
    fn of(answer: Result<ClusterView, CallError>, intent: &FailoverIntent) -> Self {
        match answer {
            Ok(view) => match view.roles().active {
                Some(active) if active == intent.to => Self::Switched {
                    healthy: view.is_healthy(),
                },
                Some(active) if active == intent.from && !view.fails_over() => Self::Still(None),
                _ => Self::UnderWay,
            },
            Err(error) => Self::Silent(error),
        }
    }
}

impl Failover {
    /// Failovers of this cluster.
    pub fn new(cluster: impl HaCluster + 'static) -> Self {
        let clock = cluster.clock();
        Self {
            cluster: Arc::new(cluster),
            clock,
            pace: FailoverPace::default(),
        }
    }

    /// At another pace.
    #[must_use]
    pub fn pace(mut self, pace: FailoverPace) -> Self {
        self.pace = pace;
        self
    }

    /// Looks whether the node `to`, or without it the passive one, can be made active. Changes nothing.
    ///
    /// # Errors
    /// [`CallError`]; nothing changed.
    pub async fn plan(&self, to: Option<&HaAddress>, planned: bool) -> Result<Plan, CallError> {
        let view = self.cluster.view().await?;
        let roles = view.roles();
        if to.is_some() && to == roles.active.as_ref() {
            return Ok(Plan::AlreadyActive);
        }
        let mut conditions = view.readiness();
        if let Some(wanted) = to
            && roles.passive.as_ref() != Some(wanted)
            && let Some(roles) = conditions.iter_mut().find(|condition| condition.name == "roles")
        {
            roles.value = format!("{wanted} is not the passive node");
            roles.judgement = Judgement::NotReady;
        }
        let ready = is_ready(&conditions);
        match (roles.active, roles.passive) {
            (Some(from), Some(to)) if ready => Ok(Plan::Ready(FailoverIntent { from, to, planned })),
            _ => {
                conditions.retain(|condition| condition.judgement != Judgement::Ready);
                Ok(Plan::NotReady(conditions))
            }
        }
    }

    /// Sends the request, once. Store the intent before: what may have been sent must not be sent again without a look.
    ///
    /// # Errors
    /// [`CallError`] where the server has not acted; [`Sent::Unknown`] where nobody knows. After 401 too look again before the
    /// next request: that the session is lost may be the sign that the cluster has switched by itself.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown: go on with [`Failover::until_switched`].
    pub async fn send(&self, intent: &FailoverIntent) -> Result<Sent, CallError> {
        match self.cluster.start_failover(intent.planned).await {
            Ok(task) => Ok(Sent::Taken(task)),
            Err(error) => match error.effect() {
                Effect::NotSent | Effect::Refused => Err(error),
                Effect::Unknown => Ok(Sent::Unknown(error)),
            },
        }
    }

    /// Waits until the node is seen active, also in another process than the one that sent the request, with the task if its id
    /// is known. Nothing is sent but looks. The cluster is usually degraded then: see [`Failover::until_healthy`].
    ///
    /// # Errors
    /// [`FailoverError`]: after `DidNotHappen` the former node is active; after everything else the switch may still happen.
    ///
    /// # Cancel safety
    /// Dropping the future ends the wait and changes nothing at the server.
    pub async fn until_switched(
        &self,
        intent: &FailoverIntent,
        task: Option<&OperationId>,
        limit: Duration,
    ) -> Result<(), FailoverError> {
        let deadline = Deadline::after(&*self.clock, limit);
        let mut still_since = None;
        let mut last_error = None;
        loop {
            let left = deadline.left(&*self.clock);
            match within(&*self.clock, left, self.look(intent, task)).await {
                Ok(Look::Switched { .. }) => return Ok(()),
                Ok(Look::Still(reason)) => {
                    let now = self.clock.elapsed();
                    let since = *still_since.get_or_insert(now);
                    if reason.is_some() || now.saturating_sub(since) >= self.pace.settle {
                        return Err(self.error(FailoverErrorKind::DidNotHappen {
                            from: intent.from.clone(),
                            reason,
                            answer: None,
                        }));
                    }
                    last_error = None;
                }
                Ok(Look::UnderWay) => (still_since, last_error) = (None, None),
                Ok(Look::Silent(error)) if lasts_through_a_switch(&error) => {
                    return Err(self.error(FailoverErrorKind::Call(error)));
                }
                Ok(Look::Silent(error)) => (still_since, last_error) = (None, Some(error)),
                Err(_elapsed) => {}
            }
            self.rest(deadline, limit, &mut last_error).await?;
        }
    }

    /// Waits until the cluster is healthy again with the node active: the former one back, and in sync. That takes as long as
    /// that node takes.
    ///
    /// # Errors
    /// [`FailoverError`]: `Another` where the former node is active again, and was seen so for the time to
    /// [settle](FailoverPace::settle), at whichever address it answers.
    ///
    /// # Cancel safety
    /// Dropping the future ends the wait and changes nothing at the server.
    pub async fn until_healthy(&self, intent: &FailoverIntent, limit: Duration) -> Result<(), FailoverError> {
        let deadline = Deadline::after(&*self.clock, limit);
        let mut back_since = None;
        let mut last_error = None;
        loop {
            let left = deadline.left(&*self.clock);
            match within(&*self.clock, left, self.look_for_health(intent)).await {
                Ok(Look::Switched { healthy: true }) => return Ok(()),
                Ok(Look::Still(_)) => {
                    let now = self.clock.elapsed();
                    let since = *back_since.get_or_insert(now);
                    if now.saturating_sub(since) >= self.pace.settle {
                        let active = intent.from.clone();
                        return Err(self.error(FailoverErrorKind::Another { active }));
                    }
                    last_error = None;
                }
                Ok(Look::Switched { healthy: false } | Look::UnderWay) => {
                    (back_since, last_error) = (None, None)
                }
                Ok(Look::Silent(error)) if lasts_through_a_switch(&error) => {
                    return Err(self.error(FailoverErrorKind::Call(error)));
                }
                Ok(Look::Silent(error)) => (back_since, last_error) = (None, Some(error)),
                Err(_elapsed) => {}
            }
            self.rest(deadline, limit, &mut last_error).await?;
        }
    }

    /// Makes the node `to`, or without it the passive one, active: looks, asks for the failover, and waits for the switch. A
    /// request that met a session that had ended is sent once more, after another look. `limit` is for all of that together.
    ///
    /// # Errors
    /// [`FailoverError`]: after `NotReady`, `NotAsked` and `NoTime` nothing was done; for the others see
    /// [`Failover::until_switched`].
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown. To find it out afterwards, go step by step, and store the intent in between.
    pub async fn run(
        &self,
        to: Option<&HaAddress>,
        planned: bool,
        limit: Duration,
    ) -> Result<Outcome, FailoverError> {
        let deadline = Deadline::after(&*self.clock, limit);
        let mut wanted = to.cloned();
        let mut again = true;
        let (intent, sent) = loop {
            let plan = self.plan(wanted.as_ref(), planned);
            let intent = match within(&*self.clock, deadline.left(&*self.clock), plan).await {
                Ok(Ok(Plan::Ready(intent))) => intent,
                Ok(Ok(Plan::AlreadyActive)) => return Ok(Outcome::AlreadyActive),
                Ok(Ok(Plan::NotReady(conditions))) => {
                    return Err(self.error(FailoverErrorKind::NotReady(conditions)));
                }
                Ok(Err(error)) => return Err(self.error(FailoverErrorKind::NotAsked(error))),
                Err(_elapsed) => return Err(self.error(FailoverErrorKind::NoTime { limit })),
            };
            match within(&*self.clock, deadline.left(&*self.clock), self.send(&intent)).await {
                Ok(Ok(sent)) => break (intent, sent),
                // Where the passive node is meant, another look must not mean the other one by it.
                Ok(Err(error)) if again && error.lacked_session() => wanted = Some(intent.to),
                Ok(Err(error)) => return Err(self.error(FailoverErrorKind::NotAsked(error))),
                Err(_elapsed) => {
                    let last_error = None;
                    return Err(self.error(FailoverErrorKind::Deadline { limit, last_error }));
                }
            }
            again = false;
        };
        let (task, lost) = match sent {
            Sent::Taken(task) => (Some(task), None),
            Sent::Unknown(error) => (None, Some(error)),
        };
        let left = deadline.left(&*self.clock);
        let switched = self.until_switched(&intent, task.as_ref(), left).await;
        let Err(mut error) = switched else {
            return Ok(Outcome::Switched(intent));
        };
        match &mut error.kind {
            FailoverErrorKind::DidNotHappen { answer, .. } => *answer = lost,
            FailoverErrorKind::Deadline { limit: given, .. } => *given = limit,
            _ => {}
        }
        Err(error)
    }

    async fn look(&self, intent: &FailoverIntent, task: Option<&OperationId>) -> Look {
        match self.look_everywhere(intent).await {
            Look::Still(_) => self.look_at_task(intent, task).await,
            seen => seen,
        }
    }

    /// Looks at each address: the one that shows the node active is believed whatever the others say, since the former node may
    /// not know better. Of the silent ones, one that may yet speak outweighs one that never will.
    async fn look_everywhere(&self, intent: &FailoverIntent) -> Look {
        let mut still = false;
        let mut silence = None;
        let mut under_way = false;
        for answer in self.cluster.views(&intent.to).await {
            match Look::of(answer, intent) {
                Look::Switched { healthy } => return Look::Switched { healthy },
                Look::Still(_) => still = true,
                Look::UnderWay => under_way = true,
                Look::Silent(error) => {
                    silence = silence
                        .filter(|other| !lasts_through_a_switch(other))
                        .or(Some(error));
                }
            }
        }
        match (still, under_way, silence) {
            (true, false, _) => Look::Still(None),
            (false, false, Some(error)) => Look::Silent(error),
            (_, _, _) => Look::UnderWay,
        }
    }

    /// The address that answered last is enough where it shows the node active.
    async fn look_for_health(&self, intent: &FailoverIntent) -> Look {
        match Look::of(self.cluster.view_here().await, intent) {
            seen @ Look::Switched { .. } => seen,
            Look::Silent(error) if lasts_through_a_switch(&error) => Look::Silent(error),
            _ => self.look_everywhere(intent).await,
        }
    }

    /// The former node is active: its task tells whether that is all. A task that failed may come from the new node, though,
    /// which answered in place of the former one: what it says of the roles is read after it. A task that cannot be read tells
    /// nothing, as one that is gone.
    async fn look_at_task(&self, intent: &FailoverIntent, task: Option<&OperationId>) -> Look {
        let Some(task) = task else {
            return Look::Still(None);
        };
        match self.cluster.tasks().poll(task).await {
            Ok(TaskStatus::Running { .. }) => Look::UnderWay,
            Ok(TaskStatus::Failed { error }) => match Look::of(self.cluster.view_here().await, intent) {
                Look::Still(_) => Look::Still(Some(error)),
                seen => seen,
            },
            Ok(TaskStatus::Gone | TaskStatus::Succeeded { .. }) | Err(_) => Look::Still(None),
        }
    }

    async fn rest(
        &self,
        deadline: Deadline,
        limit: Duration,
        last_error: &mut Option<CallError>,
    ) -> Result<(), FailoverError> {
        let left = deadline.left(&*self.clock);
        if left.is_zero() {
            let last_error = last_error.take();
            return Err(self.error(FailoverErrorKind::Deadline { limit, last_error }));
        }
        self.clock
            .sleep(self.pace.pause.max(SHORTEST_PAUSE).min(left))
            .await;
        Ok(())
    }

    fn error(&self, kind: FailoverErrorKind) -> FailoverError {
        FailoverError {
            endpoint: self.cluster.endpoint().to_owned(),
            kind,
        }
    }
}
