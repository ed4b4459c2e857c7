//! The pure core of a recovery run: what may happen next, and what has happened.
//!
//! A [`Run`] executes a [`ResolvedPlan`]. It is a machine without I/O: it reads no clock, opens nothing and knows
//! no product. A driver hands it [`Input`]s (what the world said) and the time, and gets [`Record`]s back. The
//! driver makes the records durable and only then asks for the [`Command`]s that follow from them.
//!
//! ```text
//!   inputs -> Run::advance -> records -> journal (durable) -> Run::pending -> commands -> the world -> inputs
//! ```
//!
//! The state is the fold of the records ([`Run::apply`]) and nothing else. Opening a run after a crash is the same
//! fold plus one [`Record::RunOpened`], which sends every call whose fate is not known to verification.
//!
//! What this crate is not: it is no plan format, no client, no journal; payloads of items and actions are opaque
//! JSON that their kind of protection understands.
//!
//! # Map
//! - [`plan`]: the resolved plan: items, actions, limits
//! - [`record`], [`input`], [`command`]: the three vocabularies: past, news, orders
//! - [`action`]: the machine of one action of one item, with its transition table
//! - [`call`]: one remote call and the actions it carries
//! - [`run`]: decide, apply, pending; inside, `judge` decides what an input means, `schedule` who may start and which
//!   actions share a call, and `fold` applies
//!
//! # Invariants
//! - A call is a command only after its [`Record::CallIntended`] was applied, and at most once.
//! - An action whose call may have happened is never sent again before a look at the world, except where the plan
//!   says that the action leaves no trace ([`plan::Resend::Harmless`]).
//! - An action has at most one unsettled call at any time.
//! - Whatever an input says, the run ends within a bounded number of steps or waits for a deadline.

pub mod action;
pub mod call;
pub mod command;
pub mod error;
mod fold;
pub mod id;
pub mod input;
mod judge;
pub mod plan;
pub mod record;
pub mod run;
mod schedule;
mod subject;

pub use action::{ActionState, Outcome, OutcomeResult};
pub use call::{Call, CallState};
pub use command::Command;
pub use error::{PlanError, Rejected, ReplayError};
pub use id::{ActionRef, BatchKey, CallId, EndpointId, ItemId, LockKey, RunId, Timestamp};
pub use input::{Again, Finding, Input, MemberEnd, MemberResult, Submitted, Waited};
pub use plan::{Action, Item, Mode, Resend, ResolvedPlan};
pub use record::Record;
pub use run::{ItemProgress, ItemResult, Run, RunState};
