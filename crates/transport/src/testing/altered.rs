//! A transport whose answers to one operation are false: what a test that checks them has to notice.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::call::{Call, Transport};
use crate::error::CallError;

/// Names what [`recorded`](super::recorded) alters: an alteration, a colon, and the id of an operation.
pub const ALTERED: &str = "FARSIDE_ALTERED";

/// In what way the answers to an operation are false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// Every number, string and truth value of the answer is another one; names of types stay, and so does the form of
    /// strings that are a time, a number or base64. So is what the answer's headers carry, but for what says how the body is
    /// to be read. `values` by name.
    Values,
    /// Every list of the answer is empty. `lists` by name.
    Lists,
    /// The call does not reach the server, and is answered with success and an empty body. `effect` by name.
    Effect,
}

impl Alteration {
    fn by_name(name: &str) -> Option<Self> {
        match name {
            "values" => Some(Self::Values),
            "lists" => Some(Self::Lists),
            "effect" => Some(Self::Effect),
            _ => None,
        }
    }
}

/// Falsifies the answers to one operation, and leaves all other calls as they are. Errors stay what they are.
///
/// ```
/// use std::sync::Arc;
/// use farside_transport::testing::{Alteration, AlteringTransport, Answer, ScriptedTransport};
/// use farside_transport::{Call, Transport};
/// # use farside_wire::Operation;
/// # const READ: Operation = Operation { id: "readThing", ..farside_transport::testing::BLANK_OPERATION };
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Arc::new(ScriptedTransport::with(|_, _| Answer::json(200, r#"{"id":"thing-1","parts":[true]}"#)));
/// let liar = AlteringTransport::new(server, "readThing", Alteration::Values);
/// let answer = liar.send(Call::new(&READ, "thing", http::Request::get("/x").body(bytes::Bytes::new())?)).await?;
/// assert_eq!(answer.body(), r#"{"id":"thing-2","parts":[false]}"#);
/// # Ok(())
/// # }
/// ```
pub struct AlteringTransport {
    inner: Arc<dyn Transport>,
    operation: String,
    alteration: Alteration,
}

impl AlteringTransport {
    /// Falsifies the answers of `inner` to the operation with this id.
    pub fn new(inner: Arc<dyn Transport>, operation: impl Into<String>, alteration: Alteration) -> Self {
        Self {
            inner,
            operation: operation.into(),
            alteration,
        }
    }

    /// As `text` says, in the form of [`ALTERED`].
    ///
    /// # Panics
    /// If it says nothing of the kind.
    pub(super) fn around(inner: Arc<dyn Transport>, text: &str) -> Arc<dyn Transport> {
        let parts = text.split_once(':');
        let parts = parts.and_then(|(name, operation)| Some((Alteration::by_name(name)?, operation)));
        let Some((alteration, operation)) = parts else {
            panic!("{ALTERED}: {text:?} is no alteration and operation, as in \"values:readThing\"");
        };
        Arc::new(Self::new(inner, operation, alteration))
    }
}

impl fmt::Debug for AlteringTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alter {} > {:?}", self.operation, self.inner)
    }
}

#[async_trait]
impl Transport for AlteringTransport {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        if call.operation.id != self.operation {
            return self.inner.send(call).await;
        }
        let alter: fn(&mut Value) = match self.alteration {
            Alteration::Values => change_values,
            Alteration::Lists => empty_lists,
            Alteration::Effect => {
                let mut answer = Response::new(Bytes::new());
                *answer.status_mut() = StatusCode::NO_CONTENT;
                return Ok(answer);
            }
        };
        let (mut head, body) = self.inner.send(call).await?.into_parts();
        if self.alteration == Alteration::Values {
            head.headers
                .iter_mut()
                .for_each(|(name, value)| change_header(name, value));
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
            return Ok(Response::from_parts(head, body));
        };
        alter(&mut value);
        head.headers.remove(CONTENT_LENGTH);
        Ok(Response::from_parts(head, value.to_string().into()))
    }
}

/// Member of VI JSON that names the type of its object.
const TYPE_NAME: &str = "_typeName";

fn change_values(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Bool(is) => *is = !*is,
        Value::Number(number) => {
            let next = match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => whole.checked_add(1).unwrap_or(0).into(),
                (None, Some(fraction)) => Value::from(fraction + 1.0),
                (None, None) => 0.into(),
            };
            *value = next;
        }
        Value::String(text) => *text = another(text),
        Value::Array(items) => items.iter_mut().for_each(change_values),
        Value::Object(members) => {
            let members = members.iter_mut().filter(|(name, _)| *name != TYPE_NAME);
            members.for_each(|(_, value)| change_values(value));
        }
    }
}

fn change_header(name: &HeaderName, value: &mut HeaderValue) {
    if name == CONTENT_TYPE || name == CONTENT_LENGTH {
        return;
    }
    let other = value.to_str().ok().and_then(|text| another(text).parse().ok());
    if let Some(other) = other {
        *value = other;
    }
}

/// Another text of the same form: its last digit is the next one, or if there is none its last letter. The end of a text that may
/// be base64 has bits that must not be set.
fn another(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let end = if text.ends_with('=') { 4 } else { 0 };
    let free = &bytes[..bytes.len().saturating_sub(end)];
    let last = |is: fn(&u8) -> bool| free.iter().rposition(is);
    let Some(at) = last(u8::is_ascii_digit).or_else(|| last(u8::is_ascii_alphabetic)) else {
        return format!("{text}~");
    };
    bytes[at] = match bytes[at] {
        b'9' => b'0',
        b'z' => b'a',
        b'Z' => b'A',
        other => other + 1,
    };
    // Only ASCII has been put in the place of ASCII.
    String::from_utf8(bytes).unwrap_or_else(|_| format!("{text}~"))
}

fn empty_lists(value: &mut Value) {
    match value {
        Value::Array(items) => items.clear(),
        Value::Object(members) => members.values_mut().for_each(empty_lists),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::operations::{READ, WRITE, call};
    use crate::testing::script::{Answer, ScriptedTransport};

    const THING: &str = r#"{"_typeName":"Thing","name":"thing-9","at":"2026-11-27T10:00:00.120Z","size":4,"share":0.5,"on":true,"none":null,"parts":["a",{"list":[1]}],"note":"","sum":"aGFsbG8gaQ=="}"#;

    fn server() -> Arc<ScriptedTransport> {
        Arc::new(ScriptedTransport::with(|call, _| {
            if call.operation.id == READ.id {
                Answer::json(200, THING)
                    .with_header("content-length", "4000")
                    .with_header("x-token", "secret")
            } else {
                Answer::empty(204)
            }
        }))
    }

    async fn altered(text: &str) -> Value {
        let liar = AlteringTransport::around(server(), text);
        let answer = liar.send(call(&READ)).await.expect("an answer");
        assert!(!answer.headers().contains_key(CONTENT_LENGTH));
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/json");
        let token = if text.starts_with("values") {
            "secreu"
        } else {
            "secret"
        };
        assert_eq!(answer.headers()["x-token"], token);
        serde_json::from_slice(answer.body()).expect("JSON")
    }

    #[tokio::test]
    async fn every_value_is_another_one_of_the_same_form() {
        let expected = json!({"_typeName": "Thing", "name": "thing-0", "at": "2026-11-27T10:00:00.121Z", "size": 5,
            "share": 1.5, "on": false, "none": null, "parts": ["b", {"list": [2]}], "note": "~", "sum": "aGFsbG9gaQ=="});
        assert_eq!(altered("values:readThing").await, expected);
    }

    #[tokio::test]
    async fn every_list_is_empty() {
        let mut expected: Value = serde_json::from_str(THING).expect("JSON");
        expected["parts"] = json!([]);
        assert_eq!(altered("lists:readThing").await, expected);
    }

    #[tokio::test]
    async fn a_call_without_effect_is_not_sent_and_succeeds() {
        let server = server();
        let liar = AlteringTransport::new(server.clone(), WRITE.id, Alteration::Effect);
        let answer = liar.send(call(&WRITE)).await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.body().len()), (204, 0));
        assert_eq!(server.count(&WRITE), 0);
    }

    #[tokio::test]
    async fn other_operations_are_left_alone() {
        let server = server();
        let liar = AlteringTransport::new(server.clone(), WRITE.id, Alteration::Values);
        let answer = liar.send(call(&READ)).await.expect("an answer");
        assert_eq!(answer.body(), THING);
        liar.send(call(&WRITE)).await.expect("an answer without a body");
        assert_eq!(server.count(&WRITE), 1);
    }

    #[test]
    #[should_panic(expected = "FARSIDE_ALTERED: \"value:readThing\" is no alteration")]
    fn what_cannot_be_read_is_not_passed_over() {
        drop(AlteringTransport::around(server(), "value:readThing"));
    }
}
