//! Clients that know nothing of our code: the scripts of `tests/oracles/curl`, written from the rules of the wire, against
//! the served simulator.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use farside_simulator::serve::{ServeOptions, Served, serve};
use farside_simulator::{FaultAction, FaultRule, Simulator, WorldSpec};
use farside_tests::Finished;
use farside_transport::SystemClock;

/// How much faster than the clock on the wall: a vCenter HA failover takes minutes.
const SPEED: f64 = 20.0;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("oracles/curl")
        .join(format!("{name}.sh"))
}

async fn start() -> (Simulator, Served) {
    let world = WorldSpec::pair(1).groups(8).replications(8).build();
    let simulator = Simulator::new(world, Arc::new(SystemClock::new())).speed(SPEED);
    let options = ServeOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        plain: false,
        admin: None,
    };
    let served = serve(simulator.clone(), options).await.expect("a served world");
    (simulator, served)
}

/// Runs a script against the recovery site, over HTTPS.
async fn run(served: &Served, name: &str) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ca_file = folder.path().join("ca.pem");
    let pem = served.authority_pem.as_ref().expect("an authority");
    std::fs::write(&ca_file, pem).expect("the authority is written");
    let (vcenter, site) = (&served.vcenters[1], &served.vcda[1]);
    let mut command = Command::new("bash");
    command
        .arg(script(name))
        .env("CA_FILE", &ca_file)
        .env("VCENTER", &vcenter.url)
        .env("VCENTER_USER", &vcenter.username)
        .env("VCENTER_PASSWORD", &vcenter.password)
        .env("VCDA", &site.url)
        .env("VCDA_USER", &site.username)
        .env("VCDA_PASSWORD", &site.password);
    let output = tokio::task::spawn_blocking(move || command.output());
    output
        .await
        .expect("the script is waited for")
        .expect("bash starts")
        .into()
}

async fn passes(name: &str) {
    let (_, served) = start().await;
    let finished = run(&served, name).await;
    assert_eq!(finished.code, Some(0), "{}\n{}", finished.stdout, finished.stderr);
    assert!(
        finished.stdout.lines().count() > 10,
        "{name} has looked at nothing"
    );
    served.shutdown().await;
}

#[tokio::test]
async fn hello_and_the_service_content_are_as_the_rules_say() {
    passes("hello").await;
}

#[tokio::test]
async fn sessions_are_as_the_rules_say() {
    passes("login").await;
}

#[tokio::test]
async fn properties_are_as_the_rules_say() {
    passes("properties").await;
}

#[tokio::test]
async fn a_dpu_failover_is_as_the_rules_say() {
    passes("dpu").await;
}

#[tokio::test]
async fn tasks_of_replication_groups_are_as_the_rules_say() {
    passes("sms").await;
}

#[tokio::test]
async fn a_vcenter_ha_failover_is_as_the_rules_say() {
    passes("vcha").await;
}

#[tokio::test]
async fn a_vm_replication_is_as_the_rules_say() {
    passes("vcda").await;
}

#[tokio::test]
async fn a_script_stops_at_the_first_difference_and_says_what_it_is() {
    let (simulator, served) = start().await;
    let refuse = FaultAction::Refuse {
        status: 418,
        body: None,
        retry_after: None,
    };
    let rule = FaultRule::new("HostNetworkSystem_startDpuFailover", refuse);
    simulator.world().add_fault(rule).expect("a rule that fits");
    let finished = run(&served, "dpu").await;
    assert_eq!(finished.code, Some(1), "{}\n{}", finished.stdout, finished.stderr);
    let told = "dpu.sh: FAILED: a switch that the host does not have: expected status 500, got 418";
    assert!(finished.stderr.contains(told), "{}", finished.stderr);
    assert!(!finished.stderr.contains(&served.vcenters[1].password));
    served.shutdown().await;
}

#[tokio::test]
async fn a_machine_without_curl_is_told_what_to_install() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    for tool in ["bash", "basename", "cat", "dirname", "mktemp", "rm"] {
        let found = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(tool));
        let found = found
            .iter()
            .find(|tool| tool.exists())
            .expect("a tool of every system");
        std::os::unix::fs::symlink(found, path.join(tool)).expect("a link");
    }
    let mut command = Command::new(path.join("bash"));
    let output = command.arg(script("hello")).env("PATH", path).output();
    let finished = Finished::from(output.expect("bash starts"));
    assert_eq!(finished.code, Some(1));
    assert!(
        finished
            .stderr
            .contains("curl is missing; install it with: apt-get install curl"),
        "{}",
        finished.stderr
    );
}
