//! The servers of a plan: where they are, who logs in, and what is trusted.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use farside_engine::EndpointId;
use farside_transport::SecretSource;
use serde::{Deserialize, Serialize};

use crate::plan::table::{PlanProblem, Table};

/// A server of the plan. Serialised, it goes into a run's first record: it names where the password comes from, never
/// the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// What is spoken there.
    pub endpoint_type: EndpointType,
    /// The site it stands in; decides whether a disaster run may talk to it.
    pub site: String,
    /// `https://host[:port]`.
    pub url: String,
    /// Further base addresses at which the same server may answer after its own failover.
    pub also_at: Vec<String>,
    /// Who logs in.
    pub username: String,
    /// Where the password comes from; never the password.
    #[serde(with = "secret_place")]
    pub password: SecretSource,
    /// What is trusted.
    pub tls: TlsConfig,
    /// Calls under way at once.
    pub max_calls: u32,
    /// Other Cloud Director Availability services of the plan whose sites a session here is extended to for work that needs
    /// them. Journals of before have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<EndpointId, ExtensionConfig>,
}

/// How a session is extended to the site of another service of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionConfig {
    /// The short name that the service has for that site.
    pub site: String,
    /// A user of Cloud Director there, `user@org`.
    pub username: String,
    /// Where its password comes from; never the password.
    #[serde(with = "secret_place")]
    pub password: SecretSource,
}

/// An endpoint as its table says it, which may lean on others of the plan.
#[derive(Debug)]
pub(crate) struct EndpointTable {
    pub(crate) config: EndpointConfig,
    extensions: Vec<ExtensionTable>,
}

/// An extension as its table says it.
#[derive(Debug)]
struct ExtensionTable {
    to: EndpointId,
    span: Range<usize>,
    site: String,
    /// Those of the other endpoint, unless the table has its own.
    credentials: Option<(String, SecretSource)>,
}

/// What is spoken at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointType {
    /// A vCenter: VI JSON and the REST API.
    #[serde(rename = "vcenter")]
    Vcenter,
    /// A Cloud Director Availability service.
    #[serde(rename = "vcda")]
    Availability,
}

impl EndpointType {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "vcenter" => Some(EndpointType::Vcenter),
            "vcda" => Some(EndpointType::Availability),
            _ => None,
        }
    }
}

impl fmt::Display for EndpointType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EndpointType::Vcenter => "vcenter",
            EndpointType::Availability => "vcda",
        })
    }
}

/// What is trusted at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsConfig {
    /// The roots of the system.
    System,
    /// The certificates in a PEM file.
    CaFile(PathBuf),
    /// The certificates that a file lists for the host (`host[:port] SHA-256:..`), and no others; a host that it does not list is
    /// refused.
    KnownHosts(PathBuf),
    /// One certificate, by its SHA-256 thumbprint.
    #[serde(with = "pin_text")]
    Pin(farside_transport::Pin),
    /// Anything; with a warning on each connect.
    DangerAcceptAnyCertificate,
}

/// Keys of an endpoint.
pub(crate) const KEYS: [&str; 12] = [
    "type",
    "site",
    "url",
    "also_at",
    "username",
    "password",
    "ca_file",
    "known_hosts",
    "pin",
    "danger_accept_any_certificate",
    "max_calls",
    "extensions",
];
/// Keys of an extension.
const EXTENSION_KEYS: [&str; 3] = ["site", "username", "password"];
/// Calls under way at once where the plan does not say.
const DEFAULT_MAX_CALLS: u32 = 16;

impl EndpointTable {
    /// Reads an `[endpoints.NAME]` table; relative paths start at the plan's folder.
    pub(crate) fn read(table: &Table<'_>, folder: &Path) -> Result<Self, PlanProblem> {
        let kind = table.text("type")?;
        let endpoint_type = EndpointType::parse(&kind).ok_or_else(|| {
            table.problem_at(
                "type",
                format!("unknown endpoint type `{kind}` (known: vcenter, vcda)"),
            )
        })?;
        let url = table.text("url")?;
        let url = canonical_url(&url).map_err(|reason| table.problem_at("url", reason))?;
        let also_at = table
            .texts("also_at")?
            .iter()
            .map(|address| canonical_url(address))
            .collect::<Result<_, _>>();
        let also_at = also_at.map_err(|reason| table.problem_at("also_at", reason))?;
        let config = EndpointConfig {
            endpoint_type,
            site: table.text("site")?,
            url,
            also_at,
            username: table.text("username")?,
            password: read_secret(table, folder)?,
            tls: read_tls(table, folder)?,
            max_calls: table.optional_count("max_calls")?.unwrap_or(DEFAULT_MAX_CALLS),
            extensions: BTreeMap::new(),
        };
        let extensions = table.named_tables("extensions", &EXTENSION_KEYS)?;
        if endpoint_type != EndpointType::Availability && !extensions.is_empty() {
            return Err(table.problem_at(
                "extensions",
                "only an endpoint of type vcda has extensions: sessions of vCenter are for one server",
            ));
        }
        let extensions = extensions
            .into_iter()
            .map(|(to, extension)| ExtensionTable::read(EndpointId::new(to), &extension, folder));
        let extensions = extensions.collect::<Result<_, _>>()?;
        Ok(Self { config, extensions })
    }
}

impl ExtensionTable {
    /// Reads an `[endpoints.NAME.extensions.OTHER]` table.
    fn read(to: EndpointId, table: &Table<'_>, folder: &Path) -> Result<Self, PlanProblem> {
        let site = table.text("site")?;
        let user = table.optional_text("username")?;
        let credentials = match (user, table.has("password")) {
            (Some(user), true) => Some((user, read_secret(table, folder)?)),
            (None, false) => None,
            (Some(_), false) | (None, true) => {
                return Err(table.problem(format!(
                    "`username` and `password` come together, or neither: then those of [endpoints.{to}] are used"
                )));
            }
        };
        let span = table.span();
        Ok(Self {
            to,
            span,
            site,
            credentials,
        })
    }
}

/// Settles what endpoints say of each other.
pub(crate) fn settle(
    tables: BTreeMap<EndpointId, EndpointTable>,
) -> Result<BTreeMap<EndpointId, EndpointConfig>, PlanProblem> {
    let mut settled: BTreeMap<EndpointId, EndpointConfig> = tables
        .iter()
        .map(|(id, table)| (id.clone(), table.config.clone()))
        .collect();
    for (id, table) in &tables {
        for extension in &table.extensions {
            let config = extension.settle(id, &tables)?;
            if let Some(own) = settled.get_mut(id) {
                own.extensions.insert(extension.to.clone(), config);
            }
        }
    }
    Ok(settled)
}

impl ExtensionTable {
    fn settle(
        &self,
        from: &EndpointId,
        tables: &BTreeMap<EndpointId, EndpointTable>,
    ) -> Result<ExtensionConfig, PlanProblem> {
        let wrong = |message: String| Err(PlanProblem::new(self.span.clone(), message));
        let to = &self.to;
        if to == from {
            return wrong(format!(
                "endpoint {from} is extended to itself; name the endpoint of the other site"
            ));
        }
        let other = match tables.get(to) {
            Some(other) if other.config.endpoint_type == EndpointType::Availability => &other.config,
            Some(other) => {
                let type_ = other.config.endpoint_type;
                return wrong(format!("endpoint {to} is of type {type_}, not vcda"));
            }
            None => {
                let names: Vec<&str> = tables.keys().map(EndpointId::as_str).collect();
                return wrong(format!(
                    "no endpoint {to} in the plan to extend {from} to (there are: {})",
                    names.join(", ")
                ));
            }
        };
        let own = self.credentials.clone();
        let (username, password) = own.unwrap_or_else(|| (other.username.clone(), other.password.clone()));
        Ok(ExtensionConfig {
            site: self.site.clone(),
            username,
            password,
        })
    }
}

/// One spelling for one address, since locks are made of it: small letters, no slash at the end, no default port.
fn canonical_url(url: &str) -> Result<String, String> {
    let lower = url.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://") else {
        return Err("the address must begin with https://".to_owned());
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let odd = "the address must be https://host or https://host:port, without a path or a user";
    if authority.contains(['@', '/', '?', '#']) {
        return Err(odd.to_owned());
    }
    let authority = authority.strip_suffix(":443").unwrap_or(authority);
    // Taken apart by the same rules as the transport's; what is odd is refused here, where its place is known. The text
    // is not repeated: it may hold a password.
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            if port.parse::<u16>().unwrap_or(0) == 0 {
                return Err("the port must be a number from 1 to 65535".to_owned());
            }
            host
        }
        _ => authority,
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let is_odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    if bare.is_empty() || bare.contains(is_odd) || (bare.contains(':') && bare == host) {
        return Err(odd.to_owned());
    }
    Ok(format!("https://{authority}"))
}

fn read_secret(table: &Table<'_>, folder: &Path) -> Result<SecretSource, PlanProblem> {
    let secret = table.table("password", &["env", "file", "command"])?;
    let variable = secret.optional_text("env")?;
    let file = secret.optional_text("file")?;
    let command = secret.texts("command")?;
    match (variable, file, command.is_empty()) {
        (Some(variable), None, true) => Ok(SecretSource::Env(variable)),
        (None, Some(file), true) => Ok(SecretSource::File(folder.join(file))),
        (None, None, false) => Ok(SecretSource::Command(command)),
        _ => Err(secret.problem(
            "`password` needs exactly one of { env = \"NAME\" }, { file = \"PATH\" } and { command = [..] }",
        )),
    }
}

fn read_tls(table: &Table<'_>, folder: &Path) -> Result<TlsConfig, PlanProblem> {
    let ca_file = table.optional_text("ca_file")?;
    let known_hosts = table.optional_text("known_hosts")?;
    let pin = table.optional_text("pin")?;
    let any = table.flag("danger_accept_any_certificate", false)?;
    match (ca_file, known_hosts, pin, any) {
        (None, None, None, false) => Ok(TlsConfig::System),
        (Some(file), None, None, false) => Ok(TlsConfig::CaFile(folder.join(file))),
        (None, Some(file), None, false) => Ok(TlsConfig::KnownHosts(folder.join(file))),
        (None, None, Some(pin), false) => match pin.parse() {
            Ok(pin) => Ok(TlsConfig::Pin(pin)),
            Err(reason) => Err(table.problem_at("pin", format!("`pin` cannot be used: {reason}"))),
        },
        (None, None, None, true) => Ok(TlsConfig::DangerAcceptAnyCertificate),
        _ => Err(table
            .problem("use only one of `ca_file`, `known_hosts`, `pin` and `danger_accept_any_certificate`")),
    }
}

/// The journal's form of a [`SecretSource`].
mod secret_place {
    use std::path::PathBuf;

    use farside_transport::SecretSource;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Place {
        Env(String),
        File(PathBuf),
        Command(Vec<String>),
    }

    pub(super) fn serialize<S: Serializer>(source: &SecretSource, serializer: S) -> Result<S::Ok, S::Error> {
        match source {
            SecretSource::Env(name) => Place::Env(name.clone()),
            SecretSource::File(path) => Place::File(path.clone()),
            SecretSource::Command(argv) => Place::Command(argv.clone()),
            _ => {
                return Err(ser::Error::custom(
                    "this place of a password cannot be written to a journal",
                ));
            }
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretSource, D::Error> {
        let place = Place::deserialize(deserializer).map_err(de::Error::custom)?;
        Ok(match place {
            Place::Env(name) => SecretSource::Env(name),
            Place::File(path) => SecretSource::File(path),
            Place::Command(argv) => SecretSource::Command(argv),
        })
    }
}

/// A pin as people write it.
mod pin_text {
    use farside_transport::Pin;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(pin: &Pin, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(pin)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pin, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
