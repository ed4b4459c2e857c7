//! Reads a file as JSON or YAML.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeSeed as _;

use super::yaml;
use crate::json::{Json, Seed};
use crate::schemas::digest;

/// A document that was read.
#[derive(Debug)]
pub(crate) struct File {
    /// What it says.
    pub(crate) json: Json,
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) digest: String,
}

/// Reads a document: JSON if it begins with a brace, else YAML.
///
/// # Errors
/// If it cannot be read or is neither; with the line.
pub(crate) fn open(path: &Path) -> Result<File> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(File {
        json: parse(&path.display().to_string(), &bytes)?,
        digest: digest(&bytes),
    })
}

/// Reads the bytes of a document that messages call `file`.
///
/// # Errors
/// As [`open`].
pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Json> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.trim_ascii_start().starts_with(b"{") {
        return json(bytes).map_err(|error| anyhow!("{file}:{}: {error}", error.line()));
    }
    let text = std::str::from_utf8(bytes).with_context(|| format!("{file} is not UTF-8"))?;
    yaml::parse(text).map_err(|refusal| anyhow!("{file}:{}: {}", refusal.line, refusal.text))
}

fn json(bytes: &[u8]) -> serde_json::Result<Json> {
    let line = Cell::new(1);
    let mut deserializer = serde_json::Deserializer::from_reader(Counting {
        bytes,
        line: &line,
        last: 0,
    });
    let json = Seed { line: &line }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(json)
}

/// Counts the line feeds before the byte that was read last: that byte may be the one behind a number.
struct Counting<'a> {
    bytes: &'a [u8],
    line: &'a Cell<usize>,
    last: u8,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte at a time, however much is asked for, so that the count is that of the reader's place.
        let (Some(target), Some((first, rest))) = (buffer.first_mut(), self.bytes.split_first()) else {
            return Ok(0);
        };
        if self.last == b'\n' {
            self.line.set(self.line.get() + 1);
        }
        self.last = *first;
        self.bytes = rest;
        *target = *first;
        Ok(1)
    }
}
