//! The plan file as written: sites, endpoints, priority groups, items. Reading it asks no server.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use farside_engine::{EndpointId, ItemId};
use sha2::{Digest, Sha256};
use toml::de::DeTable;

use crate::kind::{Kinds, Protected};
use crate::plan::endpoint::{self, EndpointConfig, EndpointTable};
use crate::plan::table::{PlanContext, PlanError, PlanProblem, Table};

/// The only version of the document so far.
const VERSION: u32 = 1;
/// How long the world must stay unchanged before an unknown outcome counts as "did not happen", unless the plan says.
const DEFAULT_SETTLE: Duration = Duration::from_secs(15 * 60);
/// The least of these times that a plan may ask for. A server takes a moment to show what it has accepted; if the world had to
/// stay unchanged for less, a call whose answer was lost would be sent again as good as at once.
const LEAST_SETTLE: Duration = Duration::from_secs(2);
/// Keys of the file.
const KEYS: [&str; 9] = [
    "version",
    "name",
    "journal",
    "protected_site",
    "recovery_site",
    "timing",
    "endpoints",
    "groups",
    "items",
];
/// Keys of an item, beside the one that names a kind of protection.
const ITEM_KEYS: [&str; 4] = ["name", "group", "depends_on", "timing"];
/// How long one action may take, unless the plan says.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(60 * 60);

/// A recovery plan as its file says it.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it was read.
    pub path: PathBuf,
    /// SHA-256 of its text, hexadecimal.
    pub hash: String,
    /// Its name.
    pub name: String,
    /// The journal it asks for.
    pub journal: Option<String>,
    /// The site whose systems it protects.
    pub protected_site: String,
    /// The site they are recovered at.
    pub recovery_site: String,
    /// Its servers.
    pub endpoints: BTreeMap<EndpointId, EndpointConfig>,
    /// Its priority groups, first to start first.
    pub groups: Vec<PriorityGroup>,
    /// What it protects.
    pub items: Vec<ItemDeclaration>,
}

/// Items that start together, when those of the groups before have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityGroup {
    /// Its name.
    pub name: String,
}

/// A protected item.
#[derive(Clone, Debug)]
pub struct ItemDeclaration {
    /// Its name.
    pub id: ItemId,
    /// Position of its group.
    pub group: usize,
    /// What must be done before it.
    pub depends_on: Vec<ItemId>,
    /// Its kind of protection.
    pub kind: &'static str,
    /// What the kind read.
    pub protected: Protected,
    /// Its times.
    pub timing: Timing,
    /// Where it stands in the file.
    pub span: Range<usize>,
}

/// Times of an item's actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long the world must stay unchanged before an unknown outcome counts as "did not happen"; at least two seconds.
    pub settle: Duration,
    /// How long an action may take from its start to its end.
    pub deadline: Duration,
}

impl Document {
    /// Reads a plan's text; `path` names it in messages and is where relative paths start.
    ///
    /// # Errors
    /// It is wrong at a place that is named. No server was asked.
    pub fn parse(path: &Path, text: &str, kinds: &Kinds) -> Result<Self, PlanError> {
        let hash = Sha256::digest(text.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let root = DeTable::parse(text).map_err(|error| {
            PlanError::locate(
                path,
                text,
                PlanProblem::new(error.span().unwrap_or(0..0), error.message()),
            )
        })?;
        let table = Table::of_file(root.span(), root.get_ref(), &KEYS);
        read(path, hash, table, kinds).map_err(|problem| PlanError::locate(path, text, problem))
    }
}

fn read(path: &Path, hash: String, table: Table<'_>, kinds: &Kinds) -> Result<Document, PlanProblem> {
    match table.optional_count("version")? {
        Some(VERSION) => {}
        Some(other) => {
            return Err(table.problem_at(
                "version",
                format!("plan version {other} is not known (known: {VERSION})"),
            ));
        }
        None => return Err(table.problem(format!("the plan lacks `version = {VERSION}`"))),
    }
    let table = table.checked()?;
    let name = table.text("name")?;
    if !is_plain_name(&name) {
        return Err(table.problem_at("name", format!("the plan's name must be {PLAIN_NAME}")));
    }
    let journal = table.optional_text("journal")?;
    let protected_site = table.text("protected_site")?;
    let recovery_site = table.text("recovery_site")?;
    if protected_site == recovery_site {
        return Err(table.problem_at(
            "recovery_site",
            "the recovery site must be another one than the protected site",
        ));
    }
    let timing = read_timing(
        &table,
        Timing {
            settle: DEFAULT_SETTLE,
            deadline: DEFAULT_DEADLINE,
        },
    )?;
    // A resume may start elsewhere: paths of passwords and certificates do not depend on the current folder.
    let folder = path.parent().unwrap_or(Path::new("."));
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let endpoints = read_endpoints(&table, &folder, [&protected_site, &recovery_site])?;
    let groups = read_groups(&table)?;
    let context = PlanContext { endpoints };
    let items = read_items(&table, kinds, &context, &groups, timing)?;
    Ok(Document {
        path: path.to_owned(),
        hash,
        name,
        journal,
        protected_site,
        recovery_site,
        endpoints: context.endpoints,
        groups,
        items,
    })
}

fn read_timing(table: &Table<'_>, default: Timing) -> Result<Timing, PlanProblem> {
    let Some(timing) = table.optional_table("timing", &["settle", "deadline"])? else {
        return Ok(default);
    };
    let settle = timing.optional_duration("settle")?.unwrap_or(default.settle);
    if settle < LEAST_SETTLE {
        return Err(timing.problem_at(
            "settle",
            format!(
                "`settle` must be at least {} s: a call of which nobody knows whether it was carried out is sent again after \
                 that time",
                LEAST_SETTLE.as_secs()
            ),
        ));
    }
    Ok(Timing {
        settle,
        deadline: timing.optional_duration("deadline")?.unwrap_or(default.deadline),
    })
}

fn read_endpoints(
    table: &Table<'_>,
    folder: &Path,
    sites: [&String; 2],
) -> Result<BTreeMap<EndpointId, EndpointConfig>, PlanProblem> {
    let mut endpoints = BTreeMap::new();
    for (name, endpoint) in table.named_tables("endpoints", &endpoint::KEYS)? {
        let span = endpoint.span();
        let table = EndpointTable::read(&endpoint, folder)?;
        let config = &table.config;
        if !sites.contains(&&config.site) {
            return Err(PlanProblem::new(
                span,
                format!(
                    "endpoint {name} stands in site `{}`, which is neither {} nor {}",
                    config.site, sites[0], sites[1]
                ),
            ));
        }
        if let Some((other, _)) = endpoints
            .iter()
            .find(|(_, known): &(_, &EndpointTable)| known.config.url == config.url)
        {
            return Err(PlanProblem::new(
                span,
                format!("endpoints {other} and {name} are one server ({})", config.url),
            ));
        }
        endpoints.insert(EndpointId::new(name), table);
    }
    endpoint::settle(endpoints)
}

fn read_groups(table: &Table<'_>) -> Result<Vec<PriorityGroup>, PlanProblem> {
    let mut groups: Vec<PriorityGroup> = Vec::new();
    for group in table.tables("groups", "priority group", &["name"])? {
        let name = group.text("name")?;
        if groups.iter().any(|known| known.name == name) {
            return Err(group.problem_at("name", format!("priority group {name} is listed twice")));
        }
        groups.push(PriorityGroup { name });
    }
    Ok(groups)
}

fn read_items(
    table: &Table<'_>,
    kinds: &Kinds,
    context: &PlanContext,
    groups: &[PriorityGroup],
    timing: Timing,
) -> Result<Vec<ItemDeclaration>, PlanProblem> {
    let names: Vec<&'static str> = kinds.names().collect();
    let mut items: Vec<ItemDeclaration> = Vec::new();
    let keys = [&ITEM_KEYS, names.as_slice()].concat();
    for item in table.tables("items", "item", &keys)? {
        let declaration = read_item(&item, kinds, &names, context, groups, timing)?;
        if items.iter().any(|known| known.id == declaration.id) {
            return Err(item.problem_at("name", format!("item {} is listed twice", declaration.id)));
        }
        items.push(declaration);
    }
    if items.is_empty() {
        return Err(table.problem("the plan protects nothing: it has no [[items]]"));
    }
    check_references(&items)?;
    Ok(items)
}

fn read_item(
    item: &Table<'_>,
    kinds: &Kinds,
    names: &[&'static str],
    context: &PlanContext,
    groups: &[PriorityGroup],
    timing: Timing,
) -> Result<ItemDeclaration, PlanProblem> {
    let id = ItemId::new(item.text("name")?);
    let group = item.text("group")?;
    let group = groups
        .iter()
        .position(|known| known.name == group)
        .ok_or_else(|| {
            let known: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            let known = if known.is_empty() {
                "there are none".to_owned()
            } else {
                format!("there are: {}", known.join(", "))
            };
            item.problem_at(
                "group",
                format!("no priority group `{group}` in the plan ({known})"),
            )
        })?;
    let depends_on = item.texts("depends_on")?.into_iter().map(ItemId::new).collect();
    let timing = read_timing(item, timing)?;
    let span = item.span();
    let kind = item.one_of(names)?;
    let Some(reader) = kinds.get(kind) else {
        return Err(item.problem_at(kind, format!("no kind of protection is called {kind}")));
    };
    let own = item.table(kind, reader.keys())?;
    let protected = reader.read(&own, context)?;
    Ok(ItemDeclaration {
        id,
        group,
        depends_on,
        kind,
        protected,
        timing,
        span,
    })
}

/// Dependencies must exist, and nothing is protected twice.
fn check_references(items: &[ItemDeclaration]) -> Result<(), PlanProblem> {
    let names: BTreeSet<&ItemId> = items.iter().map(|item| &item.id).collect();
    let mut locks = BTreeMap::new();
    for item in items {
        if let Some(wanted) = item.depends_on.iter().find(|wanted| !names.contains(wanted)) {
            return Err(PlanProblem::new(
                item.span.clone(),
                format!("item {} depends on {wanted}, which is not in the plan", item.id),
            ));
        }
        for lock in &item.protected.locks {
            if let Some(other) = locks.insert(lock, &item.id) {
                return Err(PlanProblem::new(
                    item.span.clone(),
                    format!("items {other} and {} protect the same thing ({lock})", item.id),
                ));
            }
        }
    }
    Ok(())
}

/// What [`is_plain_name`] takes, for people.
pub const PLAIN_NAME: &str =
    "1 to 64 letters, digits, dots, hyphens or underscores, and not begin with a dot";

/// Whether a plan or a run may have this name: it becomes part of file names.
pub fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(plain)
}
