//! Rewrites the strings of a JSON text and leaves everything else as it is: order, numbers, repeated members.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde::de::IgnoredAny;

/// Members that name what a neighbour holds, as in `{"key": "admin.password", "value": ".."}`, and the neighbour.
const NAMING: [&str; 2] = ["key", "name"];
const NAMED: &str = "value";

/// Says what becomes of the parts of a JSON text.
pub(super) trait Edit {
    /// Whether the value of a member with this name is a secret, with all that it holds.
    fn is_secret(&self, member: &str) -> bool;

    /// What stands in the place of a string that is a secret, or part of one, by the name of the member.
    fn secret(&mut self, member: &str, text: &str) -> String;

    /// What stands in the place of the name of a member; `None` leaves it as it is.
    fn name(&mut self, name: &str) -> Option<String>;

    /// What stands in the place of any other string; `None` leaves it as it is.
    fn text(&mut self, text: &str) -> Option<String>;
}

/// The text of a body, if it is one JSON value.
pub(super) fn checked(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    Some(text)
}

/// Rewrites `json`, which is one JSON value, without its white space. Where `whole` is a name, the value is a secret of
/// this name.
pub(super) fn rewrite(json: &str, whole: Option<&str>, edit: &mut dyn Edit) -> String {
    let (text, naming) = pass(json, whole, BTreeSet::new(), edit);
    if naming.is_empty() {
        return text;
    }
    // What a member names can stand before it, so it takes a second look.
    pass(json, whole, naming, edit).0
}

/// Rewrites once. `naming` are the places of objects in which a member names its neighbour a secret; gives those that
/// were found.
fn pass(
    json: &str,
    whole: Option<&str>,
    naming: BTreeSet<usize>,
    edit: &mut dyn Edit,
) -> (String, BTreeSet<usize>) {
    let mut rewriter = Rewriter {
        json,
        at: 0,
        out: String::with_capacity(json.len()),
        levels: vec![Level {
            secret: whole.map(Rc::from),
            ..Level::default()
        }],
        naming,
        found: BTreeSet::new(),
        edit,
    };
    while rewriter.step() {}
    (rewriter.out, rewriter.found)
}

/// An object or array that is open. Nesting costs memory instead of stack, however deep a server makes it.
#[derive(Default)]
struct Level {
    start: usize,
    object: bool,
    /// The next string is the name of a member.
    at_name: bool,
    /// The name by which everything in here is a secret.
    secret: Option<Rc<str>>,
    /// The name by which the current member is one.
    member: Option<Rc<str>>,
    role: Role,
}

/// What the current member says about others.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Role {
    #[default]
    None,
    /// The type of the object.
    Type,
    /// What the neighbour holds.
    Name,
}

struct Rewriter<'a> {
    json: &'a str,
    at: usize,
    out: String,
    levels: Vec<Level>,
    naming: BTreeSet<usize>,
    found: BTreeSet<usize>,
    edit: &'a mut dyn Edit,
}

impl<'a> Rewriter<'a> {
    /// Takes one token; `false` at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        let Some(first) = self.rest().chars().next() else {
            return false;
        };
        match first {
            '"' => self.string(),
            '{' | '[' => {
                let level = Level {
                    start: self.at,
                    object: first == '{',
                    at_name: first == '{',
                    secret: self.secret(),
                    ..Level::default()
                };
                self.levels.push(level);
                self.punctuation(first);
            }
            '}' | ']' => {
                self.levels.pop();
                self.punctuation(first);
            }
            ',' => {
                if let Some(level) = self.levels.last_mut().filter(|level| level.object) {
                    (level.at_name, level.member, level.role) = (true, None, Role::None);
                }
                self.punctuation(first);
            }
            ':' => {
                if let Some(level) = self.levels.last_mut() {
                    level.at_name = false;
                }
                self.punctuation(first);
            }
            _ => self.scalar(),
        }
        true
    }

    fn punctuation(&mut self, mark: char) {
        self.out.push(mark);
        self.at += mark.len_utf8();
    }

    fn rest(&self) -> &'a str {
        &self.json[self.at..]
    }

    /// Takes the next `length` bytes.
    fn token(&mut self, length: usize) -> &'a str {
        let token = &self.rest()[..length];
        self.at += length;
        token
    }

    /// The name by which the value that comes is a secret.
    fn secret(&self) -> Option<Rc<str>> {
        let level = self.levels.last()?;
        level.member.clone().or_else(|| level.secret.clone())
    }

    fn string(&mut self) {
        let token = self.token(end_of_string(self.rest()));
        // A lone surrogate is JSON and no text; its escapes are compared as they stand.
        let text: String = serde_json::from_str(token).unwrap_or_else(|_| bare(token).to_owned());
        let instead = if self.levels.last().is_some_and(|level| level.at_name) {
            self.name(&text)
        } else {
            self.value(&text)
        };
        match instead {
            Some(text) => self.out.push_str(&serde_json::Value::from(text).to_string()),
            None => self.out.push_str(token),
        }
    }

    fn name(&mut self, name: &str) -> Option<String> {
        if let Some(level) = self.levels.last_mut() {
            let named = name == NAMED && self.naming.contains(&level.start);
            level.member = (named || self.edit.is_secret(name)).then(|| Rc::from(name));
            level.role = match name {
                "_typeName" => Role::Type,
                _ if NAMING.contains(&name) => Role::Name,
                _ => Role::None,
            };
        }
        self.edit.name(name)
    }

    fn value(&mut self, text: &str) -> Option<String> {
        let role = self.levels.last().map_or(Role::None, |level| level.role);
        if role == Role::Name && self.edit.is_secret(text) {
            self.found.extend(self.levels.last().map(|level| level.start));
        }
        match self.secret() {
            // The type of a secret object is none.
            Some(name) if role != Role::Type => Some(self.edit.secret(&name, text)),
            Some(_) | None => self.edit.text(text),
        }
    }

    /// A number, `true`, `false` or `null`. A number in a secret becomes 0, so that a reader still finds the kind of value
    /// that it wants; the others are too short to be secrets.
    fn scalar(&mut self) {
        let ends = |c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace();
        let token = self.token(self.rest().find(ends).unwrap_or(self.rest().len()));
        let instead = match (self.secret(), token) {
            (None, _) | (Some(_), "null" | "true" | "false") => token,
            (Some(_), _) => "0",
        };
        self.out.push_str(instead);
    }
}

fn bare(token: &str) -> &str {
    let open = token.strip_prefix('"').unwrap_or(token);
    open.strip_suffix('"').unwrap_or(open)
}

/// The index behind the closing quote of the string that `text` begins with.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names `password` and `pin` secrets, and knows one value.
    #[derive(Default)]
    struct Known(Vec<(String, String)>);

    impl Edit for Known {
        fn is_secret(&self, member: &str) -> bool {
            matches!(member, "password" | "pin")
        }

        fn secret(&mut self, member: &str, text: &str) -> String {
            self.0.push((member.to_owned(), text.to_owned()));
            format!("<{member}>")
        }

        fn name(&mut self, name: &str) -> Option<String> {
            self.text(name)
        }

        fn text(&mut self, text: &str) -> Option<String> {
            text.contains("hunter2").then(|| text.replace("hunter2", "<x>"))
        }
    }

    #[track_caller]
    fn check(json: &str, wanted: &str) -> Vec<(String, String)> {
        let mut known = Known::default();
        assert_eq!(
            rewrite(checked(json.as_bytes()).unwrap(), None, &mut known),
            wanted
        );
        known.0
    }

    #[test]
    fn secrets_go_at_any_depth_and_the_rest_stays_to_the_letter() {
        let found = check(
            r#" {"b": 1.50, "a" : [1e400, {"password": "s\"e\u0041"}], "a": null, "password":null,"":"\u00e9"} "#,
            r#"{"b":1.50,"a":[1e400,{"password":"<password>"}],"a":null,"password":null,"":"\u00e9"}"#,
        );
        assert_eq!(found, [("password".to_owned(), "s\"eA".to_owned())]);
    }

    #[test]
    fn all_of_a_secret_object_goes_but_its_shape_and_type() {
        let found = check(
            r#"{"password":{"_typeName":"Password","value":"a","plain":true,"list":["b",7]},"pin":1234,"user":"u"}"#,
            r#"{"password":{"_typeName":"Password","value":"<password>","plain":true,"list":["<password>",0]},"pin":0,"user":"u"}"#,
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_neighbour_that_is_named_a_secret_is_one() {
        check(
            r#"[{"value":{"a":"s1"},"key":"password"},{"name":"pin","value":"s2"},{"key":"colour","value":"red"}]"#,
            r#"[{"value":{"a":"<value>"},"key":"password"},{"name":"pin","value":"<value>"},{"key":"colour","value":"red"}]"#,
        );
    }

    #[test]
    fn a_known_value_goes_wherever_it_stands_in_a_string() {
        check(
            r#"["my hunter2!",{"hunter2":"\ud800 hunter2"}]"#,
            r#"["my <x>!",{"<x>":"\\ud800 <x>"}]"#,
        );
    }

    #[test]
    fn a_whole_value_can_be_a_secret() {
        let rewritten = rewrite(r#""token""#, Some("session"), &mut Known::default());
        assert_eq!(rewritten, r#""<session>""#);
    }

    #[test]
    fn depth_costs_no_stack_and_garbage_is_told() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        check(&deep, &deep);
        for garbage in ["", "{", "nul", "{} {}", "\"\u{1}\"", "'a'"] {
            assert_eq!(checked(garbage.as_bytes()), None, "{garbage}");
        }
        assert_eq!(checked(b"\xff"), None);
    }
}
