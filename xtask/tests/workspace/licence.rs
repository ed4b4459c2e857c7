//! Licence expressions (SPDX, with the older `/` for `OR`), judged against a list of licences.

use std::collections::BTreeSet;

/// Whether `expression` can be satisfied with the licences of `allowed` alone.
///
/// A licence with an exception counts only if it is listed with the exception.
///
/// # Errors
///
/// When the expression cannot be read; the text says where.
pub(crate) fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> Result<bool, String> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut reader = Reader {
        words: spaced.split_whitespace().collect(),
        next: 0,
        allowed,
    };
    let verdict = reader.any()?;
    match reader.take() {
        None => Ok(verdict),
        Some(word) => Err(format!("{word:?} is not expected there in {expression:?}")),
    }
}

struct Reader<'a> {
    words: Vec<&'a str>,
    next: usize,
    allowed: &'a BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn take(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.next).copied();
        self.next += 1;
        word
    }

    fn take_if(&mut self, wanted: &str) -> bool {
        let found = self.words.get(self.next) == Some(&wanted);
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut verdict = self.all()?;
        while self.take_if("OR") {
            verdict |= self.all()?;
        }
        Ok(verdict)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut verdict = self.one()?;
        while self.take_if("AND") {
            verdict &= self.one()?;
        }
        Ok(verdict)
    }

    fn one(&mut self) -> Result<bool, String> {
        match self.take() {
            Some("(") => {
                let verdict = self.any()?;
                if self.take_if(")") {
                    Ok(verdict)
                } else {
                    Err("a bracket is not closed".to_owned())
                }
            }
            None | Some(")" | "OR" | "AND" | "WITH") => Err("a licence is missing".to_owned()),
            Some(licence) if self.take_if("WITH") => {
                let exception = self.take().ok_or("an exception is missing")?;
                Ok(self.allowed.contains(&format!("{licence} WITH {exception}")))
            }
            Some(licence) => Ok(self.allowed.contains(licence)),
        }
    }
}

#[track_caller]
fn check(expression: &str, expected: bool) {
    let allowed = ["MIT", "ISC", "Apache-2.0"].map(str::to_owned).into();
    assert_eq!(satisfied(expression, &allowed), Ok(expected), "{expression}");
}

#[test]
fn one_allowed_choice_is_enough() {
    check("MIT", true);
    check("GPL-3.0-only", false);
    check("Unlicense OR MIT", true);
    check("GPL-2.0/MIT", true);
    check("GPL-2.0-only OR GPL-3.0-only", false);
}

#[test]
fn every_required_licence_must_be_allowed() {
    check("Apache-2.0 AND ISC", true);
    check("MIT AND OpenSSL", false);
    check("(MIT OR GPL-3.0-only) AND ISC", true);
    check("(MIT OR GPL-3.0-only) AND OpenSSL", false);
    check("MIT AND OpenSSL OR ISC", true);
}

#[test]
fn an_exception_makes_another_licence() {
    check("Apache-2.0 WITH LLVM-exception", false);
    check("Apache-2.0 WITH LLVM-exception OR MIT", true);
}

#[test]
fn an_unreadable_expression_is_an_error() {
    for expression in ["", "MIT OR", "(MIT", "MIT ISC", "MIT WITH", "AND MIT"] {
        assert!(satisfied(expression, &BTreeSet::new()).is_err(), "{expression:?}");
    }
}
