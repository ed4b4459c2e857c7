//! Third stage: Rust names for wire names.

pub(super) mod legal;

/// Brand names whose inner capital is no word boundary.
const BRANDS: [(&str, &str); 6] = [
    ("VMware", "Vmware"),
    ("vApp", "Vapp"),
    ("VApp", "Vapp"),
    ("vVol", "Vvol"),
    ("VVol", "Vvol"),
    ("vCenter", "Vcenter"),
];

/// The words of a name in any of the spellings that the APIs use.
///
/// ```text
/// targetDpuAlias -> target dpu alias      IPV4Address -> ipv4 address      NOT_STARTED -> not started
/// ```
pub(super) fn words(name: &str) -> Vec<String> {
    let mut name = name.to_owned();
    for (brand, plain) in BRANDS {
        name = name.replace(brand, plain);
    }
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (index, letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            continue;
        }
        let before = index.checked_sub(1).and_then(|index| letters.get(index));
        let after = letters.get(index + 1);
        let lower_before =
            before.is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
        let upper_before = before.is_some_and(char::is_ascii_uppercase);
        let lower_after = after.is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (lower_before || (upper_before && lower_after)) && !word.is_empty()
        {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter.to_ascii_lowercase());
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// `snake_case`, with an underscore behind a word that cannot be a name.
pub(super) fn snake(name: &str) -> String {
    let mut snake = words(name).join("_");
    if snake.starts_with(|first: char| first.is_ascii_digit()) {
        snake.insert(0, 'n');
    }
    if legal::is_taken_by_structures(&snake) {
        snake.push('_');
    }
    snake
}

/// `PascalCase` of a name that has no capitals of its own to keep.
pub(super) fn pascal(name: &str) -> String {
    let joined: String = words(name).iter().map(|word| capital(word)).collect();
    match joined.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("N{joined}"),
        Some(_) if joined == "Self" => "Self_".to_owned(),
        _ => joined,
    }
}

/// `SCREAMING_SNAKE_CASE`.
pub(super) fn screaming(name: &str) -> String {
    words(name).join("_").to_ascii_uppercase()
}

/// The Rust name of a schema: its own spelling, so that it can be looked up, as one word with a capital.
pub(super) fn type_name(schema: &str) -> String {
    let schema = schema.strip_prefix("Vcenter.").unwrap_or(schema);
    let schema = schema.strip_suffix("_enum").unwrap_or(schema);
    let joined = joined(schema);
    match joined.strip_suffix("RequestType") {
        Some(method) => format!("{method}Request"),
        None => joined,
    }
}

/// The Rust name of the constant that describes an operation.
pub(super) fn operation_name(id: &str) -> String {
    screaming(id.strip_prefix("Vcenter.").unwrap_or(id))
}

/// The cargo feature of a tag.
pub(super) fn feature(tag: &str) -> String {
    words(tag.strip_prefix("Vcenter.").unwrap_or(tag)).join("-")
}

/// The wire name that a field has if nothing else is said: `snake_case` read as `camelCase`.
pub(super) fn camel_wire(rust: &str) -> String {
    let mut words = rust.trim_end_matches('_').split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &capital(word))
}

/// The name of the query parameters of an operation.
pub(super) fn query_name(id: &str) -> String {
    let body = inline_body_name(id);
    format!("{}Query", body.trim_end_matches("Request"))
}

/// The name of the query parameters that several operations share.
pub(super) fn shared_query_name(parameters: &[&str]) -> String {
    let joined: String = parameters.iter().map(|name| pascal(name)).collect();
    format!("{joined}Query")
}

/// The name of a body that has none: the operation's, without the mark of the task form.
pub(super) fn inline_body_name(id: &str) -> String {
    let id = id.strip_prefix("Vcenter.").unwrap_or(id);
    let id = id.strip_suffix("$Task").unwrap_or(id);
    format!("{}Request", joined(id))
}

/// One word of all that letters and digits make up, each with a capital.
fn joined(name: &str) -> String {
    name.split(|letter: char| !letter.is_ascii_alphanumeric())
        .map(capital)
        .collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::{
        camel_wire, feature, inline_body_name, operation_name, pascal, query_name, shared_query_name, snake,
        type_name,
    };

    #[test]
    fn members_are_snake_case() {
        for (wire, rust) in [
            ("targetDpuAlias", "target_dpu_alias"),
            ("vAppNetworkSettings", "vapp_network_settings"),
            ("type", "type_"),
            ("numCoresPerSocket", "num_cores_per_socket"),
            ("memoryInMB", "memory_in_mb"),
            ("ssl_thumbprint", "ssl_thumbprint"),
            ("ipV6Enabled", "ip_v6_enabled"),
            ("uptv2Active", "uptv2_active"),
        ] {
            assert_eq!(snake(wire), rust);
        }
    }

    #[test]
    fn enum_values_are_pascal_case() {
        for (wire, rust) in [
            ("NOT_STARTED", "NotStarted"),
            ("guestToolsRunning", "GuestToolsRunning"),
            ("IPV4", "Ipv4"),
            ("lwd", "Lwd"),
            ("self", "Self_"),
            ("10gb", "N10gb"),
        ] {
            assert_eq!(pascal(wire), rust);
        }
    }

    #[test]
    fn types_keep_their_spelling() {
        for (wire, rust) in [
            ("VMwareDVSConfigInfo", "VMwareDVSConfigInfo"),
            ("startDpuFailoverRequestType", "StartDpuFailoverRequest"),
            ("TaskInfoState_enum", "TaskInfoState"),
            ("Vcenter.Vcha.Cluster.NodeInfo", "VchaClusterNodeInfo"),
            ("Cis.Task.Info", "CisTaskInfo"),
            ("lamp-state", "LampState"),
        ] {
            assert_eq!(type_name(wire), rust);
        }
    }

    #[test]
    fn operations_are_constants() {
        for (wire, rust) in [
            (
                "HostNetworkSystem_startDpuFailover",
                "HOST_NETWORK_SYSTEM_START_DPU_FAILOVER",
            ),
            ("Vcenter.Vcha.Cluster_failover$Task", "VCHA_CLUSTER_FAILOVER_TASK"),
            ("vmReplications.failoverTest", "VM_REPLICATIONS_FAILOVER_TEST"),
        ] {
            assert_eq!(operation_name(wire), rust);
        }
        assert_eq!(
            inline_body_name("Vcenter.Vcha.Cluster_failover$Task"),
            "VchaClusterFailoverRequest"
        );
    }
    #[test]
    fn each_tag_has_a_feature() {
        for (tag, name) in [
            ("HostNetworkSystem", "host-network-system"),
            ("Vcenter.Vcha.Cluster.Mode", "vcha-cluster-mode"),
            ("Cis.Tasks", "cis-tasks"),
            ("vmReplications", "vm-replications"),
        ] {
            assert_eq!(feature(tag), name);
        }
    }

    #[test]
    fn the_wire_name_of_a_plain_field_follows_from_it() {
        for (rust, wire) in [
            ("key", "key"),
            ("target_dpu_alias", "targetDpuAlias"),
            ("type_", "type"),
            ("memory_in_mb", "memoryInMb"),
        ] {
            assert_eq!(camel_wire(rust), wire);
        }
    }

    #[test]
    fn query_parameters_are_called_after_their_operation() {
        assert_eq!(query_name("vmReplications.list"), "VmReplicationsListQuery");
        assert_eq!(shared_query_name(&["site"]), "SiteQuery");
    }
}
