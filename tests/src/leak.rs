//! Looks for secrets in everything that was put out.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A value that is shorter could stand somewhere by chance.
const SHORTEST: usize = 8;

/// Secret values, each with the forms in which it could stand somewhere.
#[derive(Clone, Default)]
pub struct Secrets {
    /// What it is, and one form of it.
    forms: BTreeSet<(String, Vec<u8>)>,
}

// By hand: a failing test must not print what it was looking for.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets")
            .field("forms", &self.forms.len())
            .finish_non_exhaustive()
    }
}

impl Secrets {
    /// One more secret, as it is, in base64, as hexadecimal digits and percent-encoded.
    ///
    /// # Panics
    /// It is so short that it could stand somewhere by chance.
    pub fn add(&mut self, what: &str, value: &str) {
        assert!(value.len() >= SHORTEST, "{what} is too short to be looked for");
        let bytes = value.as_bytes();
        let hex = |upper: bool| -> String {
            let digits = |byte: &u8| {
                if upper {
                    format!("{byte:02X}")
                } else {
                    format!("{byte:02x}")
                }
            };
            bytes.iter().map(digits).collect()
        };
        let percent: String = bytes
            .iter()
            .map(|&byte| {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
        for form in [
            value.to_owned(),
            STANDARD.encode(bytes),
            STANDARD_NO_PAD.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
            hex(false),
            hex(true),
            percent,
        ] {
            self.forms.insert((what.to_owned(), form.into_bytes()));
        }
    }

    /// A user's password, also as HTTP Basic sends it.
    pub fn add_credentials(&mut self, what: &str, user: &str, password: &str) {
        self.add(what, password);
        self.add(what, &format!("{user}:{password}"));
    }

    /// Number of different secrets.
    pub fn count(&self) -> usize {
        let names: BTreeSet<&String> = self.forms.iter().map(|(what, _)| what).collect();
        names.len()
    }

    /// Which secrets stand in which of the outputs; what was found is named and not shown.
    pub fn found_in<'a>(&self, outputs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<String> {
        let mut found = BTreeSet::new();
        for (place, output) in outputs {
            for (what, form) in &self.forms {
                if contains(output, form) {
                    found.insert(format!("{what} stands in {place}"));
                }
            }
        }
        found.into_iter().collect()
    }
}

fn contains(output: &[u8], form: &[u8]) -> bool {
    let Some(&first) = form.first() else { return false };
    let mut rest = output;
    while let Some(at) = rest.iter().position(|&byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(form) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_each_of_its_forms_and_named_without_its_value() {
        let mut secrets = Secrets::default();
        secrets.add_credentials("password of west", "dr@tenant", "sim-0a1b2c&d");
        assert_eq!(secrets.count(), 1);
        let basic = STANDARD.encode("dr@tenant:sim-0a1b2c&d");
        let planted = [
            "x sim-0a1b2c&d x".to_owned(),
            format!("Basic {basic}"),
            STANDARD.encode("sim-0a1b2c&d"),
            "73696d2d306131623263266".to_owned() + "4",
            "?password=sim-0a1b2c%26d".to_owned(),
        ];
        for text in &planted {
            let found = secrets.found_in([("the log", text.as_bytes())]);
            assert_eq!(found, ["password of west stands in the log"], "{text}");
        }
        let clean = secrets.found_in([("the log", &b"sim-0a1b2c sim-0a1b2c&e"[..])]);
        assert!(clean.is_empty(), "{clean:?}");
        assert!(!format!("{secrets:?}").contains("sim-"));
    }
}
