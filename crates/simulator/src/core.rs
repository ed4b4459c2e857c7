//! What all services share: the clock, the queue of events, endpoints, sessions, the log of calls, the faults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call_log::CallLog;
use crate::chronicle::{Chronicle, Happening};
use crate::endpoint::{Endpoint, EndpointKind, Sessions, site_of};
use crate::event::Event;
use crate::fault::{CallSeen, Faults, Loss, Verdict};
use crate::random::Random;
use crate::saved::Name;

/// 2026-01-01T00:00:00Z in milliseconds since 1970: the wall time at which every world starts.
pub const WORLD_EPOCH_MS: i64 = 1_767_225_600_000;

/// The shared part of the world.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Core {
    /// The seed of everything that is drawn.
    pub(crate) seed: u64,
    /// The addresses by name.
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    /// The open sessions.
    pub(crate) sessions: Sessions,
    /// The log of calls.
    pub(crate) calls: CallLog,
    /// The fault rules.
    pub(crate) faults: Faults,
    /// What has happened.
    pub(crate) chronicle: Chronicle,
    pub(crate) now_ms: i64,
    /// How long work takes, in percent of the usual times.
    pub(crate) work_percent: i64,
    #[serde(with = "crate::saved::pairs")]
    queue: BTreeMap<(i64, u64), Event>,
    queued: u64,
    #[serde(with = "crate::saved::pairs")]
    draws: BTreeMap<(Name, String), u64>,
}

impl Core {
    /// An empty world at time zero.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            endpoints: BTreeMap::new(),
            sessions: Sessions::default(),
            calls: CallLog::default(),
            faults: Faults::default(),
            chronicle: Chronicle::default(),
            now_ms: 0,
            work_percent: 100,
            queue: BTreeMap::new(),
            queued: 0,
            draws: BTreeMap::new(),
        }
    }

    /// Adds an endpoint.
    pub(crate) fn add_endpoint(&mut self, kind: EndpointKind, name: &str, user: &str) {
        self.endpoints
            .insert(name.to_owned(), Endpoint::new(self.seed, kind, name, user));
    }

    /// Adds a further address of an endpoint, with the same clock and the same users.
    pub(crate) fn add_address(&mut self, of: &str, name: &str) {
        if let Some(endpoint) = self.endpoints.get(of) {
            let mut address = endpoint.clone();
            name.clone_into(&mut address.name);
            self.endpoints.insert(name.to_owned(), address);
        }
    }

    /// World time in milliseconds since the start of the world.
    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Has an event happen after a delay; events of one moment happen in the order in which they were queued.
    pub(crate) fn schedule_in(&mut self, delay_ms: i64, event: Event) {
        self.queued += 1;
        self.queue
            .insert((self.now_ms.saturating_add(delay_ms.max(0)), self.queued), event);
    }

    /// World time of the next event.
    pub(crate) fn next_at_ms(&self) -> Option<i64> {
        self.queue.keys().next().map(|(at_ms, _)| *at_ms)
    }

    /// Takes the next event that is due at `until_ms` and sets the clock to its time.
    pub(crate) fn next_due(&mut self, until_ms: i64) -> Option<Event> {
        let entry = self.queue.first_entry()?;
        let (at_ms, _) = *entry.key();
        if at_ms > until_ms {
            return None;
        }
        let event = entry.remove();
        self.now_ms = self.now_ms.max(at_ms);
        Some(event)
    }

    /// A point of world time as the clock of an endpoint shows it, in milliseconds since 1970.
    pub(crate) fn server_ms(&self, endpoint: &str, world_ms: i64) -> i64 {
        let skew_ms = self
            .endpoints
            .get(endpoint)
            .map_or(0, |endpoint| endpoint.skew_ms);
        WORLD_EPOCH_MS.saturating_add(world_ms).saturating_add(skew_ms)
    }

    /// A point of world time as the clock of an endpoint shows it.
    pub(crate) fn server_time(&self, endpoint: &str, world_ms: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.server_ms(endpoint, world_ms)).unwrap_or(jiff::Timestamp::MAX)
    }

    /// How long a piece of work takes, in milliseconds from the range given: drawn for the kind of work, the object and
    /// how often it was done there before. Nothing takes no time at all.
    pub(crate) fn work_ms(
        &mut self,
        kind: &'static str,
        object: &str,
        range_ms: std::ops::Range<i64>,
    ) -> i64 {
        let usual_ms = self.random(kind, object).between(range_ms.start, range_ms.end);
        if self.work_percent == 100 {
            return usual_ms;
        }
        (usual_ms.saturating_mul(self.work_percent) / 100).max(1)
    }

    /// An id that has not been given out before.
    pub(crate) fn uuid(&mut self, kind: &'static str) -> String {
        self.random(kind, "").uuid()
    }

    /// A stream for a kind of draw and an object; another one each time.
    pub(crate) fn random(&mut self, kind: &'static str, object: &str) -> Random {
        let drawn = self.draws.entry((Name(kind), object.to_owned())).or_default();
        *drawn += 1;
        Random::keyed(self.seed, &[kind, object, &drawn.to_string()])
    }

    /// Whether an endpoint exists and can be reached.
    pub(crate) fn is_reachable(&self, endpoint: &str) -> bool {
        self.endpoints
            .get(endpoint)
            .is_some_and(|endpoint| endpoint.reachable)
    }

    /// Tells the chronicle of something that happens at this moment.
    pub(crate) fn note(&mut self, what: Happening) {
        self.chronicle.note(self.now_ms, what);
    }

    /// Tells the chronicle of remote work that begins or ends at this moment.
    pub(crate) fn note_task(&mut self, endpoint: &str, id: &str, work: String, state: &'static str) {
        self.note(Happening::Task {
            endpoint: endpoint.to_owned(),
            task: id.to_owned(),
            work,
            state,
        });
    }

    /// What becomes of a call by the fault rules.
    pub(crate) fn judge(&mut self, call: CallSeen<'_>) -> Option<Verdict> {
        let mut faults = std::mem::take(&mut self.faults);
        let verdict = faults.judge(call, |fault| {
            let objects = call.objects.join(" ");
            let key = format!("{} {} {} {objects}", fault.id, call.endpoint, call.operation);
            self.random("fault", &key).between(0, 1_000_000)
        });
        self.faults = faults;
        verdict
    }

    /// Whether the storage of the site of an endpoint is full.
    pub(crate) fn is_full(&self, endpoint: &str) -> bool {
        self.faults.is_full(site_of(endpoint))
    }

    /// An endpoint is lost with its site in some way, or its site is back.
    pub(crate) fn set_lost(&mut self, endpoint: &str, lost: Option<Loss>) {
        let now_ms = self.now_ms;
        if let Some(endpoint) = self.endpoints.get_mut(endpoint) {
            endpoint.lost_with_site = lost;
            endpoint.settle_reach(now_ms);
        }
    }

    /// Loses an endpoint by hand, or gives it back; `false` if there is none of that name. It is reached when its site is
    /// not lost, either.
    pub(crate) fn set_reachable(&mut self, endpoint: &str, reachable: bool) -> bool {
        let now_ms = self.now_ms;
        let Some(endpoint) = self.endpoints.get_mut(endpoint) else {
            return false;
        };
        endpoint.lost_by_hand = !reachable;
        endpoint.settle_reach(now_ms);
        true
    }

    /// Closes all connections of an endpoint, which then does not listen for a while.
    pub(crate) fn cut_connections(&mut self, endpoint: &str, down_ms: i64) {
        let until_ms = self.now_ms.saturating_add(down_ms);
        if let Some(endpoint) = self.endpoints.get_mut(endpoint) {
            endpoint.connection_epoch += 1;
            endpoint.down_until_ms = endpoint.down_until_ms.max(until_ms);
        }
    }

    /// Closes all connections of an endpoint, which then does not listen until it is told to.
    pub(crate) fn stop_listening(&mut self, endpoint: &str) {
        self.cut_connections(endpoint, i64::MAX);
    }

    /// An endpoint listens again, whatever kept it from that.
    pub(crate) fn listen_again(&mut self, endpoint: &str) {
        let now_ms = self.now_ms;
        if let Some(endpoint) = self.endpoints.get_mut(endpoint) {
            endpoint.down_until_ms = endpoint.down_until_ms.min(now_ms);
        }
    }

    /// The shared part of the state.
    pub(crate) fn state(&self) -> Value {
        let endpoints = self.endpoints.values().map(|endpoint| {
            let mut shown = serde_json::to_value(endpoint).unwrap_or(Value::Null);
            if let Some(members) = shown.as_object_mut() {
                members.insert("sessions".to_owned(), json!(self.sessions.count(&endpoint.name)));
            }
            shown
        });
        json!({
            "now_ms": self.now_ms,
            "time": self.server_time("", self.now_ms).to_string(),
            "seed": self.seed,
            "pending_events": self.queue.len(),
            "endpoints": endpoints.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_the_same_time_whoever_is_asked_first() {
        let draw = |objects: [&str; 2]| {
            let mut core = Core::new(9);
            objects.map(|object| (object.to_owned(), core.work_ms("failover", object, 100..10_000)))
        };
        let [a, b] = draw(["a", "b"]);
        let [b_first, a_second] = draw(["b", "a"]);
        assert_eq!((&a, &b), (&a_second, &b_first));
        assert_ne!(a.1, b.1);
    }

    #[test]
    fn a_server_that_cut_its_connections_listens_again_later() {
        let mut core = Core::new(1);
        core.add_endpoint(EndpointKind::Vcenter, "vc-east", "op");
        core.cut_connections("vc-east", 500);
        let endpoint = &core.endpoints["vc-east"];
        assert_eq!(endpoint.connection_epoch, 1);
        assert!(!endpoint.listens(499) && endpoint.listens(500));
    }
}
