//! A piece of a file: its text, what it imports and what it defines.

use std::collections::{BTreeMap, BTreeSet};

/// Longest line of a comment, indentation included.
pub(super) const WIDTH: usize = 110;

/// The text of one type or operation.
pub(super) struct Page {
    body: String,
    /// Module and the names taken from it.
    imports: BTreeMap<String, BTreeSet<String>>,
    defines: Defines,
    /// Words of the name in the schema, by which a long file is divided.
    words: Vec<String>,
}

enum Defines {
    Type(String),
    Operation(String),
}

impl Page {
    /// An empty page for a type; `words` are those of its name in the schema.
    pub(super) fn of_type(name: &str, words: Vec<String>) -> Self {
        Self::new(Defines::Type(name.to_owned()), words)
    }

    /// An empty page for the constant of an operation.
    pub(super) fn of_operation(name: &str) -> Self {
        Self::new(Defines::Operation(name.to_owned()), Vec::new())
    }

    fn new(defines: Defines, words: Vec<String>) -> Self {
        Self {
            body: String::new(),
            imports: BTreeMap::new(),
            defines,
            words,
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

    /// The first `count` words of the type's name.
    pub(super) fn topic(&self, count: usize) -> String {
        self.words.get(..count).unwrap_or(&self.words).join("_")
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

    /// Module and name of everything it takes.
    pub(super) fn imported(&self) -> impl Iterator<Item = (&str, &str)> {
        let modules = self.imports.iter();
        modules.flat_map(|(module, names)| names.iter().map(move |name| (module.as_str(), name.as_str())))
    }

    /// Adds text and a line feed.
    pub(super) fn line(&mut self, text: &str) {
        self.body.push_str(text);
        self.body.push('\n');
    }

    /// Adds documentation, broken into lines, `indent` columns in. An empty line divides paragraphs; a line that begins
    /// with a dash is an item of a list.
    pub(super) fn doc(&mut self, indent: usize, text: &str) {
        let mut block = String::new();
        for line in text.trim().lines().map(str::trim) {
            let item = line.starts_with("- ") || line.starts_with("* ");
            if line.is_empty() || item {
                self.paragraph(indent, &std::mem::take(&mut block));
            }
            if line.is_empty() {
                self.line(&format!("{}///", " ".repeat(indent)));
            } else {
                block.push_str(line);
                block.push(' ');
            }
        }
        self.paragraph(indent, &block);
    }

    fn paragraph(&mut self, indent: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        let first = format!("{}///", " ".repeat(indent));
        let item = text.starts_with("- ") || text.starts_with("* ");
        let next = if item { format!("{first}  ") } else { first.clone() };
        let mut line = first;
        let mut empty = line.len();
        for word in text.split_whitespace() {
            if line.len() > empty && line.len() + 1 + word.len() > WIDTH {
                self.line(&line);
                line.clone_from(&next);
                empty = line.len();
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(&line);
    }

    /// Adds an attribute with arguments, broken into lines where it is long.
    pub(super) fn attribute(&mut self, name: &str, arguments: &[Argument]) {
        if arguments.is_empty() {
            return;
        }
        let flat: Vec<String> = arguments.iter().map(Argument::flat).collect();
        let line = format!("#[{name}({})]", flat.join(", "));
        if line.len() <= WIDTH {
            self.line(&line);
            return;
        }
        self.line(&format!("#[{name}("));
        for (index, (argument, flat)) in arguments.iter().zip(flat).enumerate() {
            let comma = if index + 1 < arguments.len() { "," } else { "" };
            match argument {
                Argument::List(name, names) if flat.len() + 5 > WIDTH => {
                    self.line(&format!("    {name} = ["));
                    self.filled(names);
                    self.line(&format!("    ]{comma}"));
                }
                _ => self.line(&format!("    {flat}{comma}")),
            }
        }
        self.line(")]");
    }

    /// Adds names with commas, as many on a line as it takes.
    fn filled(&mut self, names: &[String]) {
        let mut line = String::from("       ");
        for name in names {
            if line.len() + name.len() + 2 > WIDTH {
                self.line(&line);
                line.truncate(7);
            }
            line.push(' ');
            line.push_str(name);
            line.push(',');
        }
        self.line(&line);
    }

    /// The text, without the imports.
    pub(super) fn text(&self) -> &str {
        &self.body
    }

    /// Lines of its text, for dividing files.
    pub(super) fn lines(&self) -> usize {
        self.body.lines().count() + 1
    }
}

/// An argument of an attribute.
pub(super) enum Argument {
    /// `name`
    Flag(&'static str),
    /// `name = text`, the text as Rust writes it.
    Value(&'static str, String),
    /// `name = [a, b]`, the elements as Rust writes them.
    List(&'static str, Vec<String>),
}

impl Argument {
    fn flat(&self) -> String {
        match self {
            Self::Flag(name) => (*name).to_owned(),
            Self::Value(name, text) => format!("{name} = {text}"),
            Self::List(name, names) => format!("{name} = [{}]", names.join(", ")),
        }
    }
}

/// The pages as one file, imports in front; `root` is the module in which the types of all files are.
pub(super) fn join(pages: &[&Page], root: &str) -> String {
    let own: BTreeSet<&str> = pages.iter().filter_map(|page| page.defined_type()).collect();
    let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, names) in pages.iter().flat_map(|page| &page.imports) {
        let names = names
            .iter()
            .map(String::as_str)
            .filter(|name| module != root || !own.contains(name));
        imports.entry(module).or_default().extend(names);
    }
    let mut groups = [String::new(), String::new(), String::new()];
    for (module, names) in imports.iter().filter(|(_, names)| !names.is_empty()) {
        let names: Vec<&str> = names.iter().copied().collect();
        let group = match *module {
            module if module.starts_with("std") => 0,
            module if module.starts_with("crate") || module.starts_with("super") => 2,
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
