//! Which figures there are, from which benchmark each comes, and its bound.

use std::fmt;

use super::Measured;

/// A figure.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    pub(super) bench: &'static str,
    pub(super) source: Source,
    pub(super) bound: Bound,
}

/// Where the value comes from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// Time of one criterion benchmark, divided by that of another.
    Ratio { of: &'static str, to: &'static str },
    /// The benchmark prints it as a line of JSON.
    Printed,
}

/// What a figure must hold.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    Below(f64),
    /// It is told, and nothing is asked of it.
    Told,
}

impl Bound {
    /// The figure with this value.
    pub(crate) fn measured(self, name: &str, value: f64, unit: &str) -> Measured {
        let holds = match self {
            Self::AtLeast(bound) => value >= bound,
            Self::Below(bound) => value < bound,
            Self::Told => true,
        };
        Measured {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
            bound: self.to_string(),
            holds,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(formatter, ">= {bound}"),
            Self::Below(bound) => write!(formatter, "< {bound}"),
            Self::Told => formatter.write_str("-"),
        }
    }
}

const MODELS: &str = "farside-models-vim";

const fn of_the_stack(name: &'static str, bound: Bound) -> Figure {
    Figure {
        name,
        package: "farside-transport-http",
        bench: "stack",
        source: Source::Printed,
        bound,
    }
}

const fn of_the_simulator(name: &'static str, bound: Bound) -> Figure {
    Figure {
        name,
        package: "farside-simulator",
        bench: "simulator",
        source: Source::Printed,
        bound,
    }
}

const fn ratio(name: &'static str, of: &'static str, to: &'static str, least: f64) -> Figure {
    Figure {
        name,
        package: MODELS,
        bench: "models",
        source: Source::Ratio { of, to },
        bound: Bound::AtLeast(least),
    }
}

const fn wait(name: &'static str, bound: Bound) -> Figure {
    Figure {
        name,
        package: "farside-tests",
        bench: "waits",
        source: Source::Printed,
        bound,
    }
}

/// All figures, in the order in which they are printed.
pub(super) const FIGURES: &[Figure] = &[
    ratio(
        "decode-inventory-kept",
        "inventory/derived",
        "inventory/kept",
        3.0,
    ),
    ratio(
        "decode-inventory-typed",
        "inventory/derived-typed",
        "inventory/typed",
        2.3,
    ),
    ratio(
        "decode-task-info",
        "small/task-info-derived",
        "small/task-info",
        1.0,
    ),
    ratio("decode-fault", "small/fault-derived", "small/fault", 1.0),
    ratio("encode-request", "encode/request-derived", "encode/request", 0.9),
    Figure {
        name: "decode-inventory-peak-memory",
        package: MODELS,
        bench: "memory",
        source: Source::Printed,
        bound: Bound::Below(3.0),
    },
    wait("wait-vim-requests", Bound::Below(0.2)),
    wait("wait-vim-memory", Bound::Below(2.0)),
    wait("wait-vcda-requests", Bound::Below(0.2)),
    wait("wait-vcda-memory", Bound::Below(2.0)),
    wait("wait-sms-requests", Bound::Told),
    wait("wait-sms-memory", Bound::Below(2.0)),
    wait("wait-cis-requests", Bound::Told),
    wait("wait-cis-memory", Bound::Below(2.0)),
    of_the_stack("stack-throughput", Bound::AtLeast(0.8)),
    of_the_stack("stack-processor-time", Bound::Below(15.0)),
    of_the_stack("stack-memory-growth", Bound::Below(2.0)),
    of_the_simulator("simulator-calls-in-process", Bound::Told),
    of_the_simulator("simulator-slowest-in-process", Bound::Told),
    of_the_simulator("simulator-growth", Bound::Below(3.0)),
    of_the_simulator("simulator-calls-https", Bound::Told),
    of_the_simulator("simulator-https", Bound::AtLeast(0.1)),
    of_the_simulator("simulator-memory-group", Bound::Below(4.0)),
    of_the_simulator("simulator-memory-replication", Bound::Below(8.0)),
    of_the_simulator("simulator-build-large", Bound::Below(10.0)),
    of_the_simulator("simulator-build-large-time", Bound::Told),
];
