//! Worlds described in TOML: what an operator writes, read with the place of everything that is wrong.
//!
//! A file begins with a named world, `world = "pair"` if it says nothing, and changes it: its own keys, and whole keys of
//! the tables below it. What a key means is said at the member of the same name: `[vasa]` is [`VasaSpec`], `[vcda]`
//! [`VcdaSpec`], `[vcha]` [`VchaSpec`], `[dpu]` [`DpuSpec`], `[vm]` [`VmSpec`], `[pbm]` [`PbmSpec`], `[timing]`
//! [`TimingSpec`], `[vi_json]` [`ViJsonSpec`]. `worlds/two-sites.toml` in the folder of this crate is an example.
//!
//! [`VasaSpec`]: crate::sms::VasaSpec
//! [`VcdaSpec`]: crate::vcda::VcdaSpec
//! [`VchaSpec`]: crate::vcha::VchaSpec
//! [`DpuSpec`]: crate::dpu::DpuSpec
//! [`VmSpec`]: crate::vm::VmSpec
//! [`PbmSpec`]: crate::pbm::PbmSpec
//! [`TimingSpec`]: crate::spec::TimingSpec
//! [`ViJsonSpec`]: crate::vi_json::ViJsonSpec

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{SpecProblem, WorldSpec};
use crate::fault::file::place;
use crate::vcha::clusters_of;

/// The key that names the world with which a file begins.
const BASE: &str = "world";

/// A file that describes no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", path.display())]
pub struct WorldFileError {
    /// The file.
    pub path: PathBuf,
    /// Line, from one.
    pub line: usize,
    /// Column in characters, from one.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl WorldSpec {
    /// Reads a world from TOML; `path` names the file in errors and is not opened. `seed` stands instead of the file's.
    ///
    /// # Errors
    /// [`WorldFileError`] at the place of what is no TOML, of an unknown key, a value of a wrong type or out of range, or of
    /// something that the world does not have.
    pub fn from_toml(path: &Path, text: &str, seed: Option<u64>) -> Result<Self, WorldFileError> {
        read(text, seed).map_err(|(span, message)| locate(path, text, &span, message))
    }
}

/// A place in the text, and what is wrong there.
type Wrong = (Range<usize>, String);

fn read(text: &str, seed: Option<u64>) -> Result<WorldSpec, Wrong> {
    let mut root = DeTable::parse(text).map_err(|error| wrong(&error))?;
    let base = root.get_mut().remove(BASE).map(base_of).transpose()?;
    // Read by itself first: these errors know their place.
    let alone =
        WorldSpec::deserialize(toml::de::Deserializer::from(root.clone())).map_err(|error| wrong(&error))?;
    let seed = seed.unwrap_or(alone.seed);
    let mut spec = match base.as_deref() {
        None => alone,
        Some(base) => changed(base, seed, &root)?,
    };
    spec.seed = seed;
    if root.get_ref().contains_key("sites") && !has(&root, "vcha", "clusters") {
        spec.vcha.clusters = clusters_of(&spec.sites);
    }
    spec.check()
        .map_err(|problem| (span_of(&root, &problem), problem.message))?;
    Ok(spec)
}

/// Whether a file has a key below a table.
fn has(root: &Spanned<DeTable<'_>>, table: &str, key: &str) -> bool {
    let table = root.get_ref().get(table).map(Spanned::get_ref);
    matches!(table, Some(DeValue::Table(table)) if table.contains_key(key))
}

fn base_of(value: Spanned<DeValue<'_>>) -> Result<String, Wrong> {
    let span = value.span();
    let known = || {
        let names = WorldSpec::NAMES.map(|name| format!("\"{name}\"")).join(", ");
        (
            span.clone(),
            format!("`{BASE}` names the world to begin with: {names}"),
        )
    };
    match value.get_ref() {
        DeValue::String(name) if WorldSpec::NAMES.contains(&name.as_ref()) => Ok(name.clone().into_owned()),
        _ => Err(known()),
    }
}

/// A named world, with what the file says instead of what it has.
fn changed(base: &str, seed: u64, root: &Spanned<DeTable<'_>>) -> Result<WorldSpec, Wrong> {
    let start = root.span();
    let unread = |error: serde_json::Error| (start.clone(), error.to_string());
    let base = WorldSpec::named(base, seed).unwrap_or_default();
    let mut whole = serde_json::to_value(base).map_err(unread)?;
    let own =
        Value::deserialize(toml::de::Deserializer::from(root.clone())).map_err(|error| wrong(&error))?;
    let Value::Object(own) = own else {
        return serde_json::from_value(whole).map_err(unread);
    };
    for (key, value) in own {
        match (whole.get_mut(&key), value) {
            (Some(Value::Object(table)), Value::Object(changes)) => table.extend(changes),
            (_, value) => whole[key] = value,
        }
    }
    serde_json::from_value(whole).map_err(unread)
}

fn wrong(error: &toml::de::Error) -> Wrong {
    (error.span().unwrap_or(0..0), plainly(error.message()))
}

/// The names of Rust's numbers say nothing to those who write a world or a rule.
pub(crate) fn plainly(message: &str) -> String {
    let numbers = [
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        (
            "expected u64",
            "expected a whole number from 0 to 9223372036854775807",
        ),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected i64", "expected a whole number"),
        (
            "expected i32",
            "expected a whole number from -2147483648 to 2147483647",
        ),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list: [...]"),
    ];
    // JSON says its place behind.
    let found = numbers.iter().find_map(|(rust, plain)| {
        let (before, after) = message.split_once(rust)?;
        (after.is_empty() || after.starts_with(' ')).then(|| format!("{before}{plain}{after}"))
    });
    found.unwrap_or_else(|| message.to_owned())
}

/// Where the value stands that a check complains about; where the file does not name it, the table around it.
fn span_of(root: &Spanned<DeTable<'_>>, problem: &SpecProblem) -> Range<usize> {
    let mut span = root.span();
    let mut table = Some(root.get_ref());
    let mut list: Option<&toml::de::DeArray<'_>> = None;
    for step in &problem.place {
        let value = match (table, list) {
            (Some(table), _) => table.get(step.as_str()),
            (None, Some(list)) => step.parse::<usize>().ok().and_then(|index| list.get(index)),
            (None, None) => None,
        };
        let Some(value) = value else {
            break;
        };
        span = value.span();
        (table, list) = match value.get_ref() {
            DeValue::Table(table) => (Some(table), None),
            DeValue::Array(list) => (None, Some(list)),
            _ => (None, None),
        };
    }
    span
}

fn locate(path: &Path, text: &str, span: &Range<usize>, message: String) -> WorldFileError {
    let (line, column) = place(text, span.start);
    WorldFileError {
        path: path.to_owned(),
        line,
        column,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<WorldSpec, String> {
        WorldSpec::from_toml(Path::new("w.toml"), text, None).map_err(|error| error.to_string())
    }

    fn refusal(text: &str) -> String {
        read(text).expect_err("this describes no world")
    }

    #[test]
    fn an_empty_file_is_the_world_pair() {
        assert_eq!(read("").unwrap(), WorldSpec::pair(1));
    }

    #[test]
    fn the_example_is_read_and_built() {
        let spec = read(include_str!("../../worlds/two-sites.toml")).unwrap();
        let world = spec.build();
        assert_eq!(world.sms().groups().count(), 2 * spec.groups as usize);
        assert_ne!(spec, WorldSpec::pair(spec.seed));
    }

    #[test]
    fn a_file_changes_the_world_that_it_begins_with() {
        let odd = WorldSpec::odd(5);
        let read = read("world = \"odd\"\nseed = 5\ngroups = 3\n[vm]\nplain = 9\n").unwrap();
        let mut wanted = odd.groups(3);
        wanted.vm.plain = 9;
        assert_eq!(read, wanted);
    }

    #[test]
    fn a_key_of_a_service_replaces_what_the_named_world_has_there() {
        let read = read("world = \"large\"\n[vcha.clusters.vc-west]\nmode = \"MAINTENANCE\"\n").unwrap();
        assert_eq!(read.groups, WorldSpec::large(1).groups);
        assert_eq!(read.vcha.clusters.keys().collect::<Vec<_>>(), ["vc-west"]);
    }

    /// Each text is refused, and what is told of it begins like this.
    fn are_refused(cases: &[(&str, &str)]) {
        for (text, wanted) in cases {
            let told = refusal(text);
            assert!(told.starts_with(wanted), "{told}\nwanted: {wanted}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        are_refused(&[
            ("seed = 1\ngrops = 3\n", "w.toml:2:1: unknown field `grops`"),
            (
                "groups = \"3\"\n",
                "w.toml:1:10: invalid type: string \"3\", expected a whole number from 0",
            ),
            (
                "\n[vcda]\n  refuses_in_task = 1\n",
                "w.toml:3:21: invalid type: integer `1`, expected true or false",
            ),
            ("groups = 3\ngroups = 4\n", "w.toml:2:1: duplicate key"),
            (
                "[vm]\nplacement = \"drs\"\n",
                "w.toml:2:13: unknown variant `drs`, expected one of `none`",
            ),
            (
                "world = \"moon\"\n",
                "w.toml:1:9: `world` names the world to begin with: \"pair\"",
            ),
            ("seed = 2\nworld = 3\n", "w.toml:2:9: `world` names"),
            (
                "[vcha.clusters.vc-north]\n",
                "w.toml:1:1: `vc-north` is no vCenter of the world",
            ),
            (
                "[[vasa.providers]]\n[[vasa.providers]]\noffline_at = [\"moon\"]\n",
                "w.toml:3:14: `moon` is no vCenter",
            ),
            (
                "[[dpu.troubles]]\nhost = \"host-19\"\ntrouble = \"not_offloaded\"\n",
                "w.toml:2:8: `host-19` is no host of the world, which has host-11, host-12, host-21, host-22",
            ),
            ("groups = 100001\n", "w.toml:1:10: at most 100000"),
            (
                "[dpu]\nhosts_per_vcenter = 4000000000\n",
                "w.toml:2:21: at most 999 hosts",
            ),
            (
                "releases = [\"8.0.3\"]\n",
                "w.toml:1:13: `8.0.3` is no release: numbers",
            ),
            (
                "[vcda]\napi_version = \"4\"\n",
                "w.toml:2:15: `4` is no release: numbers",
            ),
            (
                "[vcha.clusters.vc-east]\nfailover_ips = [\"10.0.0.1\", \"here\"]\n",
                "w.toml:2:29: `here` is no address",
            ),
            ("[vm]\nplain = 4000000000\n", "w.toml:2:9: at most 10000"),
            (
                "[vcda]\nunprotected = 4000000000\n",
                "w.toml:2:15: at most 100000",
            ),
            (
                "[[vm.troubles]]\nmachine = \"app-9\"\ntrouble = \"no_tools\"\n",
                "w.toml:2:11: `app-9` is no machine of the world",
            ),
            (
                "[[dpu.troubled_switches]]\nswitch = \"dvs-9\"\ntrouble = \"hidden\"\n",
                "w.toml:2:10: `dvs-9` is no distributed switch of the world, which has dvs-11, dvs-21",
            ),
            ("releases = []\n", "w.toml:1:12: "),
            ("[vasa]\nproviders = []\n", "w.toml:2:13: groups need a provider"),
            ("[timing]\nwork_percent = 0\n", "w.toml:2:16: from 1 to 10000"),
        ]);
    }

    #[test]
    fn what_is_wrong_with_sites_is_told_with_its_place() {
        are_refused(&[
            ("sites = []\n", "w.toml:1:9: from 1 to 25 sites, not 0"),
            (
                "sites = [\"east\"]\n",
                "w.toml:1:10: invalid type: string \"east\"",
            ),
            ("[[sites]]\n", "w.toml:1:1: missing field `name`"),
            (
                "[[sites]]\nname = \"\"\n",
                "w.toml:2:8: `` is no name of a site: letters, digits",
            ),
            (
                "[[sites]]\nname = \"vc-a\"\n",
                "w.toml:2:8: `vc-a` is no name of a site: `vc-` stands",
            ),
            (
                "[[sites]]\nname = \"a\"\n[[sites]]\nname = \"A\"\n",
                "w.toml:4:8: there is another site `A`",
            ),
            (
                "[[sites]]\nname = \"a\"\n",
                "w.toml:1:1: one site alone recovers nothing: set `groups = 0` and `replications = 0`",
            ),
            (
                "[[sites]]\nname = \"a\"\nrecovers_at = \"b\"\n[[sites]]\nname = \"c\"\n",
                "w.toml:3:15: `b` is no other site of the world, which has c",
            ),
            (
                "[[sites]]\nname = \"a\"\nrecovers_at = \"b\"\n[[sites]]\nname = \"b\"\nrecovers_at = \"a\"\n",
                "w.toml:6:15: `b` is in another pair of sites",
            ),
            (
                "[[sites]]\nname = \"a\"\n[[sites]]\nname = \"b\"\n[[sites.clusters]]\nname = \"c\"\nhosts = [{ cuont = 1 }]\n",
                "w.toml:7:12: unknown field `cuont`, expected one of `count`, `dpus`, `release`",
            ),
            (
                "[[sites]]\nname = \"a\"\nclusters = [{ name = \"c\", hosts = [{ release = \"new\" }] }]\n[[sites]]\nname = \"b\"\n",
                "w.toml:3:48: `new` is no release: numbers with dots",
            ),
            (
                "[[sites]]\nname = \"a\"\nclusters = [{ name = \"c\", hosts = [{ count = 1000 }] }]\n[[sites]]\nname = \"b\"\n",
                "w.toml:3:12: at most 999 hosts at a vCenter, not 1000",
            ),
            (
                "[[sites]]\nname = \"a\"\ndatacenters = [\"x\", \"a\"]\n[[sites]]\nname = \"b\"\n",
                "w.toml:3:21: `a` is there already",
            ),
            (
                "[[sites]]\nname = \"a\"\ndatastores = [\"x\", \"local-a\"]\n[[sites]]\nname = \"b\"\n",
                "w.toml:3:20: `local-a` is there already",
            ),
            (
                "[[sites]]\nname = \"a\"\nnetworks = [{ name = \"a/b\" }]\n[[sites]]\nname = \"b\"\n",
                "w.toml:3:22: a name has 1 to 80 characters",
            ),
            (
                "[[sites]]\nname = \"a\"\n[[sites]]\nname = \"b\"\n[vcha.clusters.vc-east]\n",
                "w.toml:5:1: `vc-east` is no vCenter of the world, which has vc-a, vc-b",
            ),
        ]);
    }
}
