//! The arguments.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use farside_engine::Mode;

/// Fails over VMware estates: DPU uplinks, vCenter HA, vVol replication groups and Cloud Director Availability, in
/// one recovery plan.
#[derive(Debug, Parser)]
#[command(name = "farside", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done as asked; 1 items failed or were skipped, or preflight says no; \
    2 bad input or refused, nothing touched; 3 not at its end: stopped, can be resumed, or (status) under way; 4 the outcome of \
    some item is unknown."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the built-in sample plan against an embedded simulator: preflight, then a planned failover
    Demo(Demo),
    /// Serve the simulator until SIGINT or SIGTERM
    Sim(Sim),
    /// Read plan files
    #[command(subcommand)]
    Plan(Plan),
    /// Ask the servers whether a mode can be run, and what it would lose; changes nothing
    Check(Check),
    /// Run a plan
    Run(Run),
    /// End the tests of a plan
    Cleanup(Start),
    /// Take up a run that was stopped, killed or lost its machine
    Resume(Resume),
    /// Give a run up: calls under way are seen to their end, everything else is skipped
    Abort(Abort),
    /// List the runs of a journal and the tests that nobody has cleaned up, or show one run
    Status(Status),
    /// Print the report of a run
    Report(Report),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// One JSON document as the last line on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// vVol replication groups
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) groups: u32,
    /// VM replications
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) replications: u32,
    /// Seed of the simulated world
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// Address of the services, which listen on ports of their own; the admin endpoint takes the port given
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Address at which the admin endpoint listens, for anybody who gets there [default: the loopback address]
    #[arg(long, value_name = "IP")]
    pub(crate) admin: Option<IpAddr>,
    /// World: `pair`, `odd` (plays other readings of the rules, by seed), `large` (10,000 groups and replications), a
    /// TOML file that describes one, or a file that --save has written
    #[arg(long, default_value = "pair", value_name = "NAME|FILE")]
    pub(crate) world: String,
    /// When it ends, save the world to a file, with which --world goes on. Simulated passwords are in it
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// How many times as fast as real time the world's time passes, from 0.1 to 1000
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Seed of the simulated world, instead of 1 or the file's
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// vVol replication groups, instead of the world's
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) groups: Option<u32>,
    /// VM replications, instead of the world's
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) replications: Option<u32>,
    /// Faults of the world: a TOML file with rules, as the simulator's README describes them
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Serve plain HTTP, for curl; farside itself talks HTTPS only
    #[arg(long)]
    pub(crate) plain: bool,
    /// Write the authority that has signed the services' certificates, in PEM, for other clients to trust
    #[arg(long, value_name = "FILE", conflicts_with = "plain")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Write a recovery plan for everything in the world, and the files with its passwords beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) sample_plan: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speeds = farside_simulator::Simulator::SPEEDS;
    let told = || format!("a number from {} to {}", speeds.start(), speeds.end());
    let speed: f64 = text.parse().map_err(|_| told())?;
    if speeds.contains(&speed) {
        Ok(speed)
    } else {
        Err(told())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Plan {
    /// Check a plan file without asking any server
    Validate {
        /// The plan
        plan: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where runs are kept.
#[derive(Debug, Args)]
pub(crate) struct JournalPlace {
    /// Journal of runs [default: the plan's, else farside/journal.db in the state folder]
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) journal: Option<String>,
}

/// Modes of `run`; a clean-up is a command of its own.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RunMode {
    Test,
    Planned,
    Disaster,
    Reprotect,
    Failback,
}

impl From<RunMode> for Mode {
    fn from(mode: RunMode) -> Self {
        match mode {
            RunMode::Test => Mode::Test,
            RunMode::Planned => Mode::Planned,
            RunMode::Disaster => Mode::Disaster,
            RunMode::Reprotect => Mode::Reprotect,
            RunMode::Failback => Mode::Failback,
        }
    }
}

/// Modes of `check`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CheckMode {
    Test,
    Cleanup,
    Planned,
    Disaster,
    Reprotect,
    Failback,
}

impl From<CheckMode> for Mode {
    fn from(mode: CheckMode) -> Self {
        match mode {
            CheckMode::Test => Mode::Test,
            CheckMode::Cleanup => Mode::Cleanup,
            CheckMode::Planned => Mode::Planned,
            CheckMode::Disaster => Mode::Disaster,
            CheckMode::Reprotect => Mode::Reprotect,
            CheckMode::Failback => Mode::Failback,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The plan
    pub(crate) plan: PathBuf,
    /// The mode to ask about
    #[arg(long = "for", value_enum, default_value = "planned")]
    pub(crate) mode: CheckMode,
    /// Only this item or priority group; may be repeated
    #[arg(long, value_name = "ITEM|GROUP")]
    pub(crate) only: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: JournalPlace,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What the run is for
    #[arg(long, value_enum)]
    pub(crate) mode: RunMode,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// What starts a run, whatever it is for.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The plan
    pub(crate) plan: PathBuf,
    /// Name of the run [default: made from plan, mode and time]
    #[arg(long)]
    pub(crate) run_id: Option<String>,
    /// Only this item or priority group; may be repeated
    #[arg(long, value_name = "ITEM|GROUP")]
    pub(crate) only: Vec<String>,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) watched: Watched,
}

/// How a run is watched, and where its record lies.
#[derive(Debug, Args)]
pub(crate) struct Watched {
    /// Print JSON lines for progress and one JSON document at the end
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: JournalPlace,
}

/// What a person agrees to beforehand.
#[derive(Debug, Args)]
pub(crate) struct Consent {
    /// Show what would be done and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on without asking; never stands for --accept-data-loss
    #[arg(long)]
    pub(crate) yes: bool,
    /// Accept that data can be lost or overwritten (modes disaster and reprotect)
    #[arg(long)]
    pub(crate) accept_data_loss: bool,
    /// The plan's name, which a disaster run asks for at a terminal
    #[arg(long, value_name = "PLAN-NAME")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The run
    pub(crate) run: String,
    /// Do not wait for the settle time of calls whose answer was lost (disaster runs only)
    #[arg(long)]
    pub(crate) cut_settle: bool,
    #[command(flatten)]
    pub(crate) watched: Watched,
}

#[derive(Debug, Args)]
pub(crate) struct Abort {
    /// The run
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) watched: Watched,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The run; all of them when left out
    pub(crate) run: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) place: JournalPlace,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The run
    pub(crate) run: String,
    /// Form of the report
    #[arg(long, value_enum, default_value = "human")]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) place: JournalPlace,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
}
