//! Names that somebody may have meant.

/// How many are offered.
const OFFERED: usize = 3;

/// `; did you mean ..`, or nothing if no name is near.
pub(crate) fn hint<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(wrong, names);
    if near.is_empty() {
        return String::new();
    }
    let near: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", near.join(" or "))
}

/// The names that differ least, nearest first; case does not count.
fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wrong = wrong.to_lowercase();
    // Of a short name, few letters are much of it.
    let most = (wrong.len() / 4).max(if wrong.len() < 4 { 1 } else { 2 });
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter(|name| name.len().abs_diff(wrong.len()) <= most)
        .map(|name| (distance(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    found.sort_unstable();
    found.into_iter().take(OFFERED).map(|(_, name)| name).collect()
}

/// How many letters must be put in, left out or exchanged to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for (column, (target, pair)) in other.iter().zip(row.windows(2)).enumerate() {
            let (&[diagonal, above], Some(left)) = (pair, next.get(column)) else {
                break;
            };
            let exchanged = diagonal + usize::from(letter != *target);
            next.push(exchanged.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, hint};

    #[test]
    fn letters_that_differ_are_counted() {
        for (one, other, count) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("same", "same", 0),
        ] {
            assert_eq!(distance(one, other), count, "{one} {other}");
        }
    }

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let names = ["Task_getInfo", "Task_getInfos", "Folder_CreateFolder"];
        assert_eq!(
            hint("task_getinfo", names),
            "; did you mean `Task_getInfo` or `Task_getInfos`?"
        );
        assert_eq!(hint("Entirely_different", names), "");
        assert_eq!(hint("Odd", ["Bad", "Old"]), "; did you mean `Old`?");
    }
}
