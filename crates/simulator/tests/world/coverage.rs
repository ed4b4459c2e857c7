//! COVERAGE.md against the API documents: nothing that they have is passed over in silence.

use std::fs;
use std::path::Path;

use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the file is there")
}

/// The sections of the page, by their headings.
fn sections(page: &str) -> Vec<(&str, &str)> {
    let parts = page.split("\n## ").skip(1);
    parts
        .map(|part| part.split_once('\n').expect("a heading and a text"))
        .collect()
}

#[test]
fn every_managed_object_of_the_documents_is_named() {
    let page = read("COVERAGE.md");
    let document: Value =
        serde_json::from_str(&read("../../xtask/schemas/vi-json/vi-json.json")).expect("JSON");
    let tags = document["tags"].as_array().expect("tags");
    let names = tags.iter().filter_map(|tag| tag["name"].as_str());
    // Those of policies are named by their operations.
    let told = |name: &str| page.contains(&format!("`{name}")) || name.starts_with("Pbm");
    let missing: Vec<&str> = names.filter(|name| !told(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// What a cell of sources says: a rule, a document, or that nobody says so.
const SOURCES: [&str; 20] = [
    "VCDA",
    "VIJ",
    "REST",
    "vVol",
    "DPU",
    "README",
    "RFC",
    "type tables",
    "the document of the operation",
    "vi-json.yaml",
    "sms.json",
    "declared by",
    "inferred",
    "client code",
    "community module",
    "shown",
    "unread",
    "not simulated",
    "our own",
    "our assumption",
];

/// Whether a row is the head of its table.
fn is_head(cells: &[&str]) -> bool {
    matches!(cells.first(), Some(&"behaviour" | &"switch" | &"object"))
}

#[test]
fn every_row_has_a_behaviour_and_a_source() {
    let page = read("COVERAGE.md");
    let sections = sections(&page);
    assert!(sections.len() >= 9, "{}", sections.len());
    for (heading, text) in sections {
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        let told = rows.iter().filter(|row| !row.starts_with("| ---"));
        let (mut columns, mut switches) = (0, false);
        for row in told {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            if is_head(&cells) {
                columns = cells.len();
                switches = cells[0] == "switch";
            }
            assert_eq!(cells.len(), columns, "{heading}: {row}");
            assert!(cells.iter().all(|cell| !cell.is_empty()), "{heading}: {row}");
            let source = if switches { cells[1] } else { cells[columns - 1] };
            let names_one = SOURCES.iter().any(|known| source.contains(known));
            assert!(
                names_one || is_head(&cells),
                "{heading}: no source that is known: {row}"
            );
        }
        assert!(rows.len() > 3, "{heading} has no table");
    }
}
