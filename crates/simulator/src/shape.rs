//! What a request body may look like: unknown members and wrong types are found, and named.

use serde_json::Value;

/// The shape of a value.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Any string.
    Text,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Integer,
    /// A list of values of one shape.
    List(&'static Shape),
    /// An object whose members have free names and one shape.
    Map(&'static Shape),
    /// An object with these members and no others.
    Object(&'static [Member]),
    /// An object whose `_typeName` says which of these members it has.
    Typed(&'static [(&'static str, &'static [Member])]),
    /// A value of any type, which says its type: an object with a `_typeName`.
    Boxed,
    /// A shape that is described elsewhere.
    Nested(&'static Shape),
    /// Any value.
    Anything,
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Member {
    name: &'static str,
    shape: Shape,
    required: bool,
}

/// A member that may be absent or null.
pub(crate) const fn optional(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        shape,
        required: false,
    }
}

/// A member that has to be there.
pub(crate) const fn required(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        shape,
        required: true,
    }
}

/// The name of the type of an object.
pub(crate) const TYPE: Member = required("_typeName", Shape::Text);

/// What is wrong with a value, and where: `vmNetworkSettings.nics[0].nicIndex`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misfit {
    #[error("Unknown member {path}.")]
    Unknown { path: String },
    #[error("Member {path} is missing.")]
    Missing { path: String },
    #[error("Member {path} has to be {wanted}.")]
    Type { path: String, wanted: &'static str },
}

impl Misfit {
    /// The member in question.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Unknown { path } | Self::Missing { path } | Self::Type { path, .. } => path,
        }
    }
}

impl Shape {
    /// Finds the first thing that does not fit.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Misfit> {
        self.check_at("", value)
    }

    fn check_at(&self, path: &str, value: &Value) -> Result<(), Misfit> {
        let fits = match (self, value) {
            (Self::Object(members), Value::Object(given)) => return check_members(path, members, given),
            (Self::List(shape), Value::Array(items)) => {
                let mut items = items.iter().enumerate();
                return items.try_for_each(|(index, item)| shape.check_at(&format!("{path}[{index}]"), item));
            }
            (Self::Map(shape), Value::Object(given)) => {
                let mut given = given.iter();
                return given.try_for_each(|(name, item)| shape.check_at(&join(path, name), item));
            }
            (Self::Typed(known), Value::Object(given)) => {
                let own = known
                    .iter()
                    .find(|(name, _)| given.get(TYPE.name).is_some_and(|own| own == name));
                match own {
                    Some((_, members)) => return check_members(path, members, given),
                    None => false,
                }
            }
            (Self::Boxed, Value::Object(given)) => {
                // What is in a box is alone there.
                let alone = !given.contains_key("_value") || given.len() == 2;
                alone && given.get(TYPE.name).is_some_and(Value::is_string)
            }
            (Self::Nested(shape), value) => return shape.check_at(path, value),
            (Self::OneOf(known), Value::String(text)) => known.contains(&text.as_str()),
            (Self::Text, Value::String(_)) | (Self::Flag, Value::Bool(_)) => true,
            (Self::Integer, Value::Number(number)) => number.is_i64(),
            (Self::Anything, _) => true,
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(Misfit::Type {
                path: path.to_owned(),
                wanted: self.wanted(),
            })
        }
    }

    fn wanted(&self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::OneOf(_) => "one of its known values",
            Self::Flag => "true or false",
            Self::Integer => "a whole number",
            Self::Anything => "any value",
            Self::Nested(shape) => shape.wanted(),
            Self::List(_) => "an array",
            Self::Map(_) | Self::Object(_) => "an object",
            Self::Typed(_) => "an object of one of its known types",
            Self::Boxed => "an object that says its type in _typeName",
        }
    }
}

fn check_members(
    path: &str,
    members: &[Member],
    given: &serde_json::Map<String, Value>,
) -> Result<(), Misfit> {
    if let Some(name) = given
        .keys()
        .find(|name| members.iter().all(|member| member.name != name.as_str()))
    {
        return Err(Misfit::Unknown {
            path: join(path, name),
        });
    }
    for member in members {
        let path = join(path, member.name);
        match given.get(member.name) {
            None | Some(Value::Null) if member.required => return Err(Misfit::Missing { path }),
            None | Some(Value::Null) => {}
            Some(value) => member.shape.check_at(&path, value)?,
        }
    }
    Ok(())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static NIC: Shape = Shape::Object(&[optional("nicIndex", Shape::Integer)]);
    static BODY: Shape = Shape::Object(&[
        required("type", Shape::OneOf(&["vcloud"])),
        optional("nics", Shape::List(&NIC)),
        optional("byVm", Shape::Map(&NIC)),
    ]);

    #[test]
    fn an_object_has_the_members_of_the_type_that_it_says() {
        static EITHER: Shape = Shape::Typed(&[
            ("A", &[TYPE, required("a", Shape::Text)]),
            ("B", &[TYPE, optional("b", Shape::Boxed)]),
        ]);
        let misfit = |value: &Value| EITHER.check(value).err().map(|misfit| misfit.to_string());
        assert_eq!(misfit(&json!({"_typeName": "A", "a": "x"})), None);
        let boxed = json!({"_typeName": "string", "_value": "x"});
        assert_eq!(misfit(&json!({"_typeName": "B", "b": boxed})), None);
        for (value, wanted) in [
            (json!({"_typeName": "A"}), "Member a is missing."),
            (json!({"_typeName": "B", "a": "x"}), "Unknown member a."),
            (
                json!({"_typeName": "B", "b": "x"}),
                "Member b has to be an object that says its type in _typeName.",
            ),
            (
                json!({"_typeName": "B", "b": {"_typeName": "string", "_value": "x", "c": 1}}),
                "Member b has to be an object that says its type in _typeName.",
            ),
            (
                json!({"_typeName": "C"}),
                "Member  has to be an object of one of its known types.",
            ),
            (
                json!({}),
                "Member  has to be an object of one of its known types.",
            ),
        ] {
            assert_eq!(misfit(&value).as_deref(), Some(wanted), "{value}");
        }
    }

    fn misfit(value: &Value) -> String {
        BODY.check(value)
            .err()
            .map_or_else(String::new, |misfit| misfit.to_string())
    }

    #[test]
    fn a_body_that_fits_passes_and_null_stands_for_absent() {
        let body = json!({"type": "vcloud", "nics": [{"nicIndex": 0}], "byVm": {"vm-1": {"nicIndex": null}}});
        assert_eq!(BODY.check(&body), Ok(()));
        assert_eq!(BODY.check(&json!({"type": "vcloud", "nics": null})), Ok(()));
    }

    #[test]
    fn the_member_that_does_not_fit_is_named() {
        assert_eq!(misfit(&json!({})), "Member type is missing.");
        assert_eq!(
            misfit(&json!({"type": "moon"})),
            "Member type has to be one of its known values."
        );
        assert_eq!(
            misfit(&json!({"type": "vcloud", "Nics": []})),
            "Unknown member Nics."
        );
        assert_eq!(
            misfit(&json!({"type": "vcloud", "nics": [{}, {"nicIndex": "0"}]})),
            "Member nics[1].nicIndex has to be a whole number."
        );
        assert_eq!(
            misfit(&json!({"type": "vcloud", "byVm": {"vm-1": {"x": 1}}})),
            "Unknown member byVm.vm-1.x."
        );
    }
}
