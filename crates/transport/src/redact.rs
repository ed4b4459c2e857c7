//! Strikes secrets out of JSON, by the names of the members that hold them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What stands in the place of a secret, as JSON.
const STRUCK: &str = "\"***\"";

/// A member is secret if its name, in lower case and without punctuation, contains one of these.
const WORDS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "ticket",
    "credential",
    "cookie",
    "authorization",
    "privatekey",
    "apikey",
    "sessionid",
    "sessionkey",
];

/// Members that name what a neighbour holds, as in `{"key": "admin.password", "value": ".."}`, and the neighbours. Any
/// property of a vCenter object comes like that, under its path as `name`; a property of a vApp, which is a password, by
/// its `type`.
const NAMING: [&str; 4] = ["key", "name", "id", "type"];
const NAMED: [&str; 3] = ["value", "val", "defaultValue"];

/// Settings of a virtual machine that are handed to its guest whole, often with passwords in them; a name that contains
/// one of these names a secret.
const GUEST_DATA: [&str; 2] = ["guestinfo", "ovfenv"];

/// Arrays and objects within each other; the bound of `serde_json`.
const MAX_DEPTH: usize = 127;

/// Which members of a body are secret.
///
/// Those whose name speaks for itself (`password`, `cloneTicket`, `X-Auth-Token`: any name that contains a word like
/// password, passphrase, secret, token, ticket, credential, cookie, private key), and those that are named here. It
/// takes too many rather than too few: `tokenExpiry` is struck out too.
///
/// ```
/// # use farside_transport::SecretNames;
/// let names = SecretNames::new().with("locale");
/// let body = br#"{"userName":"root","password":"hunter2","more":[{"locale":{"a":1}}]}"#;
/// let struck = names.strike_out(body, &[]);
/// assert_eq!(struck.as_deref(), Some(r#"{"userName":"root","password":"***","more":[{"locale":"***"}]}"#));
/// assert_eq!(names.strike_out(b"password=hunter2", &[]), None, "what is not JSON is not shown");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretNames {
    further: Vec<String>,
}

impl SecretNames {
    /// The names that speak for themselves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more name, as it is on the wire; upper and lower case are the same.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>) -> Self {
        self.further.push(name.into());
        self
    }

    /// Whether a member of this name is secret.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        let plain: String = name
            .chars()
            .filter(|character| character.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        WORDS.iter().any(|word| plain.contains(word))
            || self
                .further
                .iter()
                .any(|further| further.eq_ignore_ascii_case(name))
    }

    /// The body as JSON text with the value of each secret member, at any depth, replaced by `"***"`, and the rest as it
    /// was; `None` if the body is not JSON, or nested deeper than 127 levels. `more` are further names, those of one
    /// operation for instance.
    ///
    /// A body that is a single string is replaced too: nothing says what it is, and log-ins are answered like that.
    #[must_use]
    pub fn strike_out(&self, body: &[u8], more: &[&str]) -> Option<String> {
        let text = std::str::from_utf8(body).ok()?;
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        if raw.get().starts_with('"') {
            return Some(STRUCK.to_owned());
        }
        let mut pen = Pen {
            names: self,
            more,
            text: String::with_capacity(text.len()),
        };
        pen.value(raw.get(), MAX_DEPTH).ok()?;
        Some(pen.text)
    }
}

/// Copies JSON and leaves secrets out.
struct Pen<'a> {
    names: &'a SecretNames,
    more: &'a [&'a str],
    text: String,
}

impl Pen<'_> {
    fn value(&mut self, raw: &str, depth: usize) -> serde_json::Result<()> {
        match raw.as_bytes().first() {
            Some(b'{') => self.object(raw, below(depth)?),
            Some(b'[') => self.array(raw, below(depth)?),
            Some(_) | None => {
                self.text.push_str(raw);
                Ok(())
            }
        }
    }

    fn array(&mut self, raw: &str, depth: usize) -> serde_json::Result<()> {
        let elements: Vec<&RawValue> = serde_json::from_str(raw)?;
        self.text.push('[');
        for (index, element) in elements.iter().enumerate() {
            self.separate(index);
            self.value(element.get(), depth)?;
        }
        self.text.push(']');
        Ok(())
    }

    fn object(&mut self, raw: &str, depth: usize) -> serde_json::Result<()> {
        let Members(members) = serde_json::from_str(raw)?;
        let names_a_secret = members.iter().any(|(name, value)| {
            NAMING.contains(&name.as_str())
                && text_of(value.get()).is_some_and(|text| self.is_secret(&text) || is_guest_data(&text))
        });
        self.text.push('{');
        for (index, (name, value)) in members.iter().enumerate() {
            self.separate(index);
            self.text.push_str(&serde_json::to_string(name)?);
            self.text.push(':');
            if value.get() != "null"
                && (self.is_secret(name) || names_a_secret && NAMED.contains(&name.as_str()))
            {
                self.text.push_str(STRUCK);
            } else {
                self.value(value.get(), depth)?;
            }
        }
        self.text.push('}');
        Ok(())
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.text.push(',');
        }
    }

    fn is_secret(&self, name: &str) -> bool {
        self.names.contains(name) || self.more.iter().any(|more| more.eq_ignore_ascii_case(name))
    }
}

fn is_guest_data(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    GUEST_DATA.iter().any(|word| name.contains(word))
}

fn below(depth: usize) -> serde_json::Result<usize> {
    depth
        .checked_sub(1)
        .ok_or_else(|| serde_json::Error::custom("nested too deep"))
}

fn text_of(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

/// The members of an object in their own order, values unread.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strike(body: &str) -> Option<String> {
        SecretNames::new().strike_out(body.as_bytes(), &["guestKey"])
    }

    #[test]
    fn secrets_are_struck_out_at_any_depth_and_the_rest_is_kept_to_the_letter() {
        let table = [
            (
                r#"{"a":1.50,"b":[1e3,{}],"a":"é"}"#,
                r#"{"a":1.50,"b":[1e3,{}],"a":"é"}"#,
            ),
            (r#"{"password":"hunter2"}"#, r#"{"password":"***"}"#),
            (r#"{"password":"hunter2"}"#, r#"{"password":"***"}"#),
            (
                r#"[[{"x":[{"SAML-Token":{"a":"hunter2"}}]}]]"#,
                r#"[[{"x":[{"SAML-Token":"***"}]}]]"#,
            ),
            (
                r#"{"guestkey":["hunter2"],"z":null}"#,
                r#"{"guestkey":"***","z":null}"#,
            ),
            (r#"{"password":null}"#, r#"{"password":null}"#),
            (
                r#"{"value":{"_typeName":"string","_value":"hunter2"},"key":"vpxd.Password"}"#,
                r#"{"value":"***","key":"vpxd.Password"}"#,
            ),
            (
                r#"{"name":"config.extraConfig[\"a.password\"].value","op":"assign","val":"hunter2"}"#,
                r#"{"name":"config.extraConfig[\"a.password\"].value","op":"assign","val":"***"}"#,
            ),
            (
                r#"{"name":"config.extraConfig","val":{"_value":[{"key":"guestinfo.userdata","value":{"_value":"hunter2"}}]}}"#,
                r#"{"name":"config.extraConfig","val":{"_value":[{"key":"guestinfo.userdata","value":"***"}]}}"#,
            ),
            (
                r#"{"id":"db","type":"password(..20)","defaultValue":"hunter2","value":"hunter2","label":"DB"}"#,
                r#"{"id":"db","type":"password(..20)","defaultValue":"***","value":"***","label":"DB"}"#,
            ),
            (
                r#"{"type":"VirtualMachine","value":"vm-7"}"#,
                r#"{"type":"VirtualMachine","value":"vm-7"}"#,
            ),
            (
                r#"{"key":"colour","value":"red"}"#,
                r#"{"key":"colour","value":"red"}"#,
            ),
            (r#" "hunter2" "#, r#""***""#),
            (" 17 ", "17"),
        ];
        for (body, expected) in table {
            assert_eq!(strike(body).as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn what_is_not_json_is_not_shown() {
        let bodies = [
            "",
            "hunter2",
            r#"{"a":hunter2}"#,
            "{} hunter2",
            r#"{"a":"hunter2}"#,
        ];
        for body in bodies {
            assert_eq!(strike(body), None, "{body}");
        }
        assert_eq!(SecretNames::new().strike_out(b"\"hunter2\xff\"", &[]), None);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(strike(&nested(127)), Some(nested(127)));
        assert_eq!(strike(&nested(128)), None);
        assert_eq!(strike(&nested(100_000)), None);
    }
}
