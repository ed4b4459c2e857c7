//! What the tests have called, as they have recorded it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

/// The form of recordings that is read here.
const FORM: u64 = 1;

/// What the recordings hold, by operation.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) operations: BTreeMap<String, Call>,
    /// How many calls each test has made.
    pub(super) tests: BTreeMap<Test, usize>,
}

/// All calls of one operation.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) answered: bool,
    pub(super) query: BTreeSet<String>,
    pub(super) headers: BTreeSet<String>,
    pub(super) body: BTreeSet<String>,
    /// What there was to check in the answers that each test got.
    pub(super) answers: BTreeMap<Test, Holds>,
}

/// A test that can be run by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Test {
    pub(super) program: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) name: String,
}

/// What there is to check in answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    /// A body.
    pub(super) body: bool,
    /// A number, string or truth value other than the name of a type.
    pub(super) values: bool,
    /// A list that is not empty.
    pub(super) lists: bool,
}

impl Holds {
    fn of(body: Option<&Value>) -> Self {
        let mut holds = Self {
            body: body.is_some(),
            ..Self::default()
        };
        if let Some(json) = body.and_then(|body| body.get("json")) {
            holds.see(json);
        }
        holds
    }

    fn see(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => self.values = true,
            Value::Array(items) => {
                self.lists |= !items.is_empty();
                items.iter().for_each(|item| self.see(item));
            }
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| *name != "_typeName")
                .for_each(|(_, value)| self.see(value)),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.body |= other.body;
        self.values |= other.values;
        self.lists |= other.lists;
    }
}

impl Calls {
    pub(super) fn read(&mut self, folder: &Path) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                // What the simulator has heard, which is read by `validate`.
                continue;
            }
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            self.recording(&text)
                .with_context(|| format!("in {}", path.display()))?;
        }
        Ok(())
    }

    /// Reads one recording.
    pub(super) fn recording(&mut self, text: &str) -> Result<()> {
        let mut lines = text.lines().enumerate();
        let header: Value = match lines.next() {
            Some((_, line)) => serde_json::from_str(line).context("line 1 is no head of a recording")?,
            None => bail!("it is empty"),
        };
        let form = header["farside_recording"].as_u64();
        if form != Some(FORM) {
            bail!("a recording of form {form:?}, and only form {FORM} is read here");
        }
        let test: Option<Test> = Deserialize::deserialize(&header["test"]).context("the test in line 1")?;
        for (index, line) in lines {
            self.line(test.as_ref(), line)
                .with_context(|| format!("line {}", index + 1))?;
        }
        Ok(())
    }

    fn line(&mut self, test: Option<&Test>, line: &str) -> Result<()> {
        let exchange: Value = serde_json::from_str(line).context("no line of a recording")?;
        let operation = exchange["operation"].as_str().context("no operation")?;
        let call = self.operations.entry(operation.to_owned()).or_default();
        if let Some(test) = test {
            *self.tests.entry(test.clone()).or_default() += 1;
        }
        let Some(answer) = exchange["outcome"].get("answer") else {
            return Ok(());
        };
        call.answered = true;
        if let Some(test) = test {
            let holds = Holds::of(answer.get("body"));
            call.answers.entry(test.clone()).or_default().add(holds);
        }
        let request = &exchange["request"];
        let path = request["path"].as_str().context("no path")?;
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let names = query.split('&').filter(|pair| !pair.is_empty());
        call.query
            .extend(names.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name).to_owned()));
        let headers = request["headers"].as_array().into_iter().flatten();
        call.headers
            .extend(headers.filter_map(|header| header[0].as_str().map(str::to_owned)));
        let members = request["body"]["json"].as_object().into_iter().flatten();
        let set = members.filter(|(_, value)| !value.is_null());
        call.body.extend(set.map(|(name, _)| name.clone()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_to_check_is_seen_at_any_depth() {
        for (body, values, lists) in [
            (
                r#"{"json": {"_typeName": "Nothing", "a": null, "b": []}}"#,
                false,
                false,
            ),
            (r#"{"json": [{"_typeName": "Nothing"}]}"#, false, true),
            (r#"{"json": {"a": {"b": 1}}}"#, true, false),
            (r#"{"json": false}"#, true, false),
            (r#"{"json": {"a": [[], {"b": ["c"]}]}}"#, true, true),
            (r#"{"omitted": 12}"#, false, false),
        ] {
            let body: Value = serde_json::from_str(body).expect("JSON");
            let holds = Holds::of(Some(&body));
            assert_eq!(
                (holds.body, holds.values, holds.lists),
                (true, values, lists),
                "{body}"
            );
        }
        assert_eq!(Holds::of(None), Holds::default());
    }

    #[test]
    fn calls_are_those_of_the_test_that_made_the_recording() {
        let mut calls = Calls::default();
        let recording = r#"{"farside_recording":1,"test":{"name":"a::b","program":"/p","folder":"/f"}}
{"n":1,"operation":"get","target":"t","request":{"method":"GET","path":"/x"},"outcome":{"answer":{"status":200,"body":{"json":[1]}}}}
{"n":2,"operation":"get","target":"t","request":{"method":"GET","path":"/x"},"outcome":"dropped"}
"#;
        calls.recording(recording).expect("a recording");
        let test = Test {
            program: "/p".into(),
            folder: "/f".into(),
            name: "a::b".to_owned(),
        };
        assert_eq!(calls.tests[&test], 2);
        let holds = Holds {
            body: true,
            values: true,
            lists: true,
        };
        assert_eq!(calls.operations["get"].answers[&test], holds);
        calls.recording("").expect_err("nothing");
        calls
            .recording(r#"{"farside_recording":2}"#)
            .expect_err("another form");
    }
}
