//! The exchanges to be judged: those that the simulator has recorded, and the wire fixtures.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The form of recordings that is read here.
pub(super) const FORM: u64 = 1;

/// A request and its answer.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    /// The test or the fixture that it comes from.
    pub(super) source: String,
    /// The operation that it says it is.
    pub(super) operation: String,
    pub(super) method: String,
    /// Path and query, encoded.
    pub(super) path: String,
    pub(super) request: Message,
    pub(super) status: u16,
    pub(super) answer: Message,
}

/// One side of an exchange.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
}

/// A body.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    None,
    Json(Value),
    /// Not JSON.
    Other,
}

impl Message {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Calls `each` for all exchanges in the recordings of a folder; there are none if it is not there.
pub(super) fn recorded(folder: &Path, mut each: impl FnMut(&Exchange)) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for file in files(folder, "jsonl")? {
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let program = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let program = program
            .rsplit_once('-')
            .map_or(program.as_str(), |(name, _)| name);
        // A process that was killed leaves half a line behind.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for (index, line) in text[..whole].lines().enumerate() {
            let value = serde_json::from_str(line)
                .with_context(|| format!("{}:{}: no line of a recording", file.display(), index + 1))?;
            if let Some(exchange) = of_line(index, &value, program)
                .with_context(|| format!("{}:{}", file.display(), index + 1))?
            {
                each(&exchange);
            }
        }
    }
    Ok(())
}

fn of_line(index: usize, line: &Value, program: &str) -> Result<Option<Exchange>> {
    if index == 0 {
        let form = line["farside_recording"].as_u64();
        if form != Some(FORM) {
            bail!("a recording of form {form:?}, and only form {FORM} is read here");
        }
        return Ok(None);
    }
    let answer = &line["outcome"]["answer"];
    Ok(Some(Exchange {
        source: format!("{program}: {}", text(&line["target"])?),
        operation: text(&line["operation"])?,
        method: text(&line["request"]["method"])?,
        path: text(&line["request"]["path"])?,
        request: of_recording(&line["request"])?,
        status: status(answer)?,
        answer: of_recording(answer)?,
    }))
}

fn of_recording(side: &Value) -> Result<Message> {
    let headers = side["headers"].as_array().into_iter().flatten();
    let headers = headers.map(|pair| Ok((text(&pair[0])?, text(&pair[1])?)));
    Ok(Message {
        headers: headers.collect::<Result<_>>()?,
        body: match &side["body"] {
            Value::Object(body) => body
                .get("json")
                .map_or(Body::Other, |value| Body::Json(value.clone())),
            _ => Body::None,
        },
    })
}

/// Calls `each` for all wire fixtures of the model crates.
pub(super) fn fixtures(crates: &Path, mut each: impl FnMut(&Exchange)) -> Result<()> {
    for models in [
        "models-pbm",
        "models-sms",
        "models-vcda",
        "models-vcenter",
        "models-vim",
    ] {
        let folder = crates.join(models).join("tests/fixtures");
        for file in files(&folder, "json")? {
            let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            let fixture = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
            let name = file.strip_prefix(crates).unwrap_or(&file).display().to_string();
            each(&of_fixture(&fixture, &name.replace("tests/fixtures/", "")).with_context(|| name)?);
        }
    }
    Ok(())
}

fn of_fixture(fixture: &Value, name: &str) -> Result<Exchange> {
    let response = &fixture["response"];
    Ok(Exchange {
        source: name.to_owned(),
        operation: text(&fixture["operation"])?,
        method: text(&fixture["request"]["method"])?,
        path: text(&fixture["request"]["path"])?,
        request: side_of_fixture(&fixture["request"]),
        status: status(response)?,
        answer: side_of_fixture(response),
    })
}

fn side_of_fixture(side: &Value) -> Message {
    let headers = side["headers"].as_object().into_iter().flatten();
    let headers: Vec<(String, String)> = headers
        .map(|(name, value)| {
            (
                name.to_ascii_lowercase(),
                value.as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    let typed = headers.iter().any(|(name, _)| name == "content-type");
    let body = match &side["body"] {
        // Beside a media type it is the text `null`.
        Value::Null if typed => Body::Json(Value::Null),
        Value::Null => Body::None,
        body => Body::Json(body.clone()),
    };
    Message { headers, body }
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("a text is missing")?.to_owned())
}

fn status(answer: &Value) -> Result<u16> {
    let status = answer["status"].as_u64().context("no status")?;
    Ok(u16::try_from(status)?)
}

/// The files below a folder with this ending, by name.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|own| own == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
