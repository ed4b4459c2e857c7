//! The declared types of the properties that the simulator knows: what a path may walk through, and how its end is
//! boxed. Source: the type tables of VI JSON.

/// A property or member: its name, its declared type, and whether it is an array.
pub(super) type Member = (&'static str, &'static str, bool);

/// Type, base, members that the simulator knows.
static TYPES: &[(&str, &str, &[Member])] = &[
    (
        "HostSystem",
        "ManagedEntity",
        &[
            ("runtime", "HostRuntimeInfo", false),
            ("configManager", "HostConfigManager", false),
            ("config", "HostConfigInfo", false),
        ],
    ),
    ("ManagedEntity", "", &[("name", "string", false)]),
    (
        "HostNetworkSystem",
        "",
        &[("networkInfo", "HostNetworkInfo", false)],
    ),
    ("VmwareDistributedVirtualSwitch", "DistributedVirtualSwitch", &[]),
    (
        "DistributedVirtualSwitch",
        "ManagedEntity",
        &[
            ("uuid", "string", false),
            ("capability", "DVSCapability", false),
            ("config", "DVSConfigInfo", false),
            ("runtime", "DVSRuntimeInfo", false),
        ],
    ),
    (
        "HostRuntimeInfo",
        "",
        &[
            ("connectionState", "HostSystemConnectionState", false),
            ("powerState", "HostSystemPowerState", false),
            ("inMaintenanceMode", "boolean", false),
            (
                "partialMaintenanceMode",
                "HostPartialMaintenanceModeRuntimeInfo",
                true,
            ),
            ("healthSystemRuntime", "HealthSystemRuntime", false),
        ],
    ),
    (
        "HealthSystemRuntime",
        "",
        &[("hardwareStatusInfo", "HostHardwareStatusInfo", false)],
    ),
    (
        "HostHardwareStatusInfo",
        "",
        &[("dpuStatusInfo", "DpuStatusInfo", true)],
    ),
    (
        "HostConfigManager",
        "",
        &[("networkSystem", "ManagedObjectReference", false)],
    ),
    ("HostConfigInfo", "", &[("network", "HostNetworkInfo", false)]),
    (
        "HostNetworkInfo",
        "",
        &[
            ("proxySwitch", "HostProxySwitch", true),
            ("pnic", "PhysicalNic", true),
            ("vnic", "HostVirtualNic", true),
        ],
    ),
    (
        "DVSCapability",
        "",
        &[("featuresSupported", "DVSFeatureCapability", false)],
    ),
    (
        "DVSFeatureCapability",
        "",
        &[("networkResourceManagementSupported", "boolean", false)],
    ),
    (
        "VMwareDVSFeatureCapability",
        "DVSFeatureCapability",
        &[
            ("lldpSupported", "boolean", false),
            ("dpuCapability", "VMwareDvsDpuCapability", false),
        ],
    ),
    (
        "VMwareDvsDpuCapability",
        "",
        &[
            ("networkOffloadSupported", "boolean", false),
            ("activeStandbyModeSupported", "boolean", false),
        ],
    ),
    (
        "DVSConfigInfo",
        "",
        &[
            ("uuid", "string", false),
            ("name", "string", false),
            ("numStandalonePorts", "int", false),
            ("numPorts", "int", false),
            ("maxPorts", "int", false),
            ("uplinkPortPolicy", "DVSUplinkPortPolicy", false),
            ("defaultPortConfig", "DVPortSetting", false),
            ("host", "DistributedVirtualSwitchHostMember", true),
            ("productInfo", "DistributedVirtualSwitchProductSpec", false),
            ("configVersion", "string", false),
            ("contact", "DVSContactInfo", false),
            ("createTime", "dateTime", false),
            ("networkResourceManagementEnabled", "boolean", false),
        ],
    ),
    (
        "VMwareDVSConfigInfo",
        "DVSConfigInfo",
        &[
            ("maxMtu", "int", false),
            ("networkOffloadSpecId", "string", false),
            (
                "networkOffloadConfig",
                "VmwareDistributedVirtualSwitchNetworkOffloadConfig",
                false,
            ),
        ],
    ),
    (
        "VmwareDistributedVirtualSwitchNetworkOffloadConfig",
        "",
        &[(
            "dpuFailoverPolicy",
            "VmwareDistributedVirtualSwitchDpuFailoverPolicy",
            false,
        )],
    ),
    (
        "VmwareDistributedVirtualSwitchDpuFailoverPolicy",
        "",
        &[
            ("activeUplink", "string", true),
            ("standbyUplink", "string", true),
        ],
    ),
    (
        "DVSRuntimeInfo",
        "",
        &[("hostMemberRuntime", "HostMemberRuntimeInfo", true)],
    ),
];

/// Properties that exist and that the simulator does not know.
static NOT_SIMULATED: &[(&str, &[&str])] = &[
    (
        "ManagedEntity",
        &[
            "alarmActionsEnabled",
            "availableField",
            "configIssue",
            "configStatus",
            "customValue",
            "declaredAlarmState",
            "disabledMethod",
            "effectiveRole",
            "overallStatus",
            "parent",
            "permission",
            "recentTask",
            "tag",
            "triggeredAlarmState",
            "value",
        ],
    ),
    (
        "HostSystem",
        &[
            "answerFileValidationResult",
            "answerFileValidationState",
            "capability",
            "complianceCheckResult",
            "complianceCheckState",
            "datastore",
            "datastoreBrowser",
            "hardware",
            "licensableResource",
            "network",
            "precheckRemediationResult",
            "remediationResult",
            "remediationState",
            "summary",
            "systemResources",
            "vm",
        ],
    ),
    (
        "HostNetworkSystem",
        &[
            "availableField",
            "capabilities",
            "consoleIpRouteConfig",
            "dnsConfig",
            "ipRouteConfig",
            "networkConfig",
            "offloadCapabilities",
            "value",
        ],
    ),
    (
        "DistributedVirtualSwitch",
        &["networkResourcePool", "portgroup", "summary"],
    ),
];

/// Types that are known only in part, so that no value of them can be answered whole.
static PARTIAL: &[&str] = &["HostConfigInfo"];

fn base(type_name: &str) -> &'static str {
    TYPES
        .iter()
        .find(|(name, ..)| *name == type_name)
        .map_or("", |(_, base, _)| base)
}

/// A type and its bases, nearest first.
fn line(type_name: &str) -> impl Iterator<Item = &str> {
    let first = Some(type_name).filter(|name| !name.is_empty());
    std::iter::successors(first, |name| Some(base(name)).filter(|name| !name.is_empty()))
}

/// Whether one type is another or derives from it.
pub(super) fn is_a(type_name: &str, wanted: &str) -> bool {
    line(type_name).any(|name| name == wanted)
}

/// A member of a type or one of its bases.
pub(super) fn member(type_name: &str, name: &str) -> Option<Member> {
    line(type_name).find_map(|owner| {
        let (_, _, members) = TYPES.iter().find(|(known, ..)| *known == owner)?;
        members.iter().copied().find(|(member, ..)| *member == name)
    })
}

/// All members of a type and its bases.
#[cfg(test)]
pub(super) fn members(type_name: &str) -> Vec<Member> {
    let owners = line(type_name).filter_map(|owner| TYPES.iter().find(|(known, ..)| *known == owner));
    owners
        .flat_map(|(_, _, members)| members.iter().copied())
        .collect()
}

/// Whether a property exists although the simulator does not know it.
pub(super) fn is_not_simulated(type_name: &str, property: &str) -> bool {
    line(type_name).any(|owner| {
        NOT_SIMULATED
            .iter()
            .any(|(known, names)| *known == owner && names.contains(&property))
    })
}

/// Whether values of a type are known only in part.
pub(super) fn is_partial(type_name: &str) -> bool {
    PARTIAL.contains(&type_name)
}
