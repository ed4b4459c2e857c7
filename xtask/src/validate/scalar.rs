//! Texts and numbers of a declared form.

use std::ops::RangeInclusive;

use serde_json::Value;

/// What a value is, for a message.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Why a value is none of a scalar's schema; `None` if it is one.
pub(super) fn wrong(schema: &Value, value: &Value) -> Option<String> {
    let declared = schema["type"].as_str()?;
    let right = match declared {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        _ => return None,
    };
    if !right {
        return Some(format!("{} for {declared}", kind(value)));
    }
    let format = schema["format"].as_str().unwrap_or_default();
    let fits = match (format, value) {
        ("date-time", Value::String(text)) => is_time(text),
        ("uuid", Value::String(text)) => is_uuid(text),
        ("byte", Value::String(text)) => is_base64(text),
        ("int32", Value::Number(number)) => number
            .as_i64()
            .is_some_and(|number| i32::try_from(number).is_ok()),
        _ => true,
    };
    if !fits {
        return Some(format!("no {format}"));
    }
    let number = value.as_i64()?;
    let below = schema["minimum"].as_i64().is_some_and(|least| number < least);
    let above = schema["maximum"].as_i64().is_some_and(|most| number > most);
    (below || above).then(|| "beyond its range".to_owned())
}

/// RFC 3339 with `T`, a zone, and a fraction or none.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_digits = |from: usize, to: usize| {
        bytes
            .get(from..to)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let date = marks.iter().all(|(at, mark)| bytes.get(*at) == Some(mark))
        && [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)]
            .iter()
            .all(|(from, to)| is_digits(*from, *to));
    let in_range = |(from, to, range): (usize, usize, RangeInclusive<u32>)| {
        text.get(from..to)
            .and_then(|part| part.parse().ok())
            .is_some_and(|part| range.contains(&part))
    };
    // A second that is put in is the sixtieth.
    let parts = [
        (5, 7, 1..=12),
        (8, 10, 1..=31),
        (11, 13, 0..=23),
        (14, 16, 0..=59),
        (17, 19, 0..=60),
    ];
    let in_ranges = parts.into_iter().all(in_range);
    if !date || !in_ranges {
        return false;
    }
    let mut rest = &text[19..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return false;
        }
        rest = &fraction[digits..];
    }
    let zone = rest.as_bytes();
    let is_offset = zone.len() == 6
        && matches!(zone[0], b'+' | b'-')
        && zone[3] == b':'
        && [1, 2, 4, 5].iter().all(|at| zone[*at].is_ascii_digit());
    rest == "Z" || is_offset
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn is_base64(text: &str) -> bool {
    let plain = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - plain.len() <= 2
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_have_their_kind_their_form_and_their_range() {
        for (schema, good, bad) in [
            (json!({"type": "string"}), json!("x"), json!(1)),
            (json!({"type": "boolean"}), json!(true), json!("true")),
            (json!({"type": "integer"}), json!(7), json!(7.5)),
            (json!({"type": "number"}), json!(7.5), json!("7.5")),
            (
                json!({"type": "integer", "format": "int32"}),
                json!(2_147_483_647_i64),
                json!(2_147_483_648_i64),
            ),
            (
                json!({"type": "integer", "minimum": -128, "maximum": 127}),
                json!(-128),
                json!(128),
            ),
            (
                json!({"type": "string", "format": "byte"}),
                json!("YWJj"),
                json!("YWJ"),
            ),
            (
                json!({"type": "string", "format": "uuid"}),
                json!("6f0c7a52-90e1-4f3e-9a39-1f2d3c4b5a69"),
                json!("6f0c7a52"),
            ),
        ] {
            assert_eq!(wrong(&schema, &good), None);
            assert!(wrong(&schema, &bad).is_some(), "{schema} {bad}");
        }
    }

    #[test]
    fn times_have_a_zone_and_a_legal_day() {
        let schema = json!({"type": "string", "format": "date-time"});
        for good in ["2025-03-01T09:15:00Z", "2025-03-01T09:15:00.12+01:00"] {
            assert_eq!(wrong(&schema, &json!(good)), None, "{good}");
        }
        for bad in [
            "2025-03-01 09:15:00Z",
            "2025-03-01T09:15:00",
            "2025-13-01T09:15:00Z",
            "2025-00-01T09:15:00Z",
            "2025-03-00T09:15:00Z",
            "2025-03-01T09:15:61Z",
            "2025-03-01T09:15:00.Z",
            "1700000000000",
            "",
        ] {
            assert!(wrong(&schema, &json!(bad)).is_some(), "{bad}");
        }
    }
}
