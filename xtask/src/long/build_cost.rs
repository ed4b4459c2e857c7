//! What it costs to build a program that makes one DPU failover and one reverse, with all its dependencies, from
//! nothing: once on the generated models, once on raw JSON, once on the clients.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::usage::{self, Usage};
use crate::bench::{Bound, Measured, target_folder};

/// A program that is built.
struct Program {
    name: &'static str,
    text: &'static str,
    /// Crates of this workspace that it uses, each with its features.
    ours: &'static [(&'static str, &'static [&'static str])],
}

const TRANSPORT: [(&str, &[&str]); 3] = [
    ("wire", &[]),
    ("transport", &[]),
    ("transport-http", &["default"]),
];

const RAW: Program = Program {
    name: "raw",
    text: include_str!("programs/raw.rs"),
    ours: &TRANSPORT,
};

const MODELS: Program = Program {
    name: "models",
    text: include_str!("programs/models.rs"),
    ours: &[
        TRANSPORT[0],
        TRANSPORT[1],
        TRANSPORT[2],
        ("models-vim", &["session-manager", "host-network-system"]),
        ("models-sms", &["vasa-provider", "sms-task"]),
    ],
};

const CLIENTS: Program = Program {
    name: "clients",
    text: include_str!("programs/clients.rs"),
    ours: &[
        TRANSPORT[0],
        TRANSPORT[1],
        TRANSPORT[2],
        ("vim", &[]),
        ("host-network", &[]),
        ("vasa", &[]),
    ],
};

/// What a build used and made.
struct Built {
    usage: Usage,
    megabytes: f64,
}

/// Builds the programs and compares what they used.
pub(super) fn run() -> Result<Vec<Measured>> {
    let root = target_folder()?.join("long");
    let raw = build(&root, &RAW)?;
    let models = build(&root, &MODELS)?;
    let clients = build(&root, &CLIENTS)?;
    let difference = models.usage.cpu_seconds - raw.usage.cpu_seconds;
    let mut figures =
        vec![Bound::Below(25.0).measured("build-models-over-raw-cpu", difference, "cpu seconds")];
    // No absolute bound for the clients: what one machine takes for the same build differs by a fifth from hour to hour.
    let ratio = clients.usage.cpu_seconds / raw.usage.cpu_seconds;
    figures.push(Bound::Below(1.6).measured("build-clients-cpu-to-raw", ratio, "times"));
    for (name, built) in [("raw", &raw), ("models", &models), ("clients", &clients)] {
        let figure = |what: &str, bound: Bound, value: f64, unit: &str| {
            bound.measured(&format!("build-{name}-{what}"), value, unit)
        };
        let cpu = if name == "clients" {
            Bound::Told
        } else {
            Bound::Below(110.0)
        };
        figures.push(figure("cpu", cpu, built.usage.cpu_seconds, "cpu seconds"));
        figures.push(figure("peak", Bound::Below(1.5), built.usage.peak_gb, "GB"));
        figures.push(figure("binary", Bound::Below(6.0), built.megabytes, "MB"));
    }
    Ok(figures)
}

/// Builds one program from nothing.
fn build(root: &Path, program: &Program) -> Result<Built> {
    let folder = root.join(program.name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    fs::create_dir_all(folder.join("src")).with_context(|| format!("creating {}", folder.display()))?;
    fs::write(folder.join("src/main.rs"), program.text).context("writing the program")?;
    fs::write(folder.join("Cargo.toml"), manifest(program)).context("writing the manifest")?;
    // The versions of the workspace.
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).context("copying Cargo.lock")?;
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(arguments)
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTFLAGS");
        command
    };
    let status = cargo(&["fetch"]).status().context("fetching the dependencies")?;
    anyhow::ensure!(
        status.success(),
        "the dependencies of `{}` cannot be fetched",
        program.name
    );
    let usage = usage::of(&mut cargo(&["build", "--release", "--offline"]))?;
    let binary = folder
        .join("target/release")
        .join(format!("build-cost-{}", program.name));
    let size = fs::metadata(&binary)
        .with_context(|| format!("no {}", binary.display()))?
        .len();
    Ok(Built {
        usage,
        megabytes: f64::from(u32::try_from(size).context("a binary beyond 4 GB")?) / 1e6,
    })
}

fn manifest(program: &Program) -> String {
    let mut text = format!(
        "[package]\nname = \"build-cost-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [profile.release]\nstrip = true\n\n[dependencies]\n\
         bytes = \"1\"\nhttp = \"1\"\nserde_json = {{ version = \"1\", default-features = false, features = [\"std\"] }}\n\
         tokio = {{ version = \"1\", default-features = false, features = [\"rt\", \"macros\"] }}\n",
        program.name
    );
    for (folder, features) in program.ours {
        let features: Vec<String> = features.iter().map(|feature| format!("{feature:?}")).collect();
        text.push_str(&format!(
            "farside-{folder} = {{ path = {:?}, default-features = false, features = [{}] }}\n",
            workspace().join("crates").join(folder),
            features.join(", ")
        ));
    }
    text
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}
