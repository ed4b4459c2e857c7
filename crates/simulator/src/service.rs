//! The seam between the world and a service.

use std::fmt::{self, Debug};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call_log::{Purpose, Ticket};
use crate::endpoint::EndpointKind;
use crate::exchange::{Answer, Request};
use crate::world::World;

/// The name of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceName {
    /// VMware Cloud Director Availability.
    Vcda,
    /// VI JSON of a vCenter, but for its storage services.
    Vim,
    /// The storage monitoring service of a vCenter.
    Sms,
    /// The storage policies of a vCenter.
    Pbm,
    /// The REST services of a vCenter: sessions, vCenter HA, tasks.
    Vcha,
}

impl ServiceName {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Vcda, Self::Vim, Self::Sms, Self::Pbm, Self::Vcha];

    /// The kind of endpoint that offers it.
    pub(crate) fn kind(self) -> EndpointKind {
        match self {
            Self::Vcda => EndpointKind::Vcda,
            Self::Vim | Self::Sms | Self::Pbm | Self::Vcha => EndpointKind::Vcenter,
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vcda => "vcda",
            Self::Vim => "vim",
            Self::Sms => "sms",
            Self::Pbm => "pbm",
            Self::Vcha => "vcha",
        })
    }
}

/// One service of the world. It holds no state of its own: that is a field of [`World`], so that services which share
/// state (a vCenter's sessions, its hosts) need no channel between them.
pub(crate) trait Service: Debug + Sync {
    /// Its name.
    fn name(&self) -> ServiceName;

    /// What the request asks for; `None` if the path is not this service's. The last service of a kind answers every
    /// path, with its own form of "no such path".
    fn route(&self, world: &World, endpoint: &str, request: &Request) -> Option<Route>;

    /// Checks the session and the request, changes the world, and answers.
    fn handle(&self, world: &mut World, incoming: &Incoming<'_>) -> Answer;

    /// What the service makes of the form of its answers, whatever they say.
    fn formed(&self, _world: &World, answer: Answer) -> Answer {
        answer
    }

    /// An error in the service's own form that a fault rule asks for.
    fn refusal(&self, status: u16) -> Answer;

    /// The service's part of the state, by the name of that part.
    fn state(&self, world: &World) -> (&'static str, Value);
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The operation id of the API document.
    pub(crate) operation: &'static str,
    /// Whether it is meant to change its objects.
    pub(crate) purpose: Purpose,
    /// The objects it is about, one for each member of a batch, such as `groups/fd-b/rg-7`.
    pub(crate) objects: Vec<String>,
    /// The path parameters, decoded, in order.
    pub(crate) params: Vec<String>,
}

/// A request on its way to a service.
#[derive(Debug, Clone)]
pub(crate) struct Incoming<'a> {
    /// The endpoint it came to.
    pub(crate) endpoint: &'a str,
    /// The operation id of the API document.
    pub(crate) operation: &'static str,
    /// The path parameters, decoded, in order.
    pub(crate) params: Vec<String>,
    /// The request.
    pub(crate) request: &'a Request,
    /// The attempt, for work on one object.
    pub(crate) ticket: Ticket,
    /// The attempts by object, for a batch.
    pub(crate) tickets: Vec<(String, Ticket)>,
}

impl Incoming<'_> {
    /// The path parameter of this number; empty if the template has none there.
    pub(crate) fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }
}
