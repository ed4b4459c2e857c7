//! Rules from a TOML file: an array of tables `fault`, each with the members of a [`FaultRule`].
//!
//! ```
//! use farside_simulator::fault::file;
//!
//! let rules = file::read("[[fault]]\nservice = 'vcda'\nprobability = 0.2\ncount = 'all'\ndo = 'drop_answer'\n").unwrap();
//! assert_eq!(rules[0].line, 1);
//! let error = file::read("[[fault]]\ndo = 'explode'\n").unwrap_err();
//! assert!(error.to_string().starts_with("2:6: "), "{error}");
//! ```

use serde::Deserialize;
use toml::Spanned;

use super::rule::FaultRule;
use super::unfit::UnfitRule;
use crate::spec::file::plainly;
use crate::world::World;

/// A rule of a file, and where it stands there.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// The line at which it begins, from 1.
    pub line: usize,
    /// The column at which it begins, from 1, in characters.
    pub column: usize,
    /// The rule.
    pub rule: FaultRule,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct FaultFileError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong there, and what may stand there instead.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fault: Vec<Spanned<FaultRule>>,
}

/// Reads the rules of a file.
///
/// # Errors
/// [`FaultFileError`] where the text is no TOML, or a rule cannot be read.
pub fn read(text: &str) -> Result<Vec<Located>, FaultFileError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        let message = plainly(error.message());
        FaultFileError {
            line,
            column,
            message,
        }
    })?;
    let rules = file.fault.into_iter().map(|rule| {
        let (line, column) = place(text, rule.span().start);
        Located {
            line,
            column,
            rule: rule.into_inner(),
        }
    });
    Ok(rules.collect())
}

/// Adds the rules of a file to a world, all of them or none; gives their numbers.
///
/// # Errors
/// [`FaultFileError`] where the text is no TOML, or a rule cannot be read or does not fit the world.
pub fn add(world: &mut World, text: &str) -> Result<Vec<u32>, FaultFileError> {
    let rules = read(text)?;
    let unfit = |located: &Located, error: UnfitRule| FaultFileError {
        line: located.line,
        column: located.column,
        message: error.to_string(),
    };
    for located in &rules {
        world
            .check_fault(&located.rule)
            .map_err(|error| unfit(located, error))?;
    }
    let added = rules.into_iter().map(|located| {
        world
            .add_fault(located.rule.clone())
            .map_err(|error| unfit(&located, error))
    });
    added.collect()
}

/// Line and column of a byte of a text, from 1.
pub(crate) fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    (line, column)
}
