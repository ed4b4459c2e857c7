pub(crate) mod writer;

use super::{open, parse};
use crate::json::{Json, Value};

fn yaml(text: &str) -> Json {
    parse("t.yaml", text.as_bytes()).unwrap()
}

fn refused(text: &str) -> String {
    parse("t.yaml", text.as_bytes()).unwrap_err().to_string()
}

/// The line of the value at `path`.
fn line(json: &Json, path: &[&str]) -> usize {
    let found = path.iter().fold(json, |json, name| {
        json.get(name).unwrap_or_else(|| panic!("no {name}"))
    });
    found.line
}

#[test]
fn scalars_follow_the_core_schema() {
    for (text, json) in [
        ("~", "null"),
        ("null", "null"),
        ("true", "true"),
        ("False", "false"),
        ("no", r#""no""#),
        ("on", r#""on""#),
        ("12", "12"),
        ("-7", "-7"),
        ("0o17", "15"),
        ("0xff", "255"),
        ("18446744073709551615", "18446744073709551615"),
        ("1e3", "1000.0"),
        ("9.1.1.0", r#""9.1.1.0""#),
        ("2024-01-01", r#""2024-01-01""#),
        (".inf", r#"".inf""#),
        ("'12'", r#""12""#),
        ("\"true\"", r#""true""#),
        ("!!str 12", r#""12""#),
        ("!!int '12'", "12"),
        ("a: b: c", ""),
    ] {
        match parse("t.yaml", format!("- {text}\n").as_bytes()) {
            Ok(read) => assert_eq!(read.compact(), format!("[{json}]"), "{text}"),
            Err(error) => assert!(json.is_empty(), "{text}: {error}"),
        }
    }
}

#[test]
fn texts_of_every_style_are_read() {
    let text = "single: 'it''s \"so\": a\\n'\ndouble: \"tab\\t, quote \\\", \\u00e9 \\U0001F600\"\n\
                literal: |\n  one\n    two\n\nfolded: >-\n  one\n  two\n\n  three\n\
                plain: a word, {not a map}\n'quoted key': 1\n\"/p/{id}?action=x\": 2\n/q?a=b&c=d: 3\n404: 4\n";
    let read = yaml(text);
    assert_eq!(read.text("single"), Some("it's \"so\": a\\n"));
    assert_eq!(read.text("double"), Some("tab\t, quote \", \u{e9} \u{1F600}"));
    assert_eq!(read.text("literal"), Some("one\n  two\n"));
    assert_eq!(read.text("folded"), Some("one two\nthree"));
    assert_eq!(read.text("plain"), Some("a word, {not a map}"));
    let keys: Vec<&str> = read.members().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(keys[5..], ["quoted key", "/p/{id}?action=x", "/q?a=b&c=d", "404"]);
}

#[test]
fn anchors_and_merged_mappings_stand_for_their_content() {
    let read =
        yaml("a: &a\n  x: 1\n  y: [2, 3]\nb: *a\nc:\n  <<: *a\n  x: 9\nd:\n  <<: [{p: 1}, {p: 2, q: 3}]\n");
    assert_eq!(
        read.compact(),
        r#"{"a":{"x":1,"y":[2,3]},"b":{"x":1,"y":[2,3]},"c":{"x":9,"y":[2,3]},"d":{"p":1,"q":3}}"#
    );
    assert_eq!((line(&read, &["b"]), line(&read, &["b", "y"])), (4, 3));
}

#[test]
fn every_member_knows_the_line_of_its_name() {
    let text =
        "# comment\na:\n  b:\n    - x\n    -\n      c: 1\n  long: |\n    one\n    two\nd: {e: 1,\n  f: 2}\n";
    let read = yaml(text);
    for (path, expected) in [
        (&["a"][..], 2),
        (&["a", "b"], 3),
        (&["a", "long"], 7),
        (&["d"], 10),
        (&["d", "f"], 11),
    ] {
        assert_eq!(line(&read, path), expected, "{path:?}");
    }
    let elements = read.get("a").and_then(|a| a.get("b")).unwrap().elements();
    assert_eq!(
        elements.iter().map(|element| element.line).collect::<Vec<_>>(),
        [4, 6]
    );

    let json = parse(
        "t.json",
        b"{\"a\": 1,\n\"b\": [2,\n 3\n, {\"c\":\n\n\"x\"}],\n \"d\" : {}}",
    )
    .unwrap();
    for (path, expected) in [(&["a"][..], 1), (&["b"], 2), (&["d"], 7)] {
        assert_eq!(line(&json, path), expected, "{path:?}");
    }
    let elements = json.get("b").unwrap().elements();
    assert_eq!(
        elements.iter().map(|element| element.line).collect::<Vec<_>>(),
        [2, 3, 4]
    );
    assert_eq!(line(&elements[2], &["c"]), 4);
}

#[test]
fn what_is_no_document_is_named_with_its_line() {
    for (text, expected) in [
        (
            "a: 1\nb: 2\na: 3\n",
            "t.yaml:3: member `a` stands twice in one object; it is in line 1 already",
        ),
        ("a: 1\n? [x, y]\n: 2\n", "t.yaml:2: a key that is no text"),
        (
            "a: &a\n  b: *a\n",
            "t.yaml:2: an alias inside of what it stands for",
        ),
        ("a: 1\n---\nb: 2\n", "t.yaml:3: a second document in one file"),
        ("a: !secret x\n", "t.yaml:1: the tag of `x` is not known"),
        ("", "t.yaml:1: an empty document"),
        ("a: 1\nb: *nowhere\n", "t.yaml:2: "),
        ("a: [1, 2\nb: 3\n", "t.yaml:"),
        ("{\"a\": 1,\n\"b\": }", "t.yaml:2: expected value at line 2"),
        (
            "{\"a\": 1,\n\"a\": 2}",
            "t.yaml:2: member `a` stands twice in one object",
        ),
    ] {
        let error = refused(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
    let deep = refused(&"- ".repeat(500));
    assert!(deep.contains("nested deeper than 128 levels"), "{deep}");
    let deep = refused(&format!("a: {}{}", "[".repeat(50_000), "]".repeat(50_000)));
    assert!(deep.contains("recursion limit"), "{deep}");
}

#[test]
fn aliases_of_aliases_do_not_fill_the_memory() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let alias = format!("*a{}", level - 1);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            [alias.as_str(); 10].join(", ")
        ));
    }
    assert!(
        refused(&text).contains("aliases stand for more than 1000000 values"),
        "{}",
        refused(&text)
    );
}

#[test]
fn our_documents_are_the_same_as_yaml() {
    for product in crate::schemas::products().unwrap() {
        let path = product.join(crate::schemas::document_name(&product).unwrap());
        let json = open(&path).unwrap().json;
        let text = writer::yaml(&json);
        assert!(
            text.contains("|") && text.contains('\'') && text.contains('"'),
            "all styles occur"
        );
        assert_eq!(yaml(&text), json, "{}", path.display());
    }
}

#[test]
fn what_the_writer_writes_is_what_is_read() {
    let odd = [
        "",
        " ",
        "a",
        "- a",
        "a: b",
        "'",
        "\"",
        "\\",
        "a\nb\n",
        "\ta",
        "#",
        "a #b",
        "true",
        "12",
        "~",
        "[x]",
        "\u{1F600}",
        "\u{e9}\u{0}\u{7f}",
        "a\n\n b",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "a,",
        "? a",
        ": a",
        "<<",
    ];
    let members = odd
        .iter()
        .map(|text| {
            (
                (*text).to_owned(),
                Json::from(Value::Array(vec![Json::from(*text); 7])),
            )
        })
        .collect();
    let json = Json::from(Value::Object(members));
    assert_eq!(yaml(&writer::yaml(&json)), json);
}
