//! Who watches a run, and interferes with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use farside_engine::{Record, Run};
use farside_failover::driver::Observer;
use farside_journal::{CrashPoint, MemoryJournal};
use farside_simulator::Simulator;

/// Takes the witness away when the intent of the failover is written: too late for any look.
pub(crate) struct BreakAtIntent(pub(crate) Simulator);

impl Observer for BreakAtIntent {
    fn recorded(&mut self, _run: &Run, records: &[Record]) {
        if records
            .iter()
            .any(|record| matches!(record, Record::CallIntended { .. }))
        {
            assert!(self.0.world().vcha_mut().set_witness("vc-west", false));
        }
    }
}

/// Lets the active node die as soon as the first failover was taken.
pub(crate) struct DiesWhenAccepted(pub(crate) Option<Simulator>);

impl Observer for DiesWhenAccepted {
    fn recorded(&mut self, _run: &Run, records: &[Record]) {
        let accepted = |record: &Record| matches!(record, Record::CallAccepted { .. });
        if records.iter().any(accepted)
            && let Some(simulator) = self.0.take()
        {
            simulator.world().lose_active_node("vc-west");
        }
    }
}

/// Lets the cluster switch by itself when an action is put back to before its call; where there is a journal, the process dies
/// at its next write.
pub(crate) struct SwitchesWhenPutBack(pub(crate) Simulator, pub(crate) Option<MemoryJournal>);

impl Observer for SwitchesWhenPutBack {
    fn recorded(&mut self, _run: &Run, records: &[Record]) {
        if records
            .iter()
            .any(|record| matches!(record, Record::ActionPutBack { .. }))
        {
            assert!(self.0.world().lose_active_node("vc-west"));
            if let Some(journal) = &self.1 {
                journal.crash_at_write(journal.writes() + 1, CrashPoint::BeforeWrite);
            }
        }
    }
}

/// Notes why looks were put off.
#[derive(Clone, Default)]
pub(crate) struct Reasons(pub(crate) Arc<Mutex<Vec<String>>>);

impl Observer for Reasons {
    fn recorded(&mut self, _run: &Run, records: &[Record]) {
        for record in records {
            if let Record::LookDeferred { reason, .. } = record {
                self.0.lock().unwrap().push(reason.clone());
            }
        }
    }
}

/// Notes when each item's first action began and its last one ended.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<BTreeMap<String, (u64, u64)>>>);

impl Observer for Watch {
    fn recorded(&mut self, _run: &Run, records: &[Record]) {
        let mut spans = self.0.lock().unwrap();
        for record in records {
            match record {
                Record::ActionStarted { at, action } => {
                    spans.entry(action.item.to_string()).or_insert((at.0, u64::MAX));
                }
                Record::ActionEnded { at, action, .. } => {
                    spans.get_mut(action.item.as_str()).unwrap().1 = at.0;
                }
                _ => {}
            }
        }
    }
}

impl Watch {
    pub(crate) fn span(&self, item: &str) -> (u64, u64) {
        self.0.lock().unwrap()[item]
    }
}
