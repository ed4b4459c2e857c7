//! Reading a TOML table key by key: what is missing, of the wrong type or unknown is told with its position.

use std::collections::{BTreeMap, BTreeSet};
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

/// A table of the plan. Each key is read once; [`Table::finish`] complains about those that nobody read.
#[derive(Debug)]
pub struct Table<'a> {
    path: String,
    span: Range<usize>,
    entries: BTreeMap<&'a str, (Range<usize>, &'a Spanned<DeValue<'a>>)>,
    known: BTreeSet<&'static str>,
    read: BTreeSet<&'a str>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(path: impl Into<String>, span: Range<usize>, table: &'a DeTable<'a>) -> Self {
        let entries = table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), (key.span(), value)))
            .collect();
        Self {
            path: path.into(),
            span,
            entries,
            known: BTreeSet::new(),
            read: BTreeSet::new(),
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

    fn take(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.insert(key);
        let (name, (_, value)) = self.entries.get_key_value(key)?;
        self.read.insert(name);
        Some(*value)
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

    /// Whether the key is there. It counts as read only when it is read.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The keys that nobody has read.
    pub(crate) fn unread(&self) -> impl Iterator<Item = &'a str> {
        self.entries
            .keys()
            .copied()
            .filter(|key| !self.read.contains(key))
    }

    /// A text.
    ///
    /// # Errors
    /// Absent, empty or not a string.
    pub fn text(&mut self, key: &'static str) -> Result<String, PlanProblem> {
        self.optional_text(key)?
            .ok_or_else(|| self.problem(format!("{} lacks `{key}`", self.path)))
    }

    /// A text that may be absent.
    ///
    /// # Errors
    /// Empty or not a string.
    pub fn optional_text(&mut self, key: &'static str) -> Result<Option<String>, PlanProblem> {
        let Some(value) = self.take(key) else {
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
    pub fn flag(&mut self, key: &'static str, absent: bool) -> Result<bool, PlanProblem> {
        let Some(value) = self.take(key) else {
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
    pub fn optional_count(&mut self, key: &'static str) -> Result<Option<u32>, PlanProblem> {
        let Some(value) = self.take(key) else {
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
    pub fn optional_duration(&mut self, key: &'static str) -> Result<Option<Duration>, PlanProblem> {
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
    pub fn texts(&mut self, key: &'static str) -> Result<Vec<String>, PlanProblem> {
        let Some(value) = self.take(key) else {
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
        &mut self,
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

    /// A table inside this one.
    ///
    /// # Errors
    /// Absent or not a table.
    pub fn table(&mut self, key: &'static str) -> Result<Table<'a>, PlanProblem> {
        self.optional_table(key)?
            .ok_or_else(|| self.problem(format!("{} lacks the table `{key}`", self.path)))
    }

    /// A table inside this one that may be absent.
    ///
    /// # Errors
    /// Not a table.
    pub fn optional_table(&mut self, key: &'static str) -> Result<Option<Table<'a>>, PlanProblem> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value.get_ref().as_table() {
            Some(table) => Ok(Some(Table::new(
                format!("{}.{key}", self.path),
                value.span(),
                table,
            ))),
            None => Err(self.wrong_type(key, "a table", value)),
        }
    }

    /// A table of tables: each key is a name of the user's.
    ///
    /// # Errors
    /// Not a table of tables.
    pub(crate) fn named_tables(
        &mut self,
        key: &'static str,
    ) -> Result<Vec<(String, Table<'a>)>, PlanProblem> {
        let Some(value) = self.take(key) else {
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
                Ok((name, Table::new(path, value.span(), inner)))
            })
            .collect()
    }

    /// An array of tables, `[[key]]`.
    ///
    /// # Errors
    /// Not an array of tables.
    pub(crate) fn tables(&mut self, key: &'static str) -> Result<Vec<Table<'a>>, PlanProblem> {
        let Some(value) = self.take(key) else {
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
                Ok(Table::new(
                    format!("{key} number {}", position + 1),
                    entry.span(),
                    table,
                ))
            })
            .collect()
    }

    /// The one table among the unread keys whose name is in `names`: the kind's own.
    ///
    /// # Errors
    /// None, or more than one.
    pub(crate) fn one_of(
        &mut self,
        names: &[&'static str],
    ) -> Result<(&'static str, Table<'a>), PlanProblem> {
        let present: Vec<&'static str> = names.iter().copied().filter(|name| self.has(name)).collect();
        match present.as_slice() {
            [name] => Ok((name, self.table(name)?)),
            [] => {
                self.known.extend(names);
                self.finish_unknown()?;
                Err(self.problem(format!(
                    "{} lacks the table that says what it protects: one of {}",
                    self.path,
                    names.join(", ")
                )))
            }
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

    /// Renames the table in messages once its own name is known.
    pub(crate) fn call_it(&mut self, path: impl Into<String>) {
        self.path = path.into();
    }

    fn finish_unknown(&self) -> Result<(), PlanProblem> {
        let Some(unknown) = self.unread().find(|key| !self.known.contains(key)) else {
            return Ok(());
        };
        let span = self
            .entries
            .get(unknown)
            .map_or_else(|| self.span.clone(), |(span, _)| span.clone());
        let known: Vec<&str> = self.known.iter().copied().collect();
        Err(PlanProblem::new(
            span,
            format!(
                "unknown key `{unknown}` in {} (known: {})",
                self.path,
                known.join(", ")
            ),
        ))
    }

    /// Complains about keys that nobody read.
    ///
    /// # Errors
    /// The first such key, with the known ones.
    pub fn finish(self) -> Result<(), PlanProblem> {
        self.finish_unknown()
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
