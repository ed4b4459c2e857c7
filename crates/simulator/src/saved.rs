//! A world as a file: all that it is, so that it goes on exactly as it would have.
//!
//! The file is JSON with a version of its own. Simulated passwords and tokens of sessions are in it: they are good for the
//! simulated world only, and it could not go on without them. What watches the world from outside is not: connections, and
//! the events that a reader of the administration endpoint has not read yet.

#[cfg(test)]
mod form;

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fault::UnfitRule;
use crate::world::World;

/// The version of the form. It grows with each change of anything that a world consists of; a test holds it against
/// `saved/form.txt`.
const VERSION: u32 = 15;

/// The member that says that a file is a saved world.
const MARK: &str = "farside_world";

/// Why a file cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is no saved world at all.
    #[error("this is no saved world: it lacks the member `{MARK}`")]
    Other,
    /// It was saved by another release.
    #[error("the world was saved in version {found} of the form; this release loads version {VERSION} only")]
    Version {
        /// Its version.
        found: u64,
    },
    /// It is damaged.
    #[error("the saved world cannot be read")]
    Damaged(#[source] serde_json::Error),
    /// One of its fault rules fits no world like it.
    #[error("rule {fault} of the saved world makes no sense in it")]
    Fault {
        /// The number of the rule.
        fault: u32,
        /// What is wrong with it.
        source: UnfitRule,
    },
}

#[derive(Serialize)]
struct Saved<'a> {
    farside_world: u32,
    passwords: BTreeMap<&'a str, &'a str>,
    world: &'a World,
}

#[cfg_attr(test, derive(Debug))]
#[derive(Deserialize)]
struct Loaded {
    passwords: BTreeMap<String, String>,
    world: World,
}

#[derive(Deserialize)]
struct Head {
    farside_world: Option<u64>,
}

impl World {
    /// Whether a file says that it is a saved world, of whatever version.
    pub fn is_saved(bytes: &[u8]) -> bool {
        match serde_json::from_slice::<Head>(bytes) {
            Ok(head) => head.farside_world.is_some(),
            // What has lost its end begins as it was written.
            Err(_) => bytes
                .strip_prefix(b"{\"")
                .is_some_and(|rest| rest.starts_with(MARK.as_bytes())),
        }
    }

    /// The whole world as a file: state, clock, events under way, sessions, tasks, requests that wait for their answers, the
    /// log of calls, and the faults. Simulated passwords and tokens are in it.
    ///
    /// # Errors
    /// [`serde_json::Error`] if some of it is nothing that JSON can hold, which is a defect of the simulator.
    pub fn save(&self) -> Result<Vec<u8>, serde_json::Error> {
        let passwords = self
            .endpoints()
            .map(|one| (one.name.as_str(), one.password.as_str()));
        serde_json::to_vec(&Saved {
            farside_world: VERSION,
            passwords: passwords.collect(),
            world: self,
        })
    }

    /// A world that was saved. It goes on from where it stood, exactly as the saved one would have.
    ///
    /// # Errors
    /// [`LoadError`] if it is no saved world, was saved in another version of the form, is damaged, or has a fault rule that makes no
    /// sense in it.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let head: Head = serde_json::from_slice(bytes).map_err(|error| {
            if Self::is_saved(bytes) {
                LoadError::Damaged(error)
            } else {
                LoadError::Other
            }
        })?;
        match head.farside_world {
            None => return Err(LoadError::Other),
            Some(found) if found != u64::from(VERSION) => return Err(LoadError::Version { found }),
            Some(_) => {}
        }
        let Loaded { passwords, mut world } = serde_json::from_slice(bytes).map_err(LoadError::Damaged)?;
        for (name, password) in passwords {
            if let Some(endpoint) = world.core.endpoints.get_mut(&name) {
                endpoint.password = password;
            }
        }
        for known in world.faults().active() {
            let fault = known.id;
            world
                .check_names(&known.rule)
                .map_err(|source| LoadError::Fault { fault, source })?;
        }
        Ok(world)
    }
}

/// One of the texts that the code itself has: an operation, a type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(pub(crate) &'static str);

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.0
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(kept(String::deserialize(deserializer)?)))
    }
}

/// A text of a file that lives as long as the process. Each is kept once, however often worlds are loaded.
fn kept(text: String) -> &'static str {
    static KEPT: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(text.as_str()) {
        return known;
    }
    let text: &'static str = Box::leak(text.into_boxed_str());
    kept.insert(text);
    text
}

/// Such a text in a field. A name of its own keeps the derive from borrowing it from the file.
pub(crate) type Text = &'static str;

/// A field that is one of the texts that the code itself has.
pub(crate) mod name {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Name;

    pub(crate) fn serialize<S: Serializer>(text: &&'static str, serializer: S) -> Result<S::Ok, S::Error> {
        Name(text).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
        Ok(Name::deserialize(deserializer)?.0)
    }
}

/// A map whose keys are no texts, as a list of pairs.
pub(crate) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// What is shared in memory is written out each time.
pub(crate) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        shared: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        shared.as_ref().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Arc<T>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// A map of what is shared in memory.
pub(crate) mod shared_map {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        map: &BTreeMap<String, Arc<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(name, shared)| (name, shared.as_ref())))
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<BTreeMap<String, Arc<T>>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        let map = BTreeMap::<String, T>::deserialize(deserializer)?;
        Ok(map.into_iter().map(|(name, one)| (name, Arc::new(one))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{FaultAction, FaultRule};
    use crate::spec::WorldSpec;

    /// A world that was saved before a change of the form would be loaded as something else, or not at all.
    #[test]
    fn the_form_of_saved_worlds_changes_only_with_its_version() {
        let form = form::of::<Loaded>();
        let now = format!("version {VERSION}\n{form}");
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/saved/form.txt");
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        if now == kept {
            return;
        }
        let raised = !kept.starts_with(&format!("version {VERSION}\n"));
        assert!(
            raised || kept.is_empty(),
            "the form of saved worlds has changed: raise VERSION in src/saved.rs, then UPDATE_GOLDEN=1 writes the new form\n{}",
            changed(&kept, &now)
        );
        assert!(
            std::env::var_os("UPDATE_GOLDEN").is_some(),
            "src/saved/form.txt is of another version: UPDATE_GOLDEN=1 writes it\n{}",
            changed(&kept, &now)
        );
        std::fs::write(path, now).unwrap();
    }

    /// The lines that are in one text only.
    fn changed(before: &str, after: &str) -> String {
        let only = |mark: &str, one: &str, other: &str| -> String {
            let lines = one
                .lines()
                .filter(|line| !other.lines().any(|known| known == *line));
            lines.map(|line| format!("{mark} {line}\n")).collect()
        };
        only("-", before, after) + &only("+", after, before)
    }

    #[test]
    fn what_is_no_saved_world_of_this_version_is_refused_with_the_reason() {
        let told = |text: &str| World::load(text.as_bytes()).expect_err("no world").to_string();
        assert!(told("{\"seed\": 1}").contains("no saved world"));
        assert!(told("no JSON").contains("no saved world"));
        let newer = told("{\"farside_world\": 99, \"world\": {\"what\": \"ever\"}}");
        assert!(
            newer.contains("version 99") && newer.contains(&format!("version {VERSION} only")),
            "{newer}"
        );
        let saved = WorldSpec::pair(1)
            .groups(1)
            .replications(1)
            .build()
            .save()
            .unwrap();
        let half = &saved[..saved.len() / 2];
        assert!(matches!(World::load(half), Err(LoadError::Damaged(_))) && World::is_saved(half));
        assert!(World::is_saved(&saved) && !World::is_saved(b"{\"seed\": 1}"));
    }

    // The clock stood still, and whoever wanted the world waited for ever.
    #[test]
    fn time_passes_in_a_world_whose_file_says_that_copies_follow_at_once() {
        let saved = WorldSpec::pair(1)
            .groups(0)
            .replications(1)
            .build()
            .save()
            .unwrap();
        let saved = String::from_utf8(saved).unwrap();
        let changed = saved.replace("\"rpo_minutes\":15", "\"rpo_minutes\":-1");
        assert_ne!(changed, saved);
        let mut world = World::load(changed.as_bytes()).unwrap();
        world.advance_to(3_600_000);
        assert_eq!(world.now_ms(), 3_600_000);
    }

    // Such a world was taken, and nobody could say what its rule would hit, or a day of it took minutes.
    #[test]
    fn a_world_whose_fault_rules_make_no_sense_is_refused_with_the_rule() {
        let mut world = WorldSpec::pair(1).groups(0).replications(0).build();
        world
            .faults_mut()
            .add(FaultRule::new("tasks.get", FaultAction::Cut));
        world.faults_mut().add(FaultRule::any(FaultAction::FlapLink {
            host: "host-11".to_owned(),
            card: "vmnic6".to_owned(),
            down_ms: 100,
            up_ms: 100,
        }));
        let saved = String::from_utf8(world.save().unwrap()).unwrap();
        assert!(World::load(saved.as_bytes()).is_ok());
        for (from, to, wanted) in [
            (
                "\"tasks.get\"",
                "\"tasks.gets\"",
                "rule 1 of the saved world makes no sense in it: there is no operation \"tasks.gets\"; there are: tasks.get, ",
            ),
            (
                "\"down_ms\":100",
                "\"down_ms\":1",
                "rule 2 of the saved world makes no sense in it: flap_link.down_ms has to be at least 100",
            ),
        ] {
            let changed = saved.replace(from, to);
            assert_ne!(changed, saved);
            let error = World::load(changed.as_bytes()).expect_err("no world");
            let source = std::error::Error::source(&error).unwrap();
            let told = format!("{error}: {source}");
            assert!(told.starts_with(wanted), "{told}");
        }
    }

    #[test]
    fn a_loaded_world_saves_as_the_same_file_and_lets_the_same_people_in() {
        let world = WorldSpec::odd(3).groups(4).replications(4).build();
        let saved = world.save().unwrap();
        let loaded = World::load(&saved).unwrap();
        assert!(loaded.save().unwrap() == saved);
        for (one, other) in world.endpoints().zip(loaded.endpoints()) {
            assert!(!one.password.is_empty() && one.password == other.password);
        }
    }
}
