//! Reading a TOML table key by key: what is missing, of the wrong type or unknown is told with its position.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use farside_engine::EndpointId;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::plan::endpoint::{EndpointConfig, EndpointType};

/// What is wrong at one place of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    /// Byte range in the file.
    pub span: Range<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl PlanProblem {
    /// A problem at a place.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }
}

/// A plan that cannot be used. Nothing was asked of any server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The file says something that cannot be meant.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, from one.
        line: usize,
        /// Column in characters, from one.
        column: usize,
        /// What is wrong and what to do.
        message: String,
    },
}

impl PlanError {
    pub(crate) fn locate(path: &Path, text: &str, problem: PlanProblem) -> Self {
        let start = problem.span.start.min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        PlanError::Wrong {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message: problem.message,
        }
    }
}

/// What a kind may refer to while it reads its table.
#[derive(Clone, Debug, Default)]
pub struct PlanContext {
    /// The plan's endpoints.
    pub endpoints: BTreeMap<EndpointId, EndpointConfig>,
}

/// What the whole file is called in messages.
pub(crate) const THE_PLAN: &str = "the plan";

/// A table of the plan. The keys that it may have are said when it is made, so that a mistyped one is told as such, and not
/// as the lack of the one that was meant.
#[derive(Debug)]
pub struct Table<'a> {
    path: String,
    span: Range<usize>,
    entries: BTreeMap<&'a str, (Range<usize>, &'a Spanned<DeValue<'a>>)>,
    keys: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The whole file. Its keys are looked at by [`Table::checked`], once it is known to be of a version that this build reads.
    pub(crate) fn of_file(span: Range<usize>, table: &'a DeTable<'a>, keys: &[&'static str]) -> Self {
        Self::unchecked(THE_PLAN.to_owned(), span, table, keys)
    }

    fn unchecked(path: String, span: Range<usize>, table: &'a DeTable<'a>, keys: &[&'static str]) -> Self {
        let entries = table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), (key.span(), value)))
            .collect();
        Self {
            path,
            span,
            entries,
            keys: keys.to_vec(),
        }
    }

    /// The table, if it has no other keys than it may have.
    ///
    /// # Errors
    /// The first key in the file that it may not have, with those that it may.
    pub(crate) fn checked(self) -> Result<Self, PlanProblem> {
        let unknown = self
            .entries
            .iter()
            .filter(|(key, _)| !self.keys.contains(*key))
            .min_by_key(|(_, (span, _))| span.start);
        match unknown {
            None => Ok(self),
            Some((unknown, (span, _))) => Err(PlanProblem::new(
                span.clone(),
                format!(
                    "unknown key `{unknown}` in {} (known: {})",
                    self.path,
                    self.keys.join(", ")
                ),
            )),
        }
    }

    /// Where the table stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// A problem with this table as a whole.
    pub fn problem(&self, message: impl Into<String>) -> PlanProblem {
        PlanProblem::new(self.span.clone(), message)
    }

    /// A problem with one of its keys, or with the table where the key is absent.
    pub fn problem_at(&self, key: &str, message: impl Into<String>) -> PlanProblem {
        let span = self
            .entries
            .get(key)
            .map_or_else(|| self.span.clone(), |(_, value)| value.span());
        PlanProblem::new(span, message)
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(
            self.keys.contains(&key),
            "{} may not have {key}, so nobody can write it",
            self.path
        );
        self.entries.get(key).map(|(_, value)| *value)
    }

    fn wrong_type(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'_>>) -> PlanProblem {
        PlanProblem::new(
            value.span(),
            format!(
                "`{key}` in {} must be {wanted}, not {}",
                self.path,
                value.get_ref().type_str()
            ),
        )
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// A text.
    ///
    /// # Errors
    /// Absent, empty or not a string.
    pub fn text(&self, key: &'static str) -> Result<String, PlanProblem> {
        self.optional_text(key)?
            .ok_or_else(|| self.problem(format!("{} lacks `{key}`", self.path)))
    }

    /// A text that may be absent.
    ///
    /// # Errors
    /// Empty or not a string.
    pub fn optional_text(&self, key: &'static str) -> Result<Option<String>, PlanProblem> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        match value.get_ref().as_str() {
            Some("") => Err(PlanProblem::new(
                value.span(),
                format!("`{key}` in {} is empty", self.path),
            )),
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(self.wrong_type(key, "a string", value)),
        }
    }

    /// A truth value, with the value that absence means.
    ///
    /// # Errors
    /// Not a boolean.
    pub fn flag(&self, key: &'static str, absent: bool) -> Result<bool, PlanProblem> {
        let Some(value) = self.value(key) else {
            return Ok(absent);
        };
        value
            .get_ref()
            .as_bool()
            .ok_or_else(|| self.wrong_type(key, "true or false", value))
    }

    /// A whole number from one up that may be absent.
    ///
    /// # Errors
    /// Not a whole number, zero, or too large.
    pub fn optional_count(&self, key: &'static str) -> Result<Option<u32>, PlanProblem> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let number = value
            .get_ref()
            .as_integer()
            .ok_or_else(|| self.wrong_type(key, "a whole number", value))?;
        match u32::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(PlanProblem::new(
                value.span(),
                format!("`{key}` in {} must be a number from 1 up", self.path),
            )),
        }
    }

    /// A time such as `"90s"`, `"15m"`, `"2h"` or `"500ms"` that may be absent.
    ///
    /// # Errors
    /// Not a string of that form.
    pub fn optional_duration(&self, key: &'static str) -> Result<Option<Duration>, PlanProblem> {
        let Some(text) = self.optional_text(key)? else {
            return Ok(None);
        };
        parse_duration(&text).map(Some).ok_or_else(|| {
            self.problem_at(
                key,
                format!(
                    "`{key}` in {} must be a time such as \"90s\", \"15m\" or \"2h\"",
                    self.path
                ),
            )
        })
    }

    /// A list of texts; absent means empty.
    ///
    /// # Errors
    /// Not an array of strings.
    pub fn texts(&self, key: &'static str) -> Result<Vec<String>, PlanProblem> {
        let Some(value) = self.value(key) else {
            return Ok(Vec::new());
        };
        let array = value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.wrong_type(key, "an array of strings", value))?;
        array
            .iter()
            .map(|entry| {
                entry
                    .get_ref()
                    .as_str()
                    .map(ToOwned::to_owned)
                    .ok_or_else(|| self.wrong_type(key, "an array of strings", entry))
            })
            .collect()
    }

    /// The name of an endpoint of the plan that is of the wanted type.
    ///
    /// # Errors
    /// Absent, not in the plan (the names there are listed), or of another type.
    pub fn endpoint(
        &self,
        key: &'static str,
        wanted: EndpointType,
        context: &PlanContext,
    ) -> Result<EndpointId, PlanProblem> {
        let name = EndpointId::new(self.text(key)?);
        match context.endpoints.get(&name) {
            None => {
                let names: Vec<&str> = context.endpoints.keys().map(EndpointId::as_str).collect();
                Err(self.problem_at(
                    key,
                    format!("no endpoint {name} in the plan (there are: {})", names.join(", ")),
                ))
            }
            Some(config) if config.endpoint_type != wanted => Err(self.problem_at(
                key,
                format!(
                    "endpoint {name} is of type {}, not {wanted}",
                    config.endpoint_type
                ),
            )),
            Some(_) => Ok(name),
        }
    }

    /// A table inside this one, which may have these keys.
    ///
    /// # Errors
    /// Absent, not a table, or with another key.
    pub fn table(&self, key: &'static str, keys: &[&'static str]) -> Result<Table<'a>, PlanProblem> {
        self.optional_table(key, keys)?
            .ok_or_else(|| self.problem(format!("{} lacks the table `{key}`", self.path)))
    }

    /// A table inside this one that may be absent, and may have these keys.
    ///
    /// # Errors
    /// Not a table, or one with another key.
    pub fn optional_table(
        &self,
        key: &'static str,
        keys: &[&'static str],
    ) -> Result<Option<Table<'a>>, PlanProblem> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        match value.get_ref().as_table() {
            Some(table) => {
                let path = format!("{}.{key}", self.path);
                Table::unchecked(path, value.span(), table, keys)
                    .checked()
                    .map(Some)
            }
            None => Err(self.wrong_type(key, "a table", value)),
        }
    }

    /// A table of tables, which may have these keys: each key above them is a name of the user's.
    ///
    /// # Errors
    /// Not a table of tables, or one has another key.
    pub(crate) fn named_tables(
        &self,
        key: &'static str,
        keys: &[&'static str],
    ) -> Result<Vec<(String, Table<'a>)>, PlanProblem> {
        let Some(value) = self.value(key) else {
            return Ok(Vec::new());
        };
        let table = value
            .get_ref()
            .as_table()
            .ok_or_else(|| self.wrong_type(key, "a table", value))?;
        table
            .iter()
            .map(|(name, value)| {
                let inner = value
                    .get_ref()
                    .as_table()
                    .ok_or_else(|| self.wrong_type(name.get_ref(), "a table", value))?;
                let name = name.get_ref().to_string();
                let path = match self.path.as_str() {
                    THE_PLAN => format!("{key}.{name}"),
                    path => format!("{path}.{key}.{name}"),
                };
                let table = Table::unchecked(path, value.span(), inner, keys).checked()?;
                Ok((name, table))
            })
            .collect()
    }

    /// An array of tables, `[[key]]`, which may have these keys. Messages call each of them a `noun` and, where it has one,
    /// its name.
    ///
    /// # Errors
    /// Not an array of tables, or one has another key.
    pub(crate) fn tables(
        &self,
        key: &'static str,
        noun: &str,
        keys: &[&'static str],
    ) -> Result<Vec<Table<'a>>, PlanProblem> {
        let Some(value) = self.value(key) else {
            return Ok(Vec::new());
        };
        let array = value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.wrong_type(key, "an array of tables", value))?;
        array
            .iter()
            .enumerate()
            .map(|(position, entry)| {
                let table = entry
                    .get_ref()
                    .as_table()
                    .ok_or_else(|| self.wrong_type(key, "an array of tables", entry))?;
                let name = table.get("name").and_then(|name| name.get_ref().as_str());
                let path = match name {
                    Some(name) => format!("{noun} {name}"),
                    None => format!("{noun} number {}", position + 1),
                };
                Table::unchecked(path, entry.span(), table, keys).checked()
            })
            .collect()
    }

    /// Which of the tables with these names is there: the one that says what an item protects.
    ///
    /// # Errors
    /// None, or more than one.
    pub(crate) fn one_of(&self, names: &[&'static str]) -> Result<&'static str, PlanProblem> {
        let present: Vec<&'static str> = names.iter().copied().filter(|name| self.has(name)).collect();
        match present.as_slice() {
            [name] => Ok(name),
            [] => Err(self.problem(format!(
                "{} lacks the table that says what it protects: one of {}",
                self.path,
                names.join(", ")
            ))),
            [_, second, ..] => Err(self.problem_at(
                second,
                format!(
                    "{} protects one thing; it has the tables {}",
                    self.path,
                    present.join(" and ")
                ),
            )),
        }
    }
}

/// A number and a unit: `ms`, `s`, `m`, `h`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit.trim() {
        "ms" => number,
        "s" => number.checked_mul(1_000)?,
        "m" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        _ => return None,
    };
    Some(Duration::from_millis(millis))
}
