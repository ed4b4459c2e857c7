//! Any plan and any disturbance.

use farside_engine::{Action, BatchKey, EndpointId, Input, Item, Mode, Resend, ResolvedPlan};
use proptest::prelude::{Just, Strategy, any};
use proptest::{collection, option, prop_oneof, sample};

use crate::support::plan;
use crate::support::simulation::Disturbance;

const ENDPOINTS: [&str; 3] = ["east", "west", "north"];

fn endpoint() -> impl Strategy<Value = EndpointId> {
    sample::select(&ENDPOINTS[..]).prop_map(EndpointId::new)
}

fn an_action() -> impl Strategy<Value = Action> {
    let resend = sample::select(vec![Resend::Guarded, Resend::WhenSeen, Resend::Harmless]);
    let endpoints = collection::vec(endpoint(), 1..3);
    let batch = option::weighted(0.7, sample::select(vec!["k1", "k2"]));
    let settle = sample::select(vec![0_u64, 5_000, 60_000]);
    let deadline = sample::select(vec![0_u64, 10_000, 60_000, 600_000]);
    (resend, endpoints, batch, settle, deadline).prop_map(
        |(resend, endpoints, batch, settle_ms, deadline_ms)| Action {
            endpoints,
            batch: batch.map(BatchKey::new),
            settle_ms,
            deadline_ms,
            ..plan::action(resend)
        },
    )
}

#[derive(Clone, Debug)]
struct Shape {
    priority: u32,
    depends_on: u8,
    is_skipped: bool,
    exclusive_on: Option<EndpointId>,
    actions: Vec<Action>,
}

fn shape() -> impl Strategy<Value = Shape> {
    (
        0_u32..3,
        prop_oneof![Just(0), any::<u8>()],
        proptest::bool::weighted(0.1),
        option::weighted(0.2, endpoint()),
        collection::vec(an_action(), 0..4),
    )
        .prop_map(
            |(priority, depends_on, is_skipped, exclusive_on, actions)| Shape {
                priority,
                depends_on,
                is_skipped,
                exclusive_on,
                actions,
            },
        )
}

/// A plan that can be run: an item depends on items before it whose priority group is not a later one.
pub(crate) fn a_plan() -> impl Strategy<Value = ResolvedPlan> {
    let mode = sample::select(vec![Mode::Test, Mode::Disaster]);
    let limits = collection::btree_map(endpoint(), 1_u32..3, 0..3);
    (collection::vec(shape(), 1..7), mode, limits).prop_map(|(shapes, mode, limits)| {
        let mut items: Vec<Item> = Vec::new();
        for (number, shape) in shapes.into_iter().enumerate() {
            let wanted = items.iter().enumerate().filter(|(position, other)| {
                shape.depends_on & (1 << position) != 0 && other.priority <= shape.priority
            });
            let depends_on = wanted.map(|(_, other)| other.id.clone()).collect();
            items.push(Item {
                priority: shape.priority,
                depends_on,
                exclusive_on: shape.exclusive_on.into_iter().collect(),
                skip: shape.is_skipped.then(|| "not in this mode".to_owned()),
                ..plan::item(&format!("i{number}"), shape.actions)
            });
        }
        ResolvedPlan {
            mode,
            limits,
            ..plan::plan(items)
        }
    })
}

/// What the world will choose.
pub(crate) fn choices() -> impl Strategy<Value = Vec<u8>> {
    collection::vec(any::<u8>(), 0..400)
}

/// A few crashes and orders, at any time.
pub(crate) fn disturbances() -> impl Strategy<Value = Vec<Disturbance>> {
    collection::vec(
        prop_oneof![crash(), order(vec![Input::Stop, Input::Abort, Input::CutSettle])],
        0..6,
    )
}

/// A crash: early in the run, and as often with the whole append durable as with a part of it.
pub(crate) fn crash() -> impl Strategy<Value = Disturbance> {
    (
        0_usize..40,
        prop_oneof![Just(usize::MAX), 0_usize..6],
        any::<bool>(),
    )
        .prop_map(|(append, kept, is_late)| Disturbance::Crash {
            append,
            kept,
            is_late,
        })
}

/// One of these orders.
pub(crate) fn order(inputs: Vec<Input>) -> impl Strategy<Value = Disturbance> {
    (1_usize..60, sample::select(inputs)).prop_map(|(step, input)| Disturbance::Order { step, input })
}
