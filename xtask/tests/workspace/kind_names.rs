//! The core and what surrounds it (driver, preflight, reports) know no kind of protection by name: a further kind is
//! registered, not matched on.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::layers::workspace_root;

/// Words that belong to one kind of protection.
const NAMES: &[&str] = &["vasa", "vcda", "vcha", "dpu", "vcenter", "sms"];

/// Where in a folder no such word may stand: all of it, or what begins with one of these.
struct Neutral {
    folder: &'static str,
    beginnings: &'static [&'static str],
}

const NEUTRAL: &[Neutral] = &[
    Neutral {
        folder: "crates/engine/src",
        beginnings: &[""],
    },
    Neutral {
        folder: "crates/failover/src",
        beginnings: &["driver", "preflight", "report", "runs"],
    },
];

/// The names of kinds in `text`, whole words in any case, also as a part of `snake_case` and `CamelCase`.
fn names_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for chunk in text.split(|character: char| !character.is_ascii_alphanumeric()) {
        // The chunk as a whole too: "vCenter" would fall apart.
        for word in humps(chunk).into_iter().chain([chunk]) {
            let word = word.to_ascii_lowercase();
            if NAMES.contains(&word.as_str()) && !found.contains(&word) {
                found.push(word);
            }
        }
    }
    found
}

/// The words of a camel-case name: `SmsTask` and `SMSTask` have two.
fn humps(name: &str) -> Vec<&str> {
    let bytes = name.as_bytes();
    let mut words = Vec::new();
    let mut start = 0;
    for index in 1..bytes.len() {
        let (before, here) = (bytes[index - 1], bytes[index]);
        let last_of_capitals = bytes.get(index + 1).is_some_and(u8::is_ascii_lowercase);
        if here.is_ascii_uppercase() && (!before.is_ascii_uppercase() || last_of_capitals) {
            words.push(&name[start..index]);
            start = index;
        }
    }
    words.push(&name[start..]);
    words
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn findings_in(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in names_in(line) {
            findings.push(format!("{}:{}: {word}", file.display(), index + 1));
        }
    }
    findings
}

#[test]
fn core_driver_preflight_and_report_name_no_kind_of_protection() {
    let mut findings = Vec::new();
    for Neutral { folder, beginnings } in NEUTRAL {
        let folder = workspace_root().join(folder);
        let mut files = Vec::new();
        rust_files(&folder, &mut files);
        for beginning in *beginnings {
            let mut read = 0;
            for file in &files {
                let name = file
                    .strip_prefix(&folder)
                    .expect("a file of the folder")
                    .to_string_lossy();
                if name.starts_with(beginning) {
                    read += 1;
                    findings.extend(findings_in(file));
                }
            }
            assert!(read > 0, "{}/{beginning}*: no such source", folder.display());
        }
    }
    assert!(
        findings.is_empty(),
        "kinds of protection are named here:\n{}",
        findings.join("\n")
    );
}

#[test]
fn names_are_found_as_whole_words_in_any_spelling() {
    for text in [
        "vasa",
        "a VASA group",
        "vasa_group",
        "VasaGroup",
        "\"vasa-group\"",
        "startVasa",
        "VASAGroup",
    ] {
        assert_eq!(names_in(text), ["vasa"], "{text}");
    }
    assert_eq!(
        names_in("use vCenter; DPU_LINK, SmsTask"),
        ["vcenter", "dpu", "sms"]
    );
    assert_eq!(names_in("evasates, smsg, input dpus"), Vec::<String>::new());
}
