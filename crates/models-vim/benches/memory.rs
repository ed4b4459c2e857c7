//! Peak memory of reading a property collector's answer, as a multiple of the answer's size. Prints one line of JSON for
//! `cargo xtask bench`.
//!
//! The answer is made by one process and read by another, since making it takes more memory than reading it.

#[path = "models/inventory.rs"]
#[expect(dead_code, reason = "only the answer itself is used here")]
mod inventory;

use std::process::{Command, ExitCode};
use std::{env, fs};

use bytes::Bytes;
use farside_models_vim::RetrieveResult;

/// Set in the process that reads: path of the answer.
const READER: &str = "FARSIDE_BENCH_ANSWER";

#[expect(clippy::print_stdout, reason = "the figure is the result")]
fn main() -> ExitCode {
    if let Ok(path) = env::var(READER) {
        println!("{}", read(&path));
        return ExitCode::SUCCESS;
    }
    if !env::args().any(|argument| argument == "--bench") {
        // Run as a test, there is nothing to measure.
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::tempdir().expect("a folder for the answer");
    let path = folder.path().join("answer.json");
    fs::write(&path, inventory::answer()).expect("the answer can be put aside");
    let size = fs::metadata(&path).expect("the answer is there").len();
    let output = Command::new(env::current_exe().expect("this program has a path"))
        .env(READER, &path)
        .output()
        .expect("this program can be started once more");
    let peak: u64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("the reader prints a number");
    let ratio = f64::from(u32::try_from(peak / 1024).expect("a small size"))
        / f64::from(u32::try_from(size / 1024).expect("a small size"));
    println!(r#"{{"name":"decode-inventory-peak-memory","value":{ratio:.3},"unit":"x document"}}"#);
    ExitCode::SUCCESS
}

/// Bytes by which reading the answer raised the peak of this process, input included.
fn read(path: &str) -> u64 {
    let before = status("VmRSS:");
    let bytes = Bytes::from(fs::read(path).expect("the answer can be read"));
    let answer: RetrieveResult = farside_wire::decode(bytes).expect("the answer is one");
    assert_eq!(answer.objects.len(), inventory::VMS);
    status("VmHWM:").saturating_sub(before)
}

/// A size from `/proc/self/status`, in bytes.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this benchmark needs Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.expect("the kernel tells the size") * 1024
}
