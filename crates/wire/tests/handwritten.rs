//! The shape of generated code, written by hand: what `cargo xtask codegen` writes for each construct of a schema.
//! `handwritten/promises.rs` holds what is promised of it.

#[path = "handwritten/promises.rs"]
mod promises;

use farside_wire::{
    Any, DataType, Extends, Extra, Fault, MemberReader, MemberWriter, Method, Object, OpenEnum, Operation,
    Repeat, Service, Structure, Union, UnknownValue, UnknownVariant, read_enum, read_structure, read_union,
    write_enum, write_structure, write_union,
};
use serde::de::MapAccess;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

// A data type that derives from `Any` (VI JSON): `TAGGED`, a `DataType`, and one `Extends` per ancestor that is generated,
// `MethodFault` included.

/// Data type `Backing`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
struct Backing {
    /// Wire name `deviceName`.
    device_name: String,
    /// Wire name `useAutoDetect`.
    use_auto_detect: Option<bool>,
    /// Members that these models do not know.
    extra: Extra,
}

impl Backing {
    /// A value with the required members.
    fn new(device_name: impl Into<String>) -> Self {
        Self {
            device_name: device_name.into(),
            use_auto_detect: None,
            extra: Extra::new(),
        }
    }
}

impl Structure for Backing {
    const NAME: &'static str = "Backing";
    const TAGGED: bool = true;

    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut device_name = None;
        let mut use_auto_detect = None;
        while let Some(name) = members.next_name()? {
            match &*name {
                "deviceName" => device_name = members.value("deviceName")?,
                "useAutoDetect" => use_auto_detect = members.value("useAutoDetect")?,
                _ => members.keep(name)?,
            }
        }
        Ok(Self {
            device_name: members.required("deviceName", device_name)?,
            use_auto_detect,
            extra: members.extra(),
        })
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.required("deviceName", &self.device_name)?;
        members.optional("useAutoDetect", &self.use_auto_detect)
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }
}

impl DataType for Backing {
    fn bases() -> &'static [&'static str] {
        &["DataObject", "Any"]
    }

    fn descendants() -> &'static [&'static str] {
        &["PortBacking"]
    }
}

impl<'de> Deserialize<'de> for Backing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_structure(deserializer)
    }
}

impl Serialize for Backing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_structure(self, serializer)
    }
}

// A type that derives from another: the inherited members stand first. `PortBacking` is in `Backing::descendants()`.

/// Data type `PortBacking`.
#[derive(Clone, Debug, PartialEq)]
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

impl Structure for PortBacking {
    const NAME: &'static str = "PortBacking";
    const TAGGED: bool = true;

    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut device_name = None;
        let mut use_auto_detect = None;
        let mut state = None;
        let mut uplink = None;
        while let Some(name) = members.next_name()? {
            match &*name {
                "deviceName" => device_name = members.value("deviceName")?,
                "useAutoDetect" => use_auto_detect = members.value("useAutoDetect")?,
                "state" => state = members.value("state")?,
                "uplink" => uplink = members.value("uplink")?,
                _ => members.keep(name)?,
            }
        }
        Ok(Self {
            device_name: members.required("deviceName", device_name)?,
            use_auto_detect,
            state: members.required("state", state)?,
            uplink: uplink.unwrap_or_default(),
            extra: members.extra(),
        })
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.required("deviceName", &self.device_name)?;
        members.optional("useAutoDetect", &self.use_auto_detect)?;
        members.required("state", &self.state)?;
        members.array("uplink", &self.uplink)
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }
}

impl DataType for PortBacking {
    fn bases() -> &'static [&'static str] {
        &["Backing", "DataObject", "Any"]
    }
}

impl Extends<Backing> for PortBacking {}

impl<'de> Deserialize<'de> for PortBacking {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_structure(deserializer)
    }
}

impl Serialize for PortBacking {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_structure(self, serializer)
    }
}

// An enum of the server.

/// Enum `LinkState`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
enum LinkState {
    /// `up`
    Up,
    /// `linkDown`
    LinkDown,
    /// A value these models do not know.
    Unknown(UnknownValue),
}

impl OpenEnum for LinkState {
    const NAME: &'static str = "LinkState";
    const VALUES: &'static [Self] = &[Self::Up, Self::LinkDown];

    fn as_wire(&self) -> &str {
        match self {
            Self::Up => "up",
            Self::LinkDown => "linkDown",
            Self::Unknown(value) => value.as_str(),
        }
    }

    fn unknown(value: UnknownValue) -> Self {
        Self::Unknown(value)
    }
}

impl<'de> Deserialize<'de> for LinkState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_enum(deserializer)
    }
}

impl Serialize for LinkState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_enum(self, serializer)
    }
}

// A request type: not `TAGGED`, no `DataType`. A declared type with subtypes is an `Object`, a declared `MethodFault` is a
// `Fault`, a declared `Any` is an `Any`.

/// Body of `HostPort_attach`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
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

impl Structure for AttachRequest {
    const NAME: &'static str = "AttachRequestType";
    const TAGGED: bool = false;

    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut backing = None;
        let mut reason = None;
        let mut value = None;
        while let Some(name) = members.next_name()? {
            match &*name {
                "backing" => backing = members.value("backing")?,
                "reason" => reason = members.value("reason")?,
                "value" => value = members.value("value")?,
                _ => members.keep(name)?,
            }
        }
        Ok(Self {
            backing,
            reason,
            value,
            extra: members.extra(),
        })
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.optional("backing", &self.backing)?;
        members.optional("reason", &self.reason)?;
        members.optional("value", &self.value)
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }
}

impl<'de> Deserialize<'de> for AttachRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_structure(deserializer)
    }
}

impl Serialize for AttachRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_structure(self, serializer)
    }
}

// A `oneOf` with a discriminator: an enum of structures that leave the tag member out (VCDA).

/// Settings for a Cloud Director destination.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
struct CloudSettings {
    /// Wire name `powerOn`.
    power_on: Option<bool>,
    /// Wire name `next`.
    next: Option<Box<Settings>>,
    /// Members that these models do not know.
    extra: Extra,
}

impl Structure for CloudSettings {
    const NAME: &'static str = "CloudSettings";
    const TAGGED: bool = false;

    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut power_on = None;
        let mut next = None;
        while let Some(name) = members.next_name()? {
            match &*name {
                "powerOn" => power_on = members.value("powerOn")?,
                "next" => next = members.value("next")?,
                _ => members.keep(name)?,
            }
        }
        Ok(Self {
            power_on,
            next,
            extra: members.extra(),
        })
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.optional("powerOn", &self.power_on)?;
        members.optional("next", &self.next)
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }
}

/// `oneOf`, told by `type`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
enum Settings {
    /// `vcloud`
    Vcloud(CloudSettings),
    /// A variant these models do not know.
    Unknown(UnknownVariant),
}

impl Union for Settings {
    const NAME: &'static str = "Settings";
    const TAG: &'static str = "type";

    fn read<'de, A: MapAccess<'de>>(
        tag: Option<&str>,
        members: &mut MemberReader<'de, A>,
    ) -> Result<Self, A::Error> {
        match tag {
            Some("vcloud") => members.variant().map(Self::Vcloud),
            _ => members.unknown_variant(tag).map(Self::Unknown),
        }
    }

    fn tag(&self) -> Option<&str> {
        match self {
            Self::Vcloud(_) => Some("vcloud"),
            Self::Unknown(variant) => variant.tag(),
        }
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        match self {
            Self::Vcloud(variant) => members.structure(variant),
            Self::Unknown(variant) => members.unknown_variant(variant),
        }
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_union(deserializer)
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_union(self, serializer)
    }
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
};
