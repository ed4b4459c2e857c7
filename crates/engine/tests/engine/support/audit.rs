//! The rules of a history, checked from the records alone: an own small fold that knows nothing of the engine's state.

use std::collections::{BTreeMap, BTreeSet};

use farside_engine::{
    Action, ActionRef, BatchKey, CallId, EndpointId, Item, ItemId, OutcomeResult, Record, ResolvedPlan,
    Timestamp,
};

#[derive(Clone, Debug, Default)]
struct Progress {
    is_started: bool,
    is_ready: bool,
    call: Option<CallId>,
    result: Option<OutcomeResult>,
}

/// What the records said so far.
#[derive(Debug)]
pub(crate) struct Audit {
    plan: ResolvedPlan,
    actions: BTreeMap<ActionRef, Progress>,
    skipped: BTreeSet<ItemId>,
    open: BTreeMap<CallId, BTreeSet<ActionRef>>,
    intended: BTreeSet<CallId>,
    limits: BTreeMap<BatchKey, u32>,
    is_aborting: bool,
    is_stopped: bool,
    has_ended: bool,
    last: Timestamp,
}

impl Audit {
    pub(crate) fn of(plan: &ResolvedPlan) -> Self {
        Self {
            plan: plan.clone(),
            actions: BTreeMap::new(),
            skipped: BTreeSet::new(),
            open: BTreeMap::new(),
            intended: BTreeSet::new(),
            limits: BTreeMap::new(),
            is_aborting: false,
            is_stopped: false,
            has_ended: false,
            last: Timestamp(0),
        }
    }

    pub(crate) fn of_history<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut records = records.into_iter();
        let Some(Record::RunStarted { plan, .. }) = records.next() else {
            panic!("a history begins with its start");
        };
        let mut audit = Self::of(plan);
        for record in records {
            audit.check(record);
        }
        audit
    }

    pub(crate) fn has_intended(&self, call: CallId) -> bool {
        self.intended.contains(&call)
    }

    /// Checks that the record may follow on those before it.
    pub(crate) fn check(&mut self, record: &Record) {
        assert!(!self.has_ended, "{record:?} after the end");
        assert!(
            record.at() >= self.last,
            "{record:?} is earlier than what it follows"
        );
        self.last = record.at();
        match record {
            Record::RunStarted { .. } => panic!("a second start"),
            Record::RunOpened { .. } => {
                self.is_stopped = false;
                for progress in self.actions.values_mut() {
                    progress.is_ready = false;
                }
            }
            Record::RunStopped { .. } => self.is_stopped = true,
            Record::AbortRequested { .. } => self.is_aborting = true,
            Record::SettleCut { .. } | Record::LookDeferred { .. } => {}
            Record::ActionStarted { action, .. } => self.started(action),
            Record::ActionReady { action, .. } => {
                let progress = self.under_way(action);
                assert!(progress.call.is_none(), "{action} is ready inside a call");
                progress.is_ready = true;
            }
            Record::LimitLearned { batch, limit, .. } => {
                let known = self.limits.insert(batch.clone(), *limit);
                assert!(
                    *limit > 0 && known.is_none_or(|known| *limit < known),
                    "{record:?}"
                );
            }
            Record::CallIntended { call, members, .. } => self.intended(*call, members),
            Record::CallAccepted { call, .. } | Record::CallLost { call, .. } => {
                assert!(
                    self.open.contains_key(call),
                    "{record:?} about a call that is not open"
                );
            }
            Record::CallAdopted { call, action, .. } => {
                self.leave(action);
                self.enter(*call, std::slice::from_ref(action));
            }
            Record::ActionPutBack { action, .. } => {
                assert!(
                    self.under_way(action).call.is_some(),
                    "{action} is put back from nothing"
                );
                self.leave(action);
            }
            Record::ActionUnsettled { action, .. } => {
                assert!(self.under_way(action).call.is_some(), "{action} is in no call");
            }
            Record::ActionEnded { action, outcome, .. } => {
                assert!(
                    outcome.result == OutcomeResult::Done || outcome.note.is_some(),
                    "{action} fails without a reason"
                );
                self.leave(action);
                self.under_way(action).result = Some(outcome.result);
            }
            Record::ItemSkipped { item, .. } => {
                assert!(
                    !self.open.values().flatten().any(|open| open.item == *item),
                    "{record:?} with an open call"
                );
                assert!(self.skipped.insert(item.clone()), "{record:?} twice");
            }
            Record::RunEnded { .. } => {
                assert!(
                    self.plan.items.iter().all(|item| self.is_over(item)),
                    "an end before the end"
                );
                self.has_ended = true;
            }
        }
    }

    fn started(&mut self, action: &ActionRef) {
        assert!(
            !self.is_aborting && !self.is_stopped,
            "{action} starts after an abort or a stop"
        );
        let item = self.item(&action.item).clone();
        assert!(!self.is_over(&item), "{action} starts after the end of its item");
        let before = (0..action.action).map(|action| ActionRef {
            item: item.id.clone(),
            action,
        });
        for before in before {
            let result = self.actions.get(&before).and_then(|progress| progress.result);
            assert_eq!(
                result,
                Some(OutcomeResult::Done),
                "{action} starts before {before} is done"
            );
        }
        if action.action == 0 {
            self.check_turn(&item);
        }
        let progress = self.actions.entry(action.clone()).or_default();
        assert!(!progress.is_started, "{action} starts twice");
        progress.is_started = true;
    }

    /// Priorities, dependencies, and who has an endpoint to itself.
    fn check_turn(&self, item: &Item) {
        for other in &self.plan.items {
            assert!(
                other.priority >= item.priority || self.is_over(other),
                "{} starts before {}, which is of an earlier group",
                item.id,
                other.id
            );
            if item.depends_on.contains(&other.id) {
                let is_met = self.is_done(other) || other.skip.is_some() && self.skipped.contains(&other.id);
                assert!(is_met, "{} starts without {}", item.id, other.id);
            }
            if self.has_started(other) && !self.is_over(other) {
                let clash = item.exclusive_on.iter().find(|endpoint| touches(other, endpoint));
                let clash = clash.or(other.exclusive_on.iter().find(|endpoint| touches(item, endpoint)));
                assert_eq!(clash, None, "{} and {} clash", item.id, other.id);
            }
        }
    }

    fn intended(&mut self, call: CallId, members: &[ActionRef]) {
        assert!(
            !self.is_aborting && !self.is_stopped,
            "{call} is begun after an abort or a stop"
        );
        assert!(
            !members.is_empty() && self.intended.insert(call),
            "{call} is empty or intended twice"
        );
        for member in members {
            let progress = self.under_way(member);
            assert!(
                progress.is_ready && progress.call.is_none(),
                "{call} takes {member} too early"
            );
            progress.is_ready = false;
        }
        let batch = self.step(&members[0]).batch.clone();
        assert!(
            batch.is_some() || members.len() == 1,
            "{call} joins what goes alone"
        );
        assert!(
            members.iter().all(|member| self.step(member).batch == batch),
            "{call} mixes batch keys"
        );
        if let Some(limit) = batch.and_then(|batch| self.limits.get(&batch)) {
            assert!(members.len() <= *limit as usize, "{call} is larger than {limit}");
        }
        for endpoint in members.iter().flat_map(|member| &self.step(member).endpoints) {
            let Some(limit) = self.plan.limits.get(endpoint) else {
                continue;
            };
            let open = self
                .open
                .values()
                .filter(|members| self.call_touches(members, endpoint));
            assert!(
                open.count() < *limit as usize,
                "{call} is one too many at {endpoint}"
            );
        }
        self.enter(call, members);
    }

    fn enter(&mut self, call: CallId, members: &[ActionRef]) {
        for member in members {
            let progress = self.under_way(member);
            assert_eq!(progress.call, None, "{member} has two unsettled calls");
            progress.call = Some(call);
        }
        assert_eq!(
            self.open.insert(call, members.iter().cloned().collect()),
            None,
            "{call} twice"
        );
    }

    fn leave(&mut self, action: &ActionRef) {
        let progress = self.under_way(action);
        progress.is_ready = false;
        let Some(call) = progress.call.take() else { return };
        let members = self.open.get_mut(&call).unwrap();
        members.remove(action);
        if members.is_empty() {
            self.open.remove(&call);
        }
    }

    fn under_way(&mut self, action: &ActionRef) -> &mut Progress {
        assert!(!self.skipped.contains(&action.item), "{action} of a skipped item");
        let progress = self
            .actions
            .get_mut(action)
            .filter(|progress| progress.is_started && progress.result.is_none());
        progress.unwrap_or_else(|| panic!("{action} is not under way"))
    }

    fn item(&self, id: &ItemId) -> &Item {
        self.plan.items.iter().find(|item| item.id == *id).unwrap()
    }

    fn step(&self, action: &ActionRef) -> &Action {
        &self.item(&action.item).actions[action.action]
    }

    fn results(&self, item: &Item) -> Vec<Option<OutcomeResult>> {
        let actions = (0..item.actions.len()).map(|action| ActionRef {
            item: item.id.clone(),
            action,
        });
        actions
            .map(|action| self.actions.get(&action).and_then(|progress| progress.result))
            .collect()
    }

    fn is_done(&self, item: &Item) -> bool {
        !self.skipped.contains(&item.id)
            && self
                .results(item)
                .iter()
                .all(|result| *result == Some(OutcomeResult::Done))
    }

    fn is_over(&self, item: &Item) -> bool {
        let is_given_up = self
            .results(item)
            .iter()
            .any(|result| matches!(result, Some(OutcomeResult::Failed | OutcomeResult::Unknown)));
        self.skipped.contains(&item.id) || self.is_done(item) || is_given_up
    }

    fn has_started(&self, item: &Item) -> bool {
        self.actions.keys().any(|action| action.item == item.id)
    }

    fn call_touches(&self, members: &BTreeSet<ActionRef>, endpoint: &EndpointId) -> bool {
        members
            .iter()
            .any(|member| self.step(member).endpoints.contains(endpoint))
    }
}

fn touches(item: &Item, endpoint: &EndpointId) -> bool {
    let of_actions = item
        .actions
        .iter()
        .any(|action| action.endpoints.contains(endpoint));
    of_actions || item.exclusive_on.contains(endpoint)
}
