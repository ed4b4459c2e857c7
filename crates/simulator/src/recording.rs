//! Writes down what the world answers, so that `cargo xtask validate` can hold it against the API documents.
//!
//! Nothing is written unless the environment variable `FARSIDE_RECORDINGS` names a folder. Then each process writes one file
//! below `simulator` in it, in the form of the recordings of `farside-transport`: a line for each exchange. Answers that a
//! fault rule makes are not the world's and are left out. Exchanges of one shape (the same members, types and kinds of
//! text) are written once for each process, or the models of the state machines would write gigabytes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use farside_transport::SecretNames;
use serde_json::{Value, json};

use crate::exchange::{Answer, Request};

const RECORDINGS: &str = "FARSIDE_RECORDINGS";

/// The form of the recordings, as its first line says.
const FORM: u64 = 1;

/// Operations that answer with nothing but a secret.
const TOKENS: [&str; 2] = ["Cis.Session_create", "SessionManager_AcquireCloneTicket"];

/// The file of this process; `None` if nothing is to be written.
static SINK: OnceLock<Option<Mutex<Sink>>> = OnceLock::new();

struct Sink {
    file: File,
    written: BTreeSet<u64>,
    names: SecretNames,
}

/// Writes down an exchange, if that is asked for, with the switches of the world that change the form of answers.
///
/// # Panics
/// If it is asked for and nothing can be written: what is asked for and not recorded must not go unseen.
pub(crate) fn write(endpoint: &str, operation: &str, form: &str, request: &Request, answer: &Answer) {
    let sink = SINK.get_or_init(|| std::env::var_os(RECORDINGS).map(|folder| open(Path::new(&folder))));
    if let Some(sink) = sink {
        let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
        let written = sink.write(endpoint, operation, form, request, answer);
        written.unwrap_or_else(|error| panic!("{RECORDINGS}: cannot be written: {error}"));
    }
}

fn open(folder: &Path) -> Mutex<Sink> {
    let program = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let name = program
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let file = folder
        .join("simulator")
        .join(format!("{name}-{}.jsonl", std::process::id()));
    let sink = Sink::create(&file);
    Mutex::new(
        sink.unwrap_or_else(|error| panic!("{RECORDINGS}: {} cannot be written: {error}", file.display())),
    )
}

impl Sink {
    fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::create(path)?;
        writeln!(file, "{}", json!({"farside_recording": FORM}))?;
        Ok(Self {
            file,
            written: BTreeSet::new(),
            names: SecretNames::new(),
        })
    }

    fn write(
        &mut self,
        endpoint: &str,
        operation: &str,
        form: &str,
        request: &Request,
        answer: &Answer,
    ) -> io::Result<()> {
        if !self.written.insert(shape(operation, form, request, answer)) {
            return Ok(());
        }
        let thread = std::thread::current();
        let query = if request.query.is_empty() { "" } else { "?" };
        let media_type = request.header_text("content-type");
        let form = if form.is_empty() {
            String::new()
        } else {
            format!(", odd: {form}")
        };
        let line = json!({
            "n": self.written.len(),
            "operation": operation,
            "target": format!("{endpoint} in {}{form}", thread.name().unwrap_or("a thread without a name")),
            "request": {
                "method": request.method.as_str(),
                "path": format!("{}{query}{}", request.path, request.query),
                "headers": media_type.map(|value| ["content-type", value]).as_slice(),
                "body": self.body(operation, &request.body),
            },
            "outcome": {"answer": {
                "status": answer.status,
                "headers": answer.headers.iter().map(|(name, value)| header(name, value)).collect::<Vec<_>>(),
                "body": self.body(operation, &answer.body),
            }},
        });
        writeln!(self.file, "{line}")
    }

    /// A body without the texts whose names say that they are secret.
    fn body(&self, operation: &str, body: &Bytes) -> Value {
        if body.is_empty() {
            return json!("empty");
        }
        let Ok(mut value) = serde_json::from_slice(body) else {
            return json!({"omitted": body.len()});
        };
        let name = if TOKENS.contains(&operation) { "token" } else { "" };
        self.strike_out(name, &mut value);
        json!({"json": value})
    }

    fn strike_out(&self, name: &str, value: &mut Value) {
        match value {
            Value::String(text) if self.names.contains(name) => "***".clone_into(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.strike_out(name, item)),
            Value::Object(members) => members
                .iter_mut()
                .for_each(|(name, member)| self.strike_out(name, member)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// A header as it is written down: only the name, where the value may be a token.
fn header(name: &str, value: &str) -> [String; 2] {
    let name = name.to_ascii_lowercase();
    let value = match name.as_str() {
        "content-type" | "date" | "location" | "retry-after" => value.to_owned(),
        _ => format!("~struck-out.{name}~"),
    };
    [name, value]
}

/// What an exchange has in common with all those that a schema cannot tell from it.
fn shape(operation: &str, form: &str, request: &Request, answer: &Answer) -> u64 {
    let mut hasher = DefaultHasher::new();
    (operation, form).hash(&mut hasher);
    request.method.as_str().hash(&mut hasher);
    request.header_text("content-type").hash(&mut hasher);
    for (name, value) in request.query_pairs() {
        (name, kind_of_text(&value)).hash(&mut hasher);
    }
    // What was refused need not be right.
    if answer.is_success() {
        hash_body(&request.body, &mut hasher);
    }
    answer.status.hash(&mut hasher);
    for (name, _) in &answer.headers {
        name.hash(&mut hasher);
    }
    answer.header_text("content-type").hash(&mut hasher);
    hash_body(&answer.body, &mut hasher);
    hasher.finish()
}

fn hash_body(body: &[u8], hasher: &mut impl Hasher) {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => hash_shape("", &value, hasher),
        Err(_) => body.is_empty().hash(hasher),
    }
}

fn hash_shape(name: &str, value: &Value, hasher: &mut impl Hasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(_) => 1_u8.hash(hasher),
        Value::Number(number) => {
            let small = number.as_i64().map(|number| i32::try_from(number).is_ok());
            (2_u8, small).hash(hasher);
        }
        Value::String(text) if name == "_typeName" || name == "name" => (3_u8, text).hash(hasher),
        Value::String(text) => (4_u8, kind_of_text(text)).hash(hasher),
        Value::Array(items) => {
            let shapes: BTreeSet<u64> = items.iter().map(|item| shape_of_value(name, item)).collect();
            (5_u8, shapes).hash(hasher);
        }
        Value::Object(members) => {
            6_u8.hash(hasher);
            for (name, value) in members {
                name.hash(hasher);
                hash_shape(name, value, hasher);
            }
        }
    }
}

fn shape_of_value(name: &str, value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    hash_shape(name, value, &mut hasher);
    hasher.finish()
}

/// A text that may be the value of an enumeration as it is; of others, such as ids and times, what is no letter or digit.
fn kind_of_text(text: &str) -> String {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if digits <= 2 && text.chars().all(word) {
        return text.to_owned();
    }
    if text.contains(' ') {
        return " ".to_owned();
    }
    let mut kind = String::new();
    for character in text.chars() {
        let character = if character.is_ascii_alphanumeric() {
            'x'
        } else {
            character
        };
        if !(character == 'x' && kind.ends_with('x')) {
            kind.push(character);
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn answer(body: &Value) -> Answer {
        Answer::json(200, "application/json", body).header("X-Token", "hush-1")
    }

    fn written(exchanges: &[(&Value, &Value)]) -> Vec<Value> {
        let folder = std::env::temp_dir().join(format!("farside-recording-{}", std::process::id()));
        let path = folder.join(format!("{:?}.jsonl", std::thread::current().id()));
        let mut sink = Sink::create(&path).unwrap();
        for (sent, given) in exchanges {
            let request = Request::new(Method::POST, "/things/7?site=east").json(sent);
            sink.write("west", "things.move", "", &request, &answer(given))
                .unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn an_exchange_is_a_line_without_its_secrets() {
        let lines = written(&[(
            &json!({"password": "hush-2", "cookie": 7, "to": "b"}),
            &json!({"id": 7}),
        )]);
        assert_eq!(lines[0], json!({"farside_recording": 1}));
        let request = json!({
            "method": "POST",
            "path": "/things/7?site=east",
            "headers": [["content-type", "application/json"]],
            "body": {"json": {"password": "***", "cookie": 7, "to": "b"}},
        });
        assert_eq!(lines[1]["request"], request);
        assert_eq!(lines[1]["outcome"]["answer"]["body"], json!({"json": {"id": 7}}));
        let shown = lines[1].to_string();
        assert!(
            shown.contains("~struck-out.x-token~") && !shown.contains("hush"),
            "{shown}"
        );
    }

    #[test]
    fn exchanges_of_one_shape_are_written_once() {
        let first = json!({"id": "vm-1", "at": "2026-01-02T03:04:05Z", "list": [1, 2], "state": "RUNNING"});
        let same = json!({"id": "vm-22", "at": "2027-11-12T13:14:15Z", "list": [3], "state": "RUNNING"});
        assert_eq!(written(&[(&json!({}), &first), (&json!({}), &same)]).len(), 2);
        for (member, other) in [
            ("id", json!(7)),
            ("at", json!("2026-01-02 03:04:05")),
            ("list", json!(["1"])),
            ("state", json!("FAILED")),
            ("more", json!(null)),
        ] {
            let mut another = first.clone();
            another[member] = other;
            assert_eq!(
                written(&[(&json!({}), &first), (&json!({}), &another)]).len(),
                3,
                "{member}"
            );
        }
    }
}
