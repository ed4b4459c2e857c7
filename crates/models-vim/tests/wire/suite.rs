//! What holds for every generated type; each model crate runs it on its own types.

use std::collections::BTreeMap;

use farside_wire::{ApiError, Fault, KeyAnyValue, LocalizableMessage, ManagedObjectReference};
use serde_json::Value;

use crate::document::{Document, Node};
use crate::golden;
use crate::make::{Maker, Random};
use crate::schema::{Entry, entry};

/// Values made of each type.
const VALUES: u64 = 24;
/// Documents that are damaged and read, over all types of a crate.
const GARBAGE: usize = 100_000;

/// The types under test, by schema, and those of the wire runtime.
pub(crate) struct Types {
    own: Vec<Entry>,
    by_schema: BTreeMap<&'static str, Entry>,
}

impl Types {
    fn new(own: &[Entry], others: &[Entry]) -> Self {
        let wire = [
            entry::<ManagedObjectReference>("ManagedObjectReference"),
            entry::<LocalizableMessage>("LocalizableMessage"),
            entry::<KeyAnyValue>("KeyAnyValue"),
            entry::<Fault>("MethodFault"),
            entry::<ApiError>("ApiError"),
        ];
        let all = wire.iter().chain(others).chain(own);
        Self {
            own: own.to_vec(),
            by_schema: all.map(|entry| (entry.schema, *entry)).collect(),
        }
    }

    pub(crate) fn find(&self, schema: &str) -> Option<&Entry> {
        self.by_schema.get(schema)
    }
}

/// Runs everything on the types of one crate; `prefix` tells its operations from those of other crates of the
/// document.
pub(crate) struct Suite {
    pub(crate) types: Types,
    pub(crate) document: Document,
    pub(crate) prefix: &'static str,
}

impl Suite {
    /// `others` are types of another crate that stand at the root of an answer.
    pub(crate) fn new(own: &[Entry], others: &[Entry], product: &str, prefix: &'static str) -> Self {
        assert!(!own.is_empty(), "no types");
        Self {
            types: Types::new(own, others),
            document: Document::read(product),
            prefix,
        }
    }

    pub(crate) fn fixtures_survive(&self) {
        golden::fixtures_survive(&self.types, &self.document);
    }

    pub(crate) fn operations_have_fixtures(&self) {
        golden::operations_have_fixtures(self.prefix, &self.document);
    }

    /// What was made from the schema is printed as it was read, letter by letter.
    pub(crate) fn values_survive(&self) {
        for entry in &self.types.own {
            for seed in 0..VALUES {
                let text = Maker::new(&self.document, seed).value_of(entry.schema);
                let printed = entry
                    .reprint(&text)
                    .unwrap_or_else(|error| panic!("{}, seed {seed}: {error}\n{text}", entry.schema));
                assert_eq!(printed, text, "{}, seed {seed}", entry.schema);
            }
        }
    }

    /// The order in which members come does not matter, nor does the place of `_typeName`.
    pub(crate) fn order_does_not_matter(&self) {
        for entry in &self.types.own {
            let text = Maker::new(&self.document, 7).value_of(entry.schema);
            let value: Value = serde_json::from_str(&text).expect("what was made is JSON");
            // `Value` sorts members by name, which puts `_typeName` behind those with a capital.
            let printed = entry
                .reprint(&value.to_string())
                .unwrap_or_else(|error| panic!("{}: {error}\n{value}", entry.schema));
            let back: Value = serde_json::from_str(&printed).expect("what was printed is JSON");
            assert_eq!(back, value, "{}", entry.schema);
        }
    }

    /// Each member of each schema is known to its type: a value that cannot be one is refused there, and the error
    /// names type and member.
    pub(crate) fn members_are_known(&self) {
        let mut refused = 0;
        for entry in &self.types.own {
            let schema = self.document.schema(entry.schema);
            for (name, node, _) in self.document.members(schema) {
                let Some(wrong) = self.wrong(node).filter(|_| name != "_typeName") else {
                    continue;
                };
                let text = format!("{{{}:{wrong}}}", serde_json::to_string(name).expect("a name"));
                let Err(error) = entry.reprint(&text) else {
                    panic!("{}.{name} takes {wrong}, or is not known", entry.schema)
                };
                assert!(error.contains(name), "{}.{name}: {error}", entry.schema);
                refused += 1;
            }
        }
        assert!(refused > 0, "no member was looked at");
    }

    /// A value that cannot stand in the place; `None` if any value can.
    fn wrong(&self, node: &Node) -> Option<&'static str> {
        if let Some(name) = node.reference() {
            let target = (name != "Any").then(|| self.document.schema(name))?;
            return if target.text("type").is_some() {
                self.wrong(target)
            } else {
                Some("12.5")
            };
        }
        match node.text("type")? {
            "number" | "integer" | "boolean" => Some("[]"),
            // An object of which nobody knows the members is kept as it is.
            "object" if node.get("properties").is_none() && node.get("additionalProperties").is_none() => {
                None
            }
            // The tag of a variant is read by the union.
            "string" if node.texts("enum").len() == 1 => None,
            _ => Some("12.5"),
        }
    }

    /// Damaged documents are refused or read, and never panic.
    pub(crate) fn garbage_is_survived(&self) {
        let mut outcomes = [0_usize; 2];
        let mut random = Random::new(20_261_121);
        for round in 0..GARBAGE {
            let entry = random.pick(&self.types.own);
            let seed = u64::try_from(round % 40).expect("a small number");
            let mut bytes = Maker::new(&self.document, seed)
                .value_of(entry.schema)
                .into_bytes();
            for _ in 0..=random.below(3) {
                damage(&mut bytes, &mut random);
            }
            // A reader of text never sees what is no text; that has a test of its own in the wire runtime.
            let text = String::from_utf8_lossy(&bytes);
            outcomes[usize::from(entry.reprint(&text).is_ok())] += 1;
        }
        assert!(outcomes.iter().all(|count| *count > GARBAGE / 50), "{outcomes:?}");
    }

    /// A document that nests without end is refused.
    pub(crate) fn nesting_is_bounded(&self) {
        for entry in &self.types.own {
            for open in ["[", "{\"a\":"] {
                let text = format!("{{\"x-invented\":{}", open.repeat(200_000));
                assert!(entry.reprint(&text).is_err(), "{}", entry.schema);
                let closed = format!("{{\"x-invented\":{}{}}}", "[".repeat(200), "]".repeat(200));
                assert!(entry.reprint(&closed).is_err(), "{}", entry.schema);
            }
        }
    }
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let place = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[place] = b"{}[]\",:0e-\\ntu\0\xff"[random.below(16)],
        1 => _ = bytes.remove(place),
        2 => bytes.truncate(place),
        3 => bytes.insert(place, b"{}[]\",:0"[random.below(8)]),
        4 => {
            let end = place + random.below(bytes.len() - place);
            let again = bytes[place..end].to_vec();
            bytes.splice(place..place, again);
        }
        _ => {
            let end = place + random.below(bytes.len() - place);
            bytes.drain(place..end);
        }
    }
}

/// The tests of a model crate.
macro_rules! tests {
    ($types:expr, $others:expr, $product:literal, $prefix:literal) => {
        fn suite() -> $crate::suite::Suite {
            $crate::suite::Suite::new($types, $others, $product, $prefix)
        }

        #[test]
        fn fixtures_are_printed_as_they_were_read() {
            suite().fixtures_survive();
        }

        #[test]
        fn every_operation_has_a_fixture() {
            suite().operations_have_fixtures();
        }

        #[test]
        fn every_type_prints_what_it_read() {
            suite().values_survive();
        }

        #[test]
        fn members_come_in_any_order() {
            suite().order_does_not_matter();
        }

        #[test]
        fn every_member_of_the_schema_is_known() {
            suite().members_are_known();
        }

        #[test]
        fn damaged_documents_never_panic() {
            suite().garbage_is_survived();
        }

        #[test]
        fn endless_nesting_is_refused() {
            suite().nesting_is_bounded();
        }
    };
}
pub(crate) use tests;
