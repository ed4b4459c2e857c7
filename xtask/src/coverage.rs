//! `cargo xtask coverage`: which operations of the schemas have a client method and a test that calls it.
//!
//! The tests of the client crates record what they send (`farside_transport::testing::recorded`). An operation is covered if
//! a client crate names its constant, if a test has called it through a method of the client and got an answer, and if every
//! parameter has been set in such a call. Tests that record make no call of their own, past the methods. CI records while it
//! runs all tests, and judges that, so that nothing runs twice.
//!
//! `cargo xtask coverage --answers` also tries whether tests check what they are answered (the module `answers`).

mod answers;
mod by_hand;
mod calls;
mod trial;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use self::calls::Calls;
use crate::codegen::surface::{self, Offer};
use crate::layers::workspace_root;
use crate::test_all;

/// The crates whose tests count.
const CLIENTS: [&str; 5] = ["vim", "host-network", "vasa", "vcha", "vcda"];

/// Names the folder for recordings to the tests (`farside_transport::testing::recorded`).
const RECORDINGS: &str = "FARSIDE_RECORDINGS";

/// Arguments of the chore.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Judge the recordings of this folder instead of running the tests.
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// Also alter the answers to each operation, and demand that a test notices.
    #[arg(long)]
    pub answers: bool,
}

/// Compares what the clients' tests have called with what the services offer, and prints a line for each gap.
///
/// # Errors
/// If a test fails, a recording cannot be read, a test cannot be run again, or there is a gap.
#[expect(clippy::print_stdout, reason = "a chore reports to the person who ran it")]
pub fn run(args: &Args) -> Result<()> {
    let offers = surface::offers()?;
    let folder = match &args.recordings {
        Some(folder) => folder.clone(),
        None => record()?,
    };
    let mut calls = Calls::default();
    calls.read(&folder)?;
    let mut gaps = judge(&offers, &calls)?;
    let mut tried = String::new();
    if args.answers {
        let outcome = answers::judge(&offers, &calls)?;
        gaps.extend(outcome.gaps);
        for line in &outcome.unseen {
            println!("{line}");
        }
        tried = format!(", {} false answers tried in {} runs", outcome.tried, outcome.runs);
    }
    for gap in &gaps {
        println!("{gap}");
    }
    println!("{} operations{tried}, {} gaps", offers.len(), gaps.len());
    if !gaps.is_empty() {
        bail!(
            "not every operation has a client method and a test with all its parameters that checks the answer"
        );
    }
    Ok(())
}

/// A line for each operation that the recorded calls do not cover, and for each test program whose calls prove no method.
fn judge(offers: &[Offer], calls: &Calls) -> Result<Vec<String>> {
    let constants = Constants::of_clients()?;
    let mut all = Vec::new();
    for client in CLIENTS {
        all.extend(by_hand::programs(
            &workspace_root().join("crates").join(client).join("tests"),
        )?);
    }
    all.extend(offers.iter().filter_map(|offer| gaps(offer, calls, &constants)));
    Ok(all)
}

/// Runs the tests of the client crates with a fresh folder for recordings.
fn record() -> Result<PathBuf> {
    let folder = workspace_root().join("target/recordings");
    empty(&folder)?;
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(workspace_root())
        .args(["test", "--quiet", "--tests", "--all-features"])
        .env(RECORDINGS, &folder);
    for client in CLIENTS {
        command.args(["--package", &format!("farside-{client}")]);
    }
    test_all::name_tests(&mut command);
    let status = command.status().context("starting cargo test")?;
    if !status.success() {
        bail!("the tests of the clients failed");
    }
    Ok(folder)
}

/// Makes the folder, or empties it.
pub(crate) fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))
}

/// The words in the code of the client crates, their tests left out.
struct Constants(BTreeSet<String>);

impl Constants {
    fn of_clients() -> Result<Self> {
        let sources = CLIENTS.map(|client| workspace_root().join("crates").join(client).join("src"));
        Self::below(sources.into())
    }

    /// Those of all files below `folders`, but not in files or folders named for tests.
    fn below(mut folders: Vec<PathBuf>) -> Result<Self> {
        let mut words = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?;
            for entry in entries {
                let path = entry?.path();
                if path.file_stem().is_some_and(|name| name == "tests") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text =
                    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                words.extend(code.split(|c| !is_part(c)).map(str::to_owned));
            }
        }
        Ok(Self(words))
    }
}

/// What is missing for one operation: nothing, or a line.
fn gaps(offer: &Offer, calls: &Calls, constants: &Constants) -> Option<String> {
    let id = &offer.id;
    if !constants.0.contains(&offer.constant) {
        return Some(format!("{id}: no client has a method"));
    }
    let Some(call) = calls.operations.get(id) else {
        return Some(format!("{id}: no test calls it"));
    };
    if !call.answered {
        return Some(format!("{id}: no test gets an answer, errors only"));
    }
    let missing: Vec<&str> = offer
        .query
        .difference(&call.query)
        .chain(offer.headers.difference(&call.headers))
        .chain(offer.body.difference(&call.body))
        .map(String::as_str)
        .collect();
    (!missing.is_empty()).then(|| format!("{id}: no test sets {}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn offer() -> Offer {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Offer {
            id: "Thing_move".to_owned(),
            constant: "THING_MOVE".to_owned(),
            query: set(&["site"]),
            headers: set(&["x-note"]),
            body: set(&["to", "force"]),
        }
    }

    fn read(recording: &str) -> Calls {
        let mut calls = Calls::default();
        calls.recording(recording).expect("a recording");
        calls
    }

    fn gap(recording: &str, code: &str) -> Option<String> {
        gaps(
            &offer(),
            &read(recording),
            &Constants(code.split(' ').map(str::to_owned).collect()),
        )
    }

    const HEAD: &str = "{\"farside_recording\":1}\n";

    /// A recording in which each operation is called with all that it takes, and answered.
    fn whole(offers: &[Offer]) -> String {
        let line = |offer: &Offer| {
            let query: Vec<String> = offer.query.iter().map(|name| format!("{name}=1")).collect();
            let headers: Vec<Value> = offer.headers.iter().map(|name| json!([name, "1"])).collect();
            let body: Value = offer.body.iter().map(|name| (name.clone(), json!(1))).collect();
            let request = json!({"method": "POST", "path": format!("/x?{}", query.join("&")), "headers": headers,
                "body": {"json": body}});
            let line = json!({"n": 1, "operation": offer.id, "target": "t", "request": request,
                "outcome": {"answer": {"status": 200}}});
            format!("{line}\n")
        };
        HEAD.to_owned() + &offers.iter().map(line).collect::<String>()
    }

    #[test]
    fn an_operation_whose_test_is_gone_is_named_and_fails_the_chore() {
        let offers = surface::offers().expect("the schemas");
        let judged = |tested: &[Offer]| judge(&offers, &read(&whole(tested))).expect("the clients");
        assert_eq!(judged(&offers), Vec::<String>::new());
        for gone in [0, offers.len() / 2, offers.len() - 1] {
            let mut tested = offers.clone();
            let operation = tested.remove(gone).id;
            let expected = format!("{operation}: no test calls it");
            assert_eq!(judged(&tested), [expected]);
        }
        let folder = env::temp_dir().join(format!("xtask-coverage-{}", std::process::id()));
        empty(&folder).expect("a folder");
        let nothing = Args {
            recordings: Some(folder.clone()),
            answers: false,
        };
        run(&nothing).expect_err("nothing is covered");
        fs::remove_dir_all(folder).expect("the folder goes");
    }

    fn call(path: &str, headers: &str, body: &str, outcome: &str) -> String {
        format!(
            "{{\"n\":1,\"operation\":\"Thing_move\",\"target\":\"t\",\"request\":{{\"method\":\"POST\",\"path\":\"{path}\",\
             \"headers\":[{headers}],\"body\":{{\"json\":{body}}}}},\"outcome\":{outcome}}}\n"
        )
    }

    #[test]
    fn what_only_tests_name_is_no_code_of_a_client() {
        let source = env::temp_dir().join(format!("xtask-constants-{}", std::process::id()));
        empty(&source).expect("a folder");
        for (path, text) in [
            (
                "task.rs",
                "call(&IN_CODE);\n#[cfg(test)]\nmod tests { call(&AT_THE_END); }",
            ),
            ("task/wait.rs", "call(&BELOW);"),
            ("tests.rs", "call(&IN_A_FILE);"),
            ("task/tests/mod.rs", "call(&IN_A_FOLDER);"),
            ("task/tests/deep/more.rs", "call(&DEEP_IN_A_FOLDER);"),
        ] {
            let path = source.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let words = Constants::below(vec![source.clone()]).expect("the files").0;
        fs::remove_dir_all(source).expect("the folder goes");
        let constants: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| word.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !word.is_empty())
            .collect();
        assert_eq!(constants, ["BELOW", "IN_CODE"]);
    }

    #[test]
    fn what_is_called_with_everything_over_all_calls_is_no_gap() {
        let answer = "{\"answer\":{\"status\":200}}";
        let first = call("/things?site=a", "", "{\"to\":\"b\"}", answer);
        let second = call("/things", "[\"x-note\",\"n\"]", "{\"force\":true}", answer);
        assert_eq!(gap(&format!("{HEAD}{first}{second}"), "THING_MOVE"), None);
    }

    #[test]
    fn each_kind_of_gap_is_told() {
        let answered = call("/things", "", "{\"to\":\"b\",\"force\":null}", "{\"answer\":{}}");
        let refused = call("/things", "", "{}", "{\"error\":{}}");
        for (recording, code, expected) in [
            (HEAD.to_owned(), "", "no client has a method"),
            (HEAD.to_owned(), "THING_MOVE", "no test calls it"),
            (
                format!("{HEAD}{refused}"),
                "THING_MOVE",
                "no test gets an answer, errors only",
            ),
            (
                format!("{HEAD}{answered}"),
                "THING_MOVE",
                "no test sets site, x-note, force",
            ),
        ] {
            assert_eq!(gap(&recording, code), Some(format!("Thing_move: {expected}")));
        }
    }
}
