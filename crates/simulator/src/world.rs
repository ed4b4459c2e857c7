//! The world: all state of all services, its clock, and the one way in.
//!
//! # How to add a service
//!
//! A service is a module; `vcda` is the model.
//!
//! 1. State: a struct (`BTreeMap`s, no clock, no randomness of its own) as a field of [`World`], filled by
//!    `WorldSpec::build` in `spec.rs`. Services may share a struct: a vCenter's hosts, groups and cluster belong together.
//! 2. Requests: a unit struct that implements `Service` (`service.rs`), listed in `SERVICES` below. Services of one kind
//!    of endpoint are asked in that order; the last one of a kind must answer every path in its own form. `route` only
//!    reads: it names the operation (operation id of the API document), its purpose, and *every* object of a batch.
//!    `handle` checks the session, then the request (unknown members and wrong types are refused in the service's own
//!    form), then the state, and only then changes anything. An operation that is not simulated is routed under its own
//!    name and answered with an error that says so.
//! 3. Log of calls: the world counts attempts, and refused or accepted by the answer's status. The service adds what only
//!    it knows: `calls.hold(ticket)` when work goes on after the answer, `calls.effect(ticket, now)` when state really
//!    changed because of the call, `calls.settle(ticket, now)` when that work ended, `calls.refuse(ticket, now)` for one
//!    object of a batch that is refused although the call is answered with success.
//! 4. Time: work is an event. `core.work_ms(kind, object, range)` says how long it takes, `core.schedule_in(ms, event)`
//!    queues it; add a variant to `Event` (`event.rs`) and an arm to `World::happen`, which is the only place where time
//!    changes state. Times that a server shows go through `core.server_time` or `core.server_ms`, which add the skew of
//!    its clock.
//! 5. Sessions: `core.sessions` keeps tokens with their limits; header names and error forms are the service's.
//!    `core.cut_connections` closes connections and keeps an endpoint from listening for a while.
//! 6. A row per behaviour in COVERAGE.md, with its source or "our assumption".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call_log::{CallLog, Purpose, Ticket};
use crate::chronicle::{Chronicle, Happening};
use crate::core::Core;
use crate::endpoint::{Endpoint, EndpointKind};
use crate::event::Event;
use crate::exchange::{Answer, Handled, Reply, Request};
use crate::fault::{CallSeen, FaultAction, Faults, FaultsMut, Verdict};
use crate::inventory::Inventory;
use crate::service::{Incoming, Route, Service};
use crate::watch::Watched;
use crate::{dpu, fault, pbm, recording, sms, vcda, vcha, vi_json, vm};

static SERVICES: &[&dyn Service] = &[
    &vcda::VcdaService,
    &sms::SmsService,
    &pbm::PbmService,
    &vi_json::ViJsonService,
    &vcha::RestService,
];

/// A request whose answer comes when something has changed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Parked {
    pub(crate) endpoint: String,
    /// The connections of the endpoint when it came; it is cut with them.
    pub(crate) epoch: u64,
    pub(crate) token: String,
    pub(crate) collector: String,
    /// How often somebody had waited at the collector then.
    pub(crate) waits: u64,
    /// How many objects the answer may tell of.
    pub(crate) most: Option<usize>,
    /// When its time is up, if ever.
    pub(crate) until_ms: Option<i64>,
    /// After how many bytes its answer is cut, if a fault rule says so.
    pub(crate) cut_after: Option<usize>,
    /// The changes up to which it has been looked at.
    pub(crate) seen: Option<(u64, u64)>,
}

impl std::fmt::Debug for Parked {
    /// The token is a credential and is left out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parked")
            .field("collector", &self.collector)
            .finish_non_exhaustive()
    }
}

/// The requests whose answers are still to come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Waits {
    parked: BTreeMap<u64, Parked>,
    made: u64,
    /// The one that was parked by the call that is handled at this moment.
    last: Option<u64>,
}

/// What became of a request whose answer was still to come.
#[derive(Debug, Clone, PartialEq)]
pub enum Resumed {
    /// This.
    Reply(Reply),
    /// Nothing yet. It is to be asked for again when something else was called, and after this time at the latest.
    Later {
        /// Milliseconds of world time; `None` if nothing happens by itself.
        at_most_ms: Option<i64>,
    },
}

/// Who hears a request.
enum Heard {
    /// An endpoint of this kind.
    By(EndpointKind),
    /// Nobody; the caller is told.
    Nowhere,
    /// Nobody, and the caller is not told.
    Dropped,
}

/// What becomes of a connection that is opened.
#[cfg(feature = "serve")]
pub(crate) enum Connected {
    /// It is open; the endpoint's epoch.
    To(u64),
    /// Nobody will ever say anything; the endpoint's epoch.
    Nowhere(u64),
    /// Nobody listens.
    Refused,
}

/// All state of all services, and their clock. Time passes only in [`World::advance_to`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    pub(crate) core: Core,
    pub(crate) vcda: vcda::Vcda,
    pub(crate) sms: sms::Sms,
    pub(crate) pbm: pbm::Pbm,
    pub(crate) hosts: dpu::Hosts,
    pub(crate) vcha: vcha::Vcha,
    pub(crate) vi_json: vi_json::ViJson,
    pub(crate) inventory: Inventory,
    pub(crate) waits: Waits,
    pub(crate) vms: vm::Vms,
    #[serde(skip)]
    pub(crate) watched: Watched,
}

impl World {
    /// World time in milliseconds since the start of the world.
    pub fn now_ms(&self) -> i64 {
        self.core.now_ms
    }

    /// Lets time pass until `now_ms`; everything that is due happens, in order. Going back in time does nothing.
    pub fn advance_to(&mut self, now_ms: i64) {
        while let Some(event) = self.core.next_due(now_ms) {
            self.happen(event);
        }
        self.core.now_ms = self.core.now_ms.max(now_ms);
        self.observe_if_due();
    }

    fn happen(&mut self, event: Event) {
        let shakes = matches!(event, Event::Vcha(_) | Event::Dpu(_) | Event::Fault(_));
        match event {
            Event::Vcda(event) => vcda::happen(self, event),
            Event::Sms(event) => sms::happen(self, event),
            Event::Vcha(event) => vcha::happen(self, event),
            Event::Dpu(event) => dpu::happen(self, event),
            Event::Task(event) => vi_json::task::happen(self, event),
            Event::Vm(event) => vm::happen(self, event),
            Event::Fault(event) => fault::happen(self, event),
        }
        if shakes {
            self.observe();
        }
    }

    /// Handles a request that arrives at an endpoint at this moment.
    pub fn handle(&mut self, endpoint: &str, request: &Request) -> Handled {
        let kind = match self.hear(endpoint) {
            Heard::By(kind) => kind,
            Heard::Nowhere if self.has_proxy(endpoint) => {
                return Handled::at_once(Reply::Answer(self.dated(endpoint, Answer::page(503))));
            }
            Heard::Nowhere => return Handled::at_once(Reply::Unreachable),
            Heard::Dropped => return Handled::at_once(Reply::Dropped),
        };
        match self.vcha.home_of(endpoint).map(str::to_owned) {
            Some(home) => self.answer(&home, kind, request),
            None => self.answer(endpoint, kind, request),
        }
    }

    fn answer(&mut self, endpoint: &str, kind: EndpointKind, request: &Request) -> Handled {
        let Some((service, route)) = self.route(kind, endpoint, request) else {
            return Handled::at_once(Reply::Answer(Answer::empty(404)));
        };
        let verdict = self.core.judge(CallSeen {
            now_ms: self.core.now_ms,
            service: service.name(),
            endpoint,
            operation: route.operation,
            objects: &route.objects,
        });
        let acts = route.purpose == Purpose::Action;
        let hit = verdict.is_some();
        let incoming = self.arrive(endpoint, route, request);
        let refused = |verdict: &Verdict| matches!(verdict.action, FaultAction::Refuse { .. });
        let own = !verdict.as_ref().is_some_and(refused);
        let (reply, delay_ms) = self.serve(service, &incoming, verdict);
        if acts {
            self.core.note(called(&incoming, &reply));
        }
        if acts || hit {
            self.observe();
        }
        let reply = match reply {
            Reply::Answer(answer) => Reply::Answer(self.dated(endpoint, service.formed(self, answer))),
            Reply::Part(answer, bytes) => {
                Reply::Part(self.dated(endpoint, service.formed(self, answer)), bytes)
            }
            Reply::Cut | Reply::Silence | Reply::Parked(_) | Reply::Unreachable | Reply::Dropped => reply,
        };
        if let (true, Reply::Answer(answer) | Reply::Part(answer, _)) = (own, &reply) {
            recording::write(endpoint, incoming.operation, &self.form(), request, answer);
        }
        Handled { reply, delay_ms }
    }

    /// The switches that make answers other than the documents show, for recordings; empty if none is on.
    pub(crate) fn form(&self) -> String {
        let forms = [self.vi_json.form(), self.sms.form().to_owned()];
        let on: Vec<&str> = forms
            .iter()
            .map(String::as_str)
            .filter(|form| !form.is_empty())
            .collect();
        on.join("+")
    }

    /// A connection to an endpoint is opened.
    #[cfg(feature = "serve")]
    pub(crate) fn connect(&mut self, endpoint: &str) -> Connected {
        let has_proxy = self.has_proxy(endpoint);
        match (self.hear(endpoint), self.core.endpoints.get_mut(endpoint)) {
            (Heard::Nowhere, Some(endpoint)) if has_proxy => Connected::To(endpoint.connection_epoch),
            (Heard::By(_), Some(endpoint)) => {
                endpoint.connections += 1;
                Connected::To(endpoint.connection_epoch)
            }
            (Heard::Dropped, Some(endpoint)) => Connected::Nowhere(endpoint.connection_epoch),
            (Heard::By(_) | Heard::Nowhere | Heard::Dropped, _) => Connected::Refused,
        }
    }

    fn hear(&mut self, endpoint: &str) -> Heard {
        let now_ms = self.core.now_ms;
        let home = self.vcha.home_of(endpoint).unwrap_or(endpoint);
        let serves = self.vcha.answers_at(endpoint) && self.core.is_reachable(home);
        let Some(endpoint) = self.core.endpoints.get_mut(endpoint) else {
            return Heard::Nowhere;
        };
        if serves && endpoint.listens(now_ms) {
            return Heard::By(endpoint.kind);
        }
        endpoint.unheard += 1;
        if endpoint.is_silent() {
            Heard::Dropped
        } else {
            Heard::Nowhere
        }
    }

    /// Whether a proxy answers in the place of a vCenter that can be reached and does not listen.
    fn has_proxy(&self, endpoint: &str) -> bool {
        let home = self.vcha.home_of(endpoint).unwrap_or(endpoint);
        let known = self.core.endpoints.get(endpoint);
        self.vcha.has_proxy()
            && self.core.is_reachable(home)
            && known.is_some_and(|endpoint| endpoint.kind == EndpointKind::Vcenter)
    }

    fn route(
        &self,
        kind: EndpointKind,
        endpoint: &str,
        request: &Request,
    ) -> Option<(&'static dyn Service, Route)> {
        let services = SERVICES.iter().filter(|service| service.name().kind() == kind);
        services
            .copied()
            .find_map(|service| Some((service, service.route(self, endpoint, request)?)))
    }

    fn arrive<'a>(&mut self, endpoint: &'a str, route: Route, request: &'a Request) -> Incoming<'a> {
        let Route {
            operation,
            purpose,
            objects,
            params,
        } = route;
        let now_ms = self.core.now_ms;
        let calls = &mut self.core.calls;
        let mut objects = objects.into_iter();
        let first = objects.next().unwrap_or_default();
        let ticket = calls.arrive(now_ms, endpoint, operation, purpose, &first);
        let mut tickets = vec![(first, ticket)];
        for object in objects {
            let ticket = calls.arrive(now_ms, endpoint, operation, purpose, &object);
            tickets.push((object, ticket));
        }
        Incoming {
            endpoint,
            operation,
            params,
            request,
            ticket,
            tickets,
        }
    }

    /// The service acts.
    pub(crate) fn act(&mut self, service: &'static dyn Service, incoming: &Incoming<'_>) -> Reply {
        self.waits.last = None;
        let answer = service.handle(self, incoming);
        self.conclude(incoming, answer.is_success());
        self.waits
            .last
            .take()
            .map_or(Reply::Answer(answer), Reply::Parked)
    }

    /// Puts a request aside until something changes.
    pub(crate) fn park(&mut self, parked: Parked) {
        self.waits.made += 1;
        self.waits.parked.insert(self.waits.made, parked);
        self.waits.last = Some(self.waits.made);
    }

    /// The answer of a request that was parked is cut after so many bytes of its body.
    pub(crate) fn cut_parked(&mut self, request: u64, bytes: usize) {
        if let Some(parked) = self.waits.parked.get_mut(&request) {
            parked.cut_after = Some(bytes);
        }
    }

    /// Goes on in the place of another world, whose clients are still there: all connections are closed, and nobody waits for an
    /// answer any more. Those who watch are told, in the numbers that they know.
    #[cfg(feature = "serve")]
    pub(crate) fn follow(&mut self, former: &Self) {
        self.waits.parked.clear();
        self.waits.made = self.waits.made.max(former.waits.made);
        for endpoint in self.core.endpoints.values_mut() {
            let before = former.core.endpoints.get(&endpoint.name);
            let before = before.map_or(0, |before| before.connection_epoch);
            endpoint.connection_epoch = endpoint.connection_epoch.max(before) + 1;
        }
        self.core.chronicle.clone_from(&former.core.chronicle);
        self.core.note(Happening::World { state: "loaded" });
        self.observe();
    }

    /// Asks for the answer of a request that was parked; afterwards it is forgotten.
    pub fn resume(&mut self, request: u64) -> Resumed {
        let Some(mut parked) = self.waits.parked.remove(&request) else {
            return Resumed::Reply(Reply::Cut);
        };
        let endpoint = self.core.endpoints.get(&parked.endpoint);
        let Some(endpoint) = endpoint.filter(|endpoint| endpoint.connection_epoch == parked.epoch) else {
            return Resumed::Reply(Reply::Cut);
        };
        // Nothing gets through, and nothing is taken for told.
        let answer = if endpoint.is_silent() {
            None
        } else {
            vi_json::collector::wait::resume(self, &mut parked)
        };
        if let Some(answer) = answer {
            let answer = self.dated(&parked.endpoint, self.vi_json.formed(answer));
            let (operation, asked) = vi_json::collector::wait::asked(&parked);
            recording::write(&parked.endpoint, operation, &self.form(), &asked, &answer);
            return Resumed::Reply(match parked.cut_after {
                Some(bytes) => fault::part(answer, bytes),
                None => Reply::Answer(answer),
            });
        }
        let next_ms = [parked.until_ms, self.core.next_at_ms()]
            .into_iter()
            .flatten()
            .min();
        self.waits.parked.insert(request, parked);
        let left_ms = next_ms.map(|next_ms| (next_ms - self.core.now_ms).max(0));
        Resumed::Later { at_most_ms: left_ms }
    }

    /// Nobody asks any more for the answer of a request that was parked.
    pub fn abandon(&mut self, request: u64) {
        self.waits.parked.remove(&request);
    }

    /// Counts a call as accepted or refused, unless it was answered for some of its objects before.
    pub(crate) fn conclude(&mut self, incoming: &Incoming<'_>, accepted: bool) {
        let now_ms = self.core.now_ms;
        for ticket in all_tickets(incoming) {
            if accepted {
                self.core.calls.accept(ticket, now_ms);
            } else {
                self.core.calls.refuse(ticket, now_ms);
            }
        }
    }

    /// Adds the `Date` of the server's own clock, by which a client can learn how far it is from its own.
    pub(crate) fn dated(&self, endpoint: &str, answer: Answer) -> Answer {
        let time = self.core.server_time(endpoint, self.core.now_ms);
        answer.header("date", &time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }

    /// The whole state as JSON, without credentials.
    pub fn state(&self) -> Value {
        let mut state = match self.core.state() {
            Value::Object(members) => members,
            other => Map::from_iter([("core".to_owned(), other)]),
        };
        for service in SERVICES {
            let (name, part) = service.state(self);
            state.insert(name.to_owned(), part);
        }
        state.insert("vms".to_owned(), self.vms.state());
        Value::Object(state)
    }

    /// The log of calls.
    pub fn calls(&self) -> &CallLog {
        &self.core.calls
    }

    /// What has happened.
    pub fn chronicle(&self) -> &Chronicle {
        &self.core.chronicle
    }

    /// The fault rules.
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// The fault rules, to add or remove some where a rule that makes no sense is a mistake of the caller's; see
    /// [`FaultsMut::add`].
    pub fn faults_mut(&mut self) -> FaultsMut<'_> {
        FaultsMut::of(self)
    }

    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.core.endpoints.get(name)
    }

    /// The endpoint of which this is a further address, at which it serves while another node of its vCenter is active.
    pub fn home_of(&self, endpoint: &str) -> Option<&str> {
        self.vcha.home_of(endpoint)
    }

    /// The sites at which the endpoints stand, by name.
    pub fn sites(&self) -> std::collections::BTreeSet<String> {
        let sites = self.endpoints().map(|endpoint| endpoint.site().to_owned());
        sites.collect()
    }

    /// All endpoints, by name.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.core.endpoints.values()
    }

    /// Loses an endpoint by hand (for clients and for peer sites), or gives it back; `false` if there is none of that name. An
    /// endpoint that is given back stays lost as long as a rule has lost its site.
    pub fn set_reachable(&mut self, endpoint: &str, reachable: bool) -> bool {
        let known = self.core.set_reachable(endpoint, reachable);
        self.observe();
        known
    }

    /// The state of VMware Cloud Director Availability.
    pub fn vcda(&self) -> &vcda::Vcda {
        &self.vcda
    }

    /// The state of VMware Cloud Director Availability, to change what the sites remember.
    pub fn vcda_mut(&mut self) -> &mut vcda::Vcda {
        &mut self.vcda
    }

    /// Somebody approves the prompt at which the run of a recovery plan waits; `false` if it does not. How a client does it
    /// is not documented.
    pub fn approve_prompt(&mut self, plan: &str) -> bool {
        vcda::approve(self, plan)
    }

    /// The VASA providers and replication groups of both vCenters.
    pub fn sms(&self) -> &sms::Sms {
        &self.sms
    }

    /// The VASA providers and replication groups, to change what is wrong with them.
    pub fn sms_mut(&mut self) -> &mut sms::Sms {
        &mut self.sms
    }

    /// The storage profiles of both vCenters.
    pub fn pbm(&self) -> &pbm::Pbm {
        &self.pbm
    }

    /// Somebody at the array does something with a group, at once and without a call; `false` if there is none of that name,
    /// or its state does not allow it.
    pub fn act_on_group(&mut self, group: &str, verb: sms::Verb) -> bool {
        sms::by_hand(self, group, verb)
    }

    /// The hosts and distributed switches of both vCenters.
    pub fn hosts(&self) -> &dpu::Hosts {
        &self.hosts
    }

    /// The hosts, to change what is wrong with them.
    pub fn hosts_mut(&mut self) -> &mut dpu::Hosts {
        &mut self.hosts
    }

    /// The virtual machines of both vCenters.
    pub fn vms(&self) -> &vm::Vms {
        &self.vms
    }

    /// The virtual machines, to change what is wrong with them.
    pub fn vms_mut(&mut self) -> &mut vm::Vms {
        &mut self.vms
    }

    /// The vCenter HA clusters.
    pub fn vcha(&self) -> &vcha::Vcha {
        &self.vcha
    }

    /// The vCenter HA clusters, to change what is wrong with them.
    pub fn vcha_mut(&mut self) -> &mut vcha::Vcha {
        &mut self.vcha
    }

    /// How many sessions an endpoint holds, dead ones that nobody has used since included.
    pub fn sessions(&self, endpoint: &str) -> usize {
        self.core.sessions.count(endpoint)
    }

    /// Ends all sessions of an endpoint.
    pub fn end_sessions(&mut self, endpoint: &str) {
        self.core.sessions.end_all(endpoint);
    }

    /// Closes all connections of an endpoint, which then does not listen for a while, in milliseconds. Its sessions and its
    /// work go on.
    pub fn stop_listening(&mut self, endpoint: &str, ms: u32) {
        self.core.cut_connections(endpoint, i64::from(ms));
        self.observe();
    }

    /// A vCenter begins work of its own, as its tasks show it, and gives the id of the task: `task-7`. The task can be
    /// cancelled; unless it is, it ends after this time with this result or this fault, both as the wire has them.
    pub fn run_task(&mut self, vcenter: &str, work_ms: u32, outcome: Result<Option<Value>, Value>) -> String {
        let outcome = outcome.map_err(|fault| vi_json::fault::Fault::given(&fault));
        vi_json::task::run(self, vcenter, i64::from(work_ms), outcome)
    }

    /// A vCenter forgets a task.
    pub fn forget_task(&mut self, vcenter: &str, task: &str) {
        vi_json::task::forget(self, vcenter, Some(task));
    }

    /// A vCenter starts anew: its connections are cut, nobody answers for a while, its sessions and tasks are gone.
    pub fn restart_vcenter(&mut self, vcenter: &str, outage_ms: u32) {
        vcha::restart(self, vcenter, i64::from(outage_ms));
        self.observe();
    }

    /// The nodes of a vCenter HA cluster stop reaching one another, or reach one another again. In mode `ENABLED` the vCenter
    /// is silent meanwhile, in the others it goes on. `false` if there is no cluster.
    pub fn isolate_cluster(&mut self, vcenter: &str, isolated: bool) -> bool {
        let known = vcha::isolate(self, vcenter, isolated);
        self.observe();
        known
    }

    /// The active node of a vCenter dies. A vCenter HA cluster that is enabled and healthy switches over by itself, and
    /// the answer is `true`; otherwise the same node comes back.
    pub fn lose_active_node(&mut self, vcenter: &str) -> bool {
        let takes_over = vcha::lose_active_node(self, vcenter);
        self.observe();
        takes_over
    }
}

/// A call with what its caller sees, for the chronicle.
fn called(incoming: &Incoming<'_>, reply: &Reply) -> Happening {
    let outcome = match reply {
        Reply::Answer(answer) if answer.is_success() => "accepted",
        Reply::Answer(_) => "refused",
        Reply::Part(..) => "cut",
        Reply::Cut | Reply::Unreachable => "closed",
        Reply::Silence | Reply::Dropped | Reply::Parked(_) => "silent",
    };
    let first = incoming.tickets.first();
    Happening::Call {
        endpoint: incoming.endpoint.to_owned(),
        operation: incoming.operation,
        object: first.map(|(object, _)| object.clone()).unwrap_or_default(),
        objects: incoming.tickets.len(),
        outcome,
    }
}

/// The attempts of a call, one for each of its objects.
pub(crate) fn all_tickets(incoming: &Incoming<'_>) -> impl Iterator<Item = Ticket> {
    incoming.tickets.iter().map(|(_, ticket)| *ticket)
}
