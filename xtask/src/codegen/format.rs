//! Formats text with the rustfmt settings of a workspace.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// rustfmt with the settings of a workspace.
pub(super) struct Formatter {
    root: PathBuf,
    settings: PathBuf,
}

impl Formatter {
    /// The settings in `root`.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            settings: root.join("rustfmt.toml"),
        }
    }

    /// The root of the workspace.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// `text` as rustfmt would have it.
    ///
    /// # Errors
    /// If rustfmt is not there, or takes the text for no Rust.
    pub(super) fn format(&self, text: &str) -> Result<String> {
        let mut child = Command::new("rustfmt")
            .args(["--edition", "2024", "--config-path"])
            .arg(&self.settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting rustfmt, which `rustup component add rustfmt` installs")?;
        let mut input = child.stdin.take().context("rustfmt has no input")?;
        let text = text.to_owned();
        // rustfmt answers while it is still being fed, so feeding it here could block both.
        let feed = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().context("waiting for rustfmt")?;
        if !output.status.success() {
            bail!("rustfmt: {}", String::from_utf8_lossy(&output.stderr));
        }
        feed.join()
            .ok()
            .context("feeding rustfmt")?
            .context("feeding rustfmt")?;
        String::from_utf8(output.stdout).context("rustfmt's output")
    }
}
