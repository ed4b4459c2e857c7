//! What `cargo xtask codegen` writes for each construct of a schema. `handwritten/promises.rs` holds what is promised of
//! it.

#[path = "handwritten/promises.rs"]
mod promises;

use std::collections::BTreeMap;

use farside_wire::{
    Any, Extra, Fault, Method, Object, OpenEnum, Operation, QueryParameters, Repeat, Service, Structure,
    Union, UnknownValue, UnknownVariant,
};

// A data type that derives from `Any` (VI JSON): `bases`, and one of `extends` for each ancestor that is generated,
// `MethodFault` included. `builder`, since it occurs in a request.

/// Data type `Backing`.
#[derive(Clone, Debug, PartialEq, Structure)]
#[wire(name = "Backing", bases = ["DataObject", "Any"], descendants = ["PortBacking"], builder)]
#[non_exhaustive]
struct Backing {
    /// Wire name `deviceName`.
    device_name: String,
    /// Whether the device is looked for. Wire name `useAutoDetect`.
    use_auto_detect: Option<bool>,
    /// Members that these models do not know.
    extra: Extra,
}

// A type that derives from another: the inherited members stand first. `PortBacking` is in `descendants` of `Backing`.

/// Data type `PortBacking`.
#[derive(Clone, Debug, PartialEq, Structure)]
#[wire(name = "PortBacking", bases = ["Backing", "DataObject", "Any"], extends = [Backing])]
#[non_exhaustive]
struct PortBacking {
    /// Wire name `deviceName`.
    device_name: String,
    /// Wire name `useAutoDetect`.
    use_auto_detect: Option<bool>,
    /// Wire name `state`.
    state: LinkState,
    /// Wire name `uplink`.
    uplink: Vec<String>,
    /// Members that these models do not know.
    extra: Extra,
}

// An enum of the server.

/// Enum `LinkState`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, OpenEnum)]
#[wire(name = "LinkState")]
#[non_exhaustive]
enum LinkState {
    /// `up`
    #[wire("up")]
    Up,
    /// `linkDown`
    #[wire("linkDown")]
    LinkDown,
    /// A value that these models do not know.
    Unknown(UnknownValue),
}

// A request type: no `bases`. A declared type with subtypes is an `Object`, a declared `MethodFault` is a `Fault`, a
// declared `Any` is an `Any`.

/// Body of `HostPort_attach`.
#[derive(Clone, Debug, Default, PartialEq, Structure)]
#[wire(name = "AttachRequest", builder)]
struct AttachRequest {
    /// Wire name `backing`.
    backing: Option<Object<Backing>>,
    /// Wire name `reason`.
    reason: Option<Fault>,
    /// Wire name `value`.
    value: Option<Any>,
    /// Members that these models do not know.
    extra: Extra,
}

// Required arrays and maps, names that are no camel case or are words of Rust, numbers of each width.

/// Body of `HostPort_limit`.
#[derive(Clone, Debug, PartialEq, Structure)]
#[wire(name = "LimitRequest", builder)]
struct LimitRequest {
    /// Wire name `type`.
    type_: String,
    /// Limit in MB. Wire name `memoryInMB`.
    #[wire(name = "memoryInMB")]
    memory_in_mb: i64,
    /// Wire name `share`.
    share: i8,
    /// Wire name `level`.
    level: Option<i16>,
    /// Wire name `percent`.
    percent: Option<i32>,
    /// Wire name `factor`.
    factor: Option<f64>,
    /// Wire name `ports`.
    #[wire(required)]
    ports: Vec<String>,
    /// Wire name `labels`.
    #[wire(required)]
    labels: BTreeMap<String, i32>,
    /// Wire name `notes`.
    notes: BTreeMap<String, String>,
    /// Wire name `name`.
    name: Option<String>,
    /// Wire name `parent`.
    parent: Option<Box<LimitRequest>>,
    /// Members that these models do not know.
    extra: Extra,
}

// A `oneOf` with a discriminator: an enum of structures that leave the tag member out (VCDA).

/// Settings for a Cloud Director destination.
#[derive(Clone, Debug, Default, PartialEq, Structure)]
#[wire(name = "CloudSettings")]
#[non_exhaustive]
struct CloudSettings {
    /// Wire name `powerOn`.
    power_on: Option<bool>,
    /// Wire name `next`.
    next: Option<Box<Settings>>,
    /// Members that these models do not know.
    extra: Extra,
}

/// Settings for ports.
#[derive(Clone, Debug, Default, PartialEq, Structure)]
#[wire(name = "PortSettings", builder)]
#[non_exhaustive]
struct PortSettings {
    /// Wire name `ports`.
    ports: Vec<String>,
    /// Members that these models do not know.
    extra: Extra,
}

/// `oneOf`, told by `type`.
#[derive(Clone, Debug, PartialEq, Union)]
#[wire(name = "Settings", tag = "type")]
#[non_exhaustive]
enum Settings {
    /// `vcloud`
    #[wire("vcloud")]
    Vcloud(CloudSettings),
    /// `ports`
    #[wire("ports")]
    Ports(Box<PortSettings>),
    /// A variant that these models do not know.
    Unknown(UnknownVariant),
}

// A type with a parameter: what a piece of work results in.

/// Schema `Work`.
#[derive(Clone, Debug, PartialEq, Structure)]
#[wire(name = "Work")]
struct Work<T> {
    /// Wire name `state`.
    state: Option<LinkState>,
    /// Wire name `result`.
    result: Option<T>,
    /// Members that these models do not know.
    extra: Extra,
}

// The variable part of a query.

/// Parameters of `Ports_list`.
#[derive(Clone, Debug, Default, PartialEq, QueryParameters)]
struct PortsListQuery {
    /// Where the ports are.
    source_site: Option<String>,
    limit: Option<i32>,
    state: Option<LinkState>,
    #[wire(repeated)]
    ids: Vec<String>,
    #[wire(name = "filter.names", comma)]
    names: Vec<String>,
}

/// Parameters of `Ports_search`.
#[derive(Clone, Debug, PartialEq, QueryParameters)]
struct PortsSearchQuery {
    text: String,
    exact: bool,
    limit: Option<i64>,
}

// An operation.

/// `POST /HostPort/{moId}/attach`
const HOST_PORT_ATTACH: Operation = Operation {
    id: "HostPort_attach",
    service: Service::ViJson,
    method: Method::Post,
    path: "/HostPort/{moId}/attach",
    query: "",
    repeat: Repeat::OnlyIfNeverSent,
    since: Some("8.0.3.0"),
    privileges: &["Host.Config.Network"],
    faults: &["NotFound"],
    refused_before_acting: &[],
    anonymous: false,
    secrets: &[],
};
