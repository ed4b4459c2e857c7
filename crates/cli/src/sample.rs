//! A recovery plan for everything in a simulated world: the demo's plan, and what `farside sim --sample-plan` writes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use farside_simulator::serve::Served;
use serde_json::Value;

/// A server of the world, as a plan names it.
#[derive(Clone)]
pub struct Server {
    /// Name in the world.
    pub name: String,
    /// Type of the plan's endpoint: `vcenter` or `vcda`.
    pub endpoint_type: &'static str,
    /// `https://host:port`.
    pub url: String,
    /// Further ones, at which it may answer after its own failover.
    pub also_at: Vec<String>,
    /// Thumbprint of its certificate; none trusts the roots of the system.
    pub pin: Option<String>,
    /// Who logs in.
    pub username: String,
    /// File with the password.
    pub password_file: PathBuf,
}

/// Writes the plan, and a folder beside it with one file per password that only the owner can read.
///
/// # Errors
/// A file cannot be written.
pub fn write(path: &Path, served: &Served, state: &Value) -> anyhow::Result<()> {
    let secrets = path.with_extension("passwords");
    let mut servers = Vec::new();
    for server in &served.vcenters {
        servers.push(Server {
            name: server.name.clone(),
            endpoint_type: "vcenter",
            url: server.url.clone(),
            also_at: server.also_at.clone(),
            pin: server.thumbprint.clone(),
            username: server.username.clone(),
            password_file: write_secret(&secrets, &server.name, &server.password)?,
        });
    }
    for server in &served.vcda {
        servers.push(Server {
            name: server.site.clone(),
            endpoint_type: "vcda",
            url: server.url.clone(),
            also_at: Vec::new(),
            pin: server.thumbprint.clone(),
            username: server.username.clone(),
            password_file: write_secret(&secrets, &endpoint_name(&server.site, "vcda"), &server.password)?,
        });
    }
    let plan = plan(&servers, state)
        .context("a recovery plan takes a world with two sites: leave out --sample-plan")?;
    fs::write(path, plan).with_context(|| format!("cannot write the sample plan {}", path.display()))
}

/// The two sites of a plan, by name.
struct Sites<'a> {
    protected: &'a str,
    recovery: &'a str,
}

impl<'a> Sites<'a> {
    /// The sites of the first group or the first replication of a world, or else its first two.
    fn of(servers: &'a [Server], state: &'a Value) -> Option<Self> {
        let of = |source: Option<&'a str>, target: Option<&'a str>| {
            let (protected, recovery) = source.zip(target)?;
            Some(Self {
                protected: site_of(protected),
                recovery: site_of(recovery),
            })
        };
        let groups = list(state, "/vasa/groups");
        let sides = groups.first().and_then(|group| group.get("sides")).and_then(pair);
        let by_group =
            sides.and_then(|[source, target]| of(text(source, "vcenter"), text(target, "vcenter")));
        let by_replication = || {
            let replications = list(state, "/vcda/replications");
            let first = replications.first()?;
            let site = |end: &str| first.get(end).and_then(|end| text(end, "site"));
            of(site("source"), site("destination"))
        };
        let by_name = || {
            let first = servers.first()?;
            let second = servers
                .iter()
                .find(|server| site_of(&server.name) != site_of(&first.name))?;
            of(Some(&first.name), Some(&second.name))
        };
        by_group.or_else(by_replication).or_else(by_name)
    }

    /// Whether something leads from the one to the other.
    fn are(&self, source: &str, target: &str) -> bool {
        site_of(source) == self.protected && site_of(target) == self.recovery
    }
}

/// The site of a server, by its name in the world.
fn site_of(server: &str) -> &str {
    server.strip_prefix("vc-").unwrap_or(server)
}

/// The plan's text for these servers and a world's state: for one pair of sites, since a plan has no more. None if there is one site
/// only.
pub fn plan(servers: &[Server], state: &Value) -> Option<String> {
    let sites = Sites::of(servers, state)?;
    let mut plan = head(&sites);
    for server in servers {
        let site = site_of(&server.name);
        if site != sites.protected && site != sites.recovery {
            continue;
        }
        let _ = write!(
            plan,
            "\n[endpoints.{}]\ntype = {}\nsite = {}\nurl = {}\nusername = {}\npassword = {{ file = {} }}\n",
            key(&endpoint_name(&server.name, server.endpoint_type)),
            quoted(server.endpoint_type),
            quoted(site),
            quoted(&server.url),
            quoted(&server.username),
            quoted(&server.password_file.display().to_string()),
        );
        if !server.also_at.is_empty() {
            let also_at: Vec<String> = server.also_at.iter().map(|url| quoted(url)).collect();
            let _ = writeln!(plan, "also_at = [{}]", also_at.join(", "));
        }
        if let Some(pin) = &server.pin {
            let _ = writeln!(plan, "pin = {}", quoted(pin));
        }
    }
    plan.push_str(GROUPS);
    items(&mut plan, state, &sites);
    Some(plan)
}

fn head(sites: &Sites<'_>) -> String {
    format!(
        r#"# A recovery plan for everything in the simulated world that is recovered from one site at the other.
version = 1
name = "sample"
protected_site = {}
recovery_site = {}

# How long the world must stay unchanged before an unknown outcome counts as "did not happen". The simulator's work
# takes seconds; in life this is minutes.
[timing]
settle = "20s"
deadline = "10m"
"#,
        quoted(sites.protected),
        quoted(sites.recovery)
    )
}

const GROUPS: &str = r#"
[[groups]]
name = "infrastructure"

[[groups]]
name = "databases"

[[groups]]
name = "applications"
"#;

/// What the plan calls a server of the world.
pub fn endpoint_name(name: &str, kind: &str) -> String {
    if kind == "vcda" {
        format!("vcda-{name}")
    } else {
        name.to_owned()
    }
}

/// A name as a key of TOML.
fn key(name: &str) -> String {
    if name.contains('.') {
        quoted(name)
    } else {
        name.to_owned()
    }
}

fn quoted(text: &str) -> String {
    // A JSON string without control characters is a TOML basic string.
    Value::from(text).to_string()
}

/// Writes a password to a file that only its owner can read.
///
/// # Errors
/// The file cannot be written.
pub fn write_secret(folder: &Path, endpoint: &str, password: &str) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join(endpoint);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options
        .open(&path)
        .and_then(|mut file| file.write_all(password.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(std::path::absolute(&path).unwrap_or(path))
}

/// The items, read from the world's state as the admin endpoint shows it.
fn items(plan: &mut String, state: &Value, sites: &Sites<'_>) {
    infrastructure(plan, state, &format!("vc-{}", sites.recovery));
    let mut first_database = None;
    let mut groups = list(state, "/vasa/groups");
    groups.retain(|group| {
        let sides = group.get("sides").and_then(pair);
        let vcenters =
            sides.and_then(|[source, target]| text(source, "vcenter").zip(text(target, "vcenter")));
        vcenters.is_some_and(|(source, target)| sites.are(source, target))
    });
    let providers: BTreeMap<&str, &str> = list(state, "/vasa/providers")
        .into_iter()
        .filter_map(|provider| text(provider, "id").zip(text(provider, "name")))
        .collect();
    let databases = groups.len().div_ceil(2);
    for (position, group) in groups.iter().enumerate() {
        let (Some(name), Some([source, target])) = (text(group, "name"), group.get("sides").and_then(pair))
        else {
            continue;
        };
        let tier = if position < databases {
            "databases"
        } else {
            "applications"
        };
        first_database.get_or_insert(name);
        let _ = write!(plan, "\n[[items]]\nname = {}\ngroup = \"{tier}\"\n", quoted(name));
        for (role, side) in [("source", source), ("target", target)] {
            let provider = text(side, "provider").and_then(|id| providers.get(id).copied());
            let _ = write!(
                plan,
                "[items.vasa.{role}]\nendpoint = {}\nprovider = {}\nfault_domain = {}\ngroup = {}\n",
                quoted(text(side, "vcenter").unwrap_or_default()),
                quoted(provider.unwrap_or_default()),
                quoted(text(side, "fault_domain").unwrap_or_default()),
                quoted(text(side, "id").unwrap_or_default()),
            );
        }
    }
    let mut replications = list(state, "/vcda/replications");
    replications.retain(|replication| {
        let site = |end: &str| replication.get(end).and_then(|end| text(end, "site"));
        let ends = site("source").zip(site("destination"));
        ends.is_some_and(|(source, destination)| sites.are(source, destination))
    });
    for (position, replication) in replications.iter().enumerate() {
        let Some(id) = text(replication, "id") else {
            continue;
        };
        let vm = text(replication, "vm_name").unwrap_or(id);
        let _ = write!(
            plan,
            "\n[[items]]\nname = {}\ngroup = \"applications\"\n",
            quoted(vm)
        );
        if position == 0
            && let Some(database) = first_database
        {
            let _ = writeln!(plan, "depends_on = [{}]", quoted(database));
        }
        let _ = write!(
            plan,
            "[items.vcda]\nreplication = {}\nsource = {}\ndestination = {}\npower_on = true\nnics = 1\n",
            quoted(id),
            quoted(&endpoint_name(sites.protected, "vcda")),
            quoted(&endpoint_name(sites.recovery, "vcda")),
        );
        if text(replication, "target") == Some("vcenter") {
            plan.push_str("target = \"vcenter\"\n");
        }
    }
}

/// One switch and one vCenter HA cluster of the recovery site.
fn infrastructure(plan: &mut String, state: &Value, vcenter: &str) {
    let host = list(state, "/hosts/hosts")
        .into_iter()
        .find(|host| text(host, "vcenter") == Some(vcenter) && host.pointer("/dpus/1").is_some());
    let standby = host
        .and_then(|host| host.pointer("/dpus/1/id"))
        .and_then(Value::as_str);
    if let Some((id, switch)) = host.and_then(|host| text(host, "id").zip(text(host, "dvs"))) {
        let _ = write!(
            plan,
            "\n[[items]]\nname = {}\ngroup = \"infrastructure\"\n[items.dpu]\nendpoint = {}\nhost = {}\nswitch = {}\ntarget_dpu = {}\n",
            quoted(&format!("{switch} on {id}")),
            quoted(vcenter),
            quoted(id),
            quoted(switch),
            quoted(standby.unwrap_or_default())
        );
    }
    let passive = state
        .pointer(&format!("/vcha/clusters/{vcenter}/nodes/1/ha_ip"))
        .and_then(Value::as_str);
    if let Some(passive) = passive {
        let _ = write!(
            plan,
            "\n[[items]]\nname = {}\ngroup = \"infrastructure\"\n[items.vcha]\nendpoint = {}\nactivate = {}\n",
            quoted(vcenter),
            quoted(vcenter),
            quoted(passive)
        );
    }
}

/// The members of an array, or of an object by their names.
fn list<'a>(state: &'a Value, pointer: &str) -> Vec<&'a Value> {
    match state.pointer(pointer) {
        Some(Value::Array(entries)) => entries.iter().collect(),
        Some(Value::Object(members)) => members.values().collect(),
        _ => Vec::new(),
    }
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

fn pair(sides: &Value) -> Option<[&Value; 2]> {
    let sides = sides.as_array()?;
    sides
        .first()
        .zip(sides.get(1))
        .map(|(source, target)| [source, target])
}
