//! What becomes of a call that a rule hits.

use serde_json::Value;

use super::Verdict;
use super::action::FaultAction;
use crate::endpoint::Endpoint;
use crate::exchange::{Answer, Reply};
use crate::service::{Incoming, Service};
use crate::world::{World, all_tickets};

impl World {
    /// Has a service act, unless a rule says otherwise: what the caller sees, and how much later in milliseconds.
    pub(crate) fn serve(
        &mut self,
        service: &'static dyn Service,
        incoming: &Incoming<'_>,
        verdict: Option<Verdict>,
    ) -> (Reply, i64) {
        let Some(Verdict { fault, action }) = verdict else {
            return (self.act(service, incoming), 0);
        };
        let reply = match action {
            FaultAction::Delay { ms } => return (self.act(service, incoming), i64::from(ms)),
            FaultAction::DropAnswer => self.act_unheard(service, incoming, Reply::Cut),
            FaultAction::Silence { acted: true } => self.act_unheard(service, incoming, Reply::Silence),
            FaultAction::CutAnswer { after_bytes } => self.act_half_heard(service, incoming, after_bytes),
            FaultAction::Silence { acted: false } => self.lose(incoming, Reply::Silence),
            FaultAction::Cut => self.lose(incoming, Reply::Cut),
            FaultAction::Refuse {
                status,
                body,
                retry_after,
            } => {
                let answer = refusal(service, status, body, retry_after);
                self.conclude(incoming, answer.is_success());
                Reply::Answer(answer)
            }
            FaultAction::EndSessions => {
                self.core.sessions.end_all(incoming.endpoint);
                self.act(service, incoming)
            }
            FaultAction::EndExtensions => {
                self.core.sessions.end_extensions(incoming.endpoint);
                self.act(service, incoming)
            }
            FaultAction::SetReachable { endpoint, reachable } => {
                self.core.set_reachable(&endpoint, reachable);
                self.act_if_there(service, incoming)
            }
            FaultAction::RestartVcenter { endpoint, outage_ms } => {
                self.restart_vcenter(&endpoint, outage_ms);
                self.act_elsewhere(service, incoming, &endpoint)
            }
            FaultAction::LoseActiveNode { endpoint } => {
                self.lose_active_node(&endpoint);
                self.act_elsewhere(service, incoming, &endpoint)
            }
            FaultAction::LoseSite { .. } | FaultAction::FillDisk { .. } | FaultAction::FlapLink { .. } => {
                self.begin_condition(fault);
                self.act_if_there(service, incoming)
            }
        };
        (reply, 0)
    }

    /// Acts unless the call was made where a server went away just now.
    fn act_elsewhere(&mut self, service: &'static dyn Service, incoming: &Incoming<'_>, gone: &str) -> Reply {
        if gone == incoming.endpoint {
            self.lose(incoming, Reply::Cut)
        } else {
            self.act(service, incoming)
        }
    }

    /// Acts if the endpoint can be reached at this moment; else the call is lost on its way.
    fn act_if_there(&mut self, service: &'static dyn Service, incoming: &Incoming<'_>) -> Reply {
        let endpoint = self.core.endpoints.get(incoming.endpoint);
        if self.core.is_reachable(incoming.endpoint) {
            self.act(service, incoming)
        } else if endpoint.is_some_and(Endpoint::is_silent) {
            self.lose(incoming, Reply::Dropped)
        } else {
            self.lose(incoming, Reply::Cut)
        }
    }

    fn act_unheard(&mut self, service: &'static dyn Service, incoming: &Incoming<'_>, reply: Reply) -> Reply {
        let now_ms = self.core.now_ms;
        for ticket in all_tickets(incoming) {
            self.core.calls.drop_answer(ticket, now_ms);
        }
        self.act(service, incoming);
        reply
    }

    /// Acts; of the answer only a part arrives.
    fn act_half_heard(
        &mut self,
        service: &'static dyn Service,
        incoming: &Incoming<'_>,
        after_bytes: u32,
    ) -> Reply {
        let bytes = usize::try_from(after_bytes).unwrap_or(usize::MAX);
        let now_ms = self.core.now_ms;
        for ticket in all_tickets(incoming) {
            self.core.calls.drop_answer(ticket, now_ms);
        }
        match self.act(service, incoming) {
            Reply::Answer(answer) => part(answer, bytes),
            Reply::Parked(request) => {
                self.cut_parked(request, bytes);
                Reply::Parked(request)
            }
            reply @ (Reply::Cut | Reply::Silence | Reply::Part(..) | Reply::Unreachable | Reply::Dropped) => {
                reply
            }
        }
    }

    fn lose(&mut self, incoming: &Incoming<'_>, reply: Reply) -> Reply {
        let now_ms = self.core.now_ms;
        for ticket in all_tickets(incoming) {
            self.core.calls.lose(ticket, now_ms);
        }
        reply
    }
}

fn refusal(service: &dyn Service, status: u16, body: Option<Value>, retry_after: Option<u32>) -> Answer {
    let own = service.refusal(status);
    let media_type = own
        .header_text("content-type")
        .unwrap_or("application/json")
        .to_owned();
    let answer = body.map_or(own, |body| Answer::json(status, &media_type, &body));
    match retry_after {
        Some(seconds) => answer.header("retry-after", &seconds.to_string()),
        None => answer,
    }
}

/// What arrives of an answer that is cut: never all of its body. Without a body nothing does.
pub(crate) fn part(answer: Answer, bytes: usize) -> Reply {
    match answer.body.len().checked_sub(1) {
        Some(most) => Reply::Part(answer, bytes.min(most)),
        None => Reply::Cut,
    }
}
