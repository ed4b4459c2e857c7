//! The declared types of the vim objects that a world has: what a path may walk through, how its end is boxed, and which
//! properties can be read at all.
//!
//! Source: the type tables of VI JSON 9.1.1.0. A line of a table is a type, its base (`-` for none but `ManagedObject` or
//! `DataObject`), and its own members in wire order: `name:Type`, `[]` after a list, `?` after what may be unset. Subtypes of
//! `Event` and `MethodFault` are left out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A property or member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its declared type, or that of its elements.
    pub(crate) type_name: &'static str,
    /// Whether it is an array.
    pub(crate) array: bool,
    /// Whether it may be unset.
    pub(crate) optional: bool,
}

#[derive(Debug)]
struct Type {
    base: &'static str,
    members: Vec<Member>,
}

type Table = BTreeMap<&'static str, Type>;

static MANAGED: LazyLock<Table> = LazyLock::new(|| read(&[include_str!("types/managed.txt")]));
static DATA: LazyLock<Table> = LazyLock::new(|| {
    read(&[
        include_str!("types/data.txt"),
        include_str!("types/data_host.txt"),
        include_str!("types/data_vm.txt"),
    ])
});

/// Types that are known only in part, so that no value of them can be answered whole.
static PARTIAL: &[&str] = &["HostConfigInfo"];

fn read(texts: &[&'static str]) -> Table {
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.filter_map(type_of_line).collect()
}

fn type_of_line(line: &'static str) -> Option<(&'static str, Type)> {
    let mut words = line.split(' ');
    let (name, base) = (words.next()?, words.next()?);
    let members = words.filter_map(member_of_word).collect();
    Some((name, Type { base, members }))
}

fn member_of_word(word: &'static str) -> Option<Member> {
    let (name, rest) = word.split_once(':')?;
    let required = rest.strip_suffix('?');
    let rest = required.unwrap_or(rest);
    let element = rest.strip_suffix("[]");
    Some(Member {
        name,
        type_name: element.unwrap_or(rest),
        array: element.is_some(),
        optional: required.is_some(),
    })
}

fn find(type_name: &str) -> Option<(&'static str, &'static Type)> {
    let table = |table: &'static Table| table.get_key_value(type_name);
    let (name, known) = table(&MANAGED).or_else(|| table(&DATA))?;
    Some((*name, known))
}

/// The names of all managed types.
pub(crate) fn managed() -> impl Iterator<Item = &'static str> {
    MANAGED.keys().copied()
}

/// Whether there is a data type of this name.
pub(crate) fn is_data(type_name: &str) -> bool {
    DATA.contains_key(type_name)
}

/// A type and its bases, nearest first; nothing if the type is not known.
fn line(type_name: &str) -> impl Iterator<Item = (&'static str, &'static Type)> {
    std::iter::successors(find(type_name), |(_, known)| find(known.base))
}

/// Whether one type is another or derives from it.
pub(crate) fn is_a(type_name: &str, wanted: &str) -> bool {
    type_name == wanted
        || wanted == "ManagedObject" && MANAGED.contains_key(type_name)
        || line(type_name).any(|(name, _)| name == wanted)
}

/// A member of a type or one of its bases.
pub(crate) fn member(type_name: &str, name: &str) -> Option<Member> {
    members(type_name).find(|member| member.name == name)
}

/// All members of a type and its bases, the bases' last.
pub(crate) fn members(type_name: &str) -> impl Iterator<Item = Member> {
    line(type_name).flat_map(|(_, known)| known.members.iter().copied())
}

/// Whether values of a type are known only in part.
pub(crate) fn is_partial(type_name: &str) -> bool {
    PARTIAL.contains(&type_name)
}

/// How a value of a declared type is called in a box of its own.
pub(crate) fn boxed_name(type_name: &'static str) -> &'static str {
    match type_name {
        "binary" => "base64Binary",
        other => other,
    }
}

/// How an array of a declared type is called in a box: primitive types are capitalized, names of types keep their case.
pub(crate) fn array_name(type_name: &'static str) -> String {
    let element = match type_name {
        "anyType" => "AnyType",
        "base64Binary" | "binary" => "Base64Binary",
        "anyURI" => "AnyURI",
        "dateTime" => "DateTime",
        "boolean" => "Boolean",
        "byte" => "Byte",
        "short" => "Short",
        "int" => "Int",
        "long" => "Long",
        "float" => "Float",
        "double" => "Double",
        "string" => "String",
        other => other,
    };
    format!("ArrayOf{element}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIMITIVES: &[&str] = &[
        "boolean",
        "byte",
        "short",
        "int",
        "long",
        "float",
        "double",
        "string",
        "binary",
        "dateTime",
        "anyURI",
        "anyType",
        "ManagedObjectReference",
        "TypeName",
        "PropertyPath",
        "MethodName",
    ];

    #[test]
    fn every_line_is_a_type_whose_base_is_data() {
        for (name, known) in MANAGED.iter().chain(DATA.iter()) {
            assert!(
                known.base == "-" || find(known.base).is_some(),
                "{name} of {}",
                known.base
            );
            for member in &known.members {
                // What is neither a data type nor a primitive is an enum, and those begin with a capital.
                let fits = is_data(member.type_name)
                    || PRIMITIVES.contains(&member.type_name)
                    || member
                        .type_name
                        .starts_with(|first: char| first.is_ascii_uppercase());
                assert!(fits, "{name}.{}: {}", member.name, member.type_name);
            }
        }
        assert!(MANAGED.len() > 25 && DATA.len() > 800);
    }

    #[test]
    fn members_are_those_of_the_bases_too() {
        assert!(is_a("VmwareDistributedVirtualSwitch", "ManagedEntity"));
        assert!(is_a("Task", "ManagedObject") && !is_a("Task", "ManagedEntity"));
        let name = member("VirtualMachine", "name").unwrap();
        assert_eq!(
            (name.type_name, name.array, name.optional),
            ("string", false, false)
        );
        let types = member("ContainerView", "type").unwrap();
        assert_eq!(
            (types.type_name, types.array, types.optional),
            ("TypeName", true, true)
        );
        assert_eq!(member("VirtualMachine", "colour"), None);
    }
}
