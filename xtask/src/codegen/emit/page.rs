//! A piece of a file: its text, what it imports and what it defines.

use std::collections::{BTreeMap, BTreeSet};

/// Longest line of a comment, indentation included.
const WIDTH: usize = 110;

/// The text of one type or operation.
pub(super) struct Page {
    body: String,
    /// Module and the names taken from it.
    imports: BTreeMap<String, BTreeSet<String>>,
    defines: Defines,
}

enum Defines {
    Type(String),
    Operation(String),
}

impl Page {
    /// An empty page for a type.
    pub(super) fn of_type(name: &str) -> Self {
        Self {
            body: String::new(),
            imports: BTreeMap::new(),
            defines: Defines::Type(name.to_owned()),
        }
    }

    /// An empty page for the constant of an operation.
    pub(super) fn of_operation(name: &str) -> Self {
        Self {
            body: String::new(),
            imports: BTreeMap::new(),
            defines: Defines::Operation(name.to_owned()),
        }
    }

    /// The type it defines.
    pub(super) fn defined_type(&self) -> Option<&str> {
        match &self.defines {
            Defines::Type(name) => Some(name),
            Defines::Operation(_) => None,
        }
    }

    /// The constant it defines.
    pub(super) fn defined_operation(&self) -> Option<&str> {
        match &self.defines {
            Defines::Operation(name) => Some(name),
            Defines::Type(_) => None,
        }
    }

    /// Takes `name` from `module` and gives it back, to be used in the text.
    pub(super) fn import(&mut self, module: &str, name: &str) -> String {
        self.imports
            .entry(module.to_owned())
            .or_default()
            .insert(name.to_owned());
        name.to_owned()
    }

    /// Takes several names from a module.
    pub(super) fn imports(&mut self, module: &str, names: &[&str]) {
        for name in names {
            self.import(module, name);
        }
    }

    /// Adds text and a line feed.
    pub(super) fn line(&mut self, text: &str) {
        self.body.push_str(text);
        self.body.push('\n');
    }

    /// Adds documentation, broken into lines, `indent` columns in.
    pub(super) fn doc(&mut self, indent: usize, text: &str) {
        let pad = " ".repeat(indent);
        let mut line = format!("{pad}///");
        let empty = line.len();
        for word in text.split_whitespace() {
            if line.len() > empty && line.len() + 1 + word.len() > WIDTH {
                self.line(&line);
                line.truncate(empty);
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(&line);
    }

    /// Lines of its text, for dividing files.
    pub(super) fn lines(&self) -> usize {
        self.body.lines().count()
    }
}

/// The pages as one file, imports in front.
pub(super) fn join(pages: &[Page]) -> String {
    let own: BTreeSet<&str> = pages.iter().filter_map(Page::defined_type).collect();
    let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, names) in pages.iter().flat_map(|page| &page.imports) {
        let names = names
            .iter()
            .map(String::as_str)
            .filter(|name| module != "crate" || !own.contains(name));
        imports.entry(module).or_default().extend(names);
    }
    let mut groups = [String::new(), String::new(), String::new()];
    for (module, names) in imports.iter().filter(|(_, names)| !names.is_empty()) {
        let names: Vec<&str> = names.iter().copied().collect();
        let group = match *module {
            module if module.starts_with("std") => 0,
            module if module.starts_with("crate") => 2,
            _ => 1,
        };
        if let Some(group) = groups.get_mut(group) {
            group.push_str(&format!("use {module}::{{{}}};\n", names.join(", ")));
        }
    }
    let mut text: String = groups
        .iter()
        .filter(|group| !group.is_empty())
        .map(|group| format!("{group}\n"))
        .collect();
    for page in pages {
        text.push_str(&page.body);
        text.push('\n');
    }
    text
}
