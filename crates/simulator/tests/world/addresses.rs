//! The addresses of a vCenter whose nodes have their own, over HTTPS.

use std::sync::Arc;
use std::time::Duration;

use farside_simulator::serve::{ServeOptions, Served, ServedSite, ServedVcenter, serve};
use farside_simulator::vcha::{ClusterSpec, VchaSpec};
use farside_simulator::{Simulator, WorldSpec};
use farside_transport::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::https::{admin, connect, exchange, within};

/// A world whose vCenter in the west has a further address.
pub(crate) fn two_addresses() -> WorldSpec {
    let mut cluster = ClusterSpec::default();
    cluster.failover_ips = Some(["198.51.100.20".to_owned(), "203.0.113.20".to_owned()]);
    let mut vcha = VchaSpec::default();
    vcha.clusters.insert("vc-west".to_owned(), cluster);
    WorldSpec::pair(1).groups(0).replications(0).vcha(vcha)
}

pub(crate) async fn start(spec: &WorldSpec) -> (Simulator, Served) {
    let simulator = Simulator::new(spec.build(), Arc::new(SystemClock::new())).speed(50.0);
    let options = ServeOptions::at(([127, 0, 0, 1], 0).into());
    let served = serve(simulator.clone(), options).await.expect("a served world");
    (simulator, served)
}

/// A vCenter at one of its addresses.
fn at(vcenter: &ServedVcenter, url: &str) -> ServedSite {
    ServedSite {
        site: vcenter.name.clone(),
        url: url.to_owned(),
        thumbprint: vcenter.thumbprint.clone(),
        username: vcenter.username.clone(),
        password: vcenter.password.clone(),
    }
}

/// The status of the answer to a greeting; none where nobody answers. The certificate is verified.
async fn greeted(served: &Served, vcenter: &ServedVcenter, url: &str) -> Option<u16> {
    let site = at(vcenter, url);
    let mut stream = connect(served.authority_pem.as_deref(), &site).await.ok()?;
    let body = json!({"api_releases": ["8.0.3.0"]});
    let path = "/api/vcenter/system?action=hello";
    let answer = exchange(&mut stream, "POST", path, "", &body).await?;
    Some(answer.status())
}

/// Name and state of each address of a vCenter, as administration tells them.
async fn told(served: &Served, vcenter: &str) -> Vec<(String, String, bool)> {
    let body = admin(served, "GET", "/endpoints", &Value::Null).await.body;
    let endpoints = body["endpoints"].as_array().expect("a list");
    let found = endpoints.iter().find(|endpoint| endpoint["name"] == vcenter);
    let addresses = found.expect("the vCenter")["addresses"]
        .as_array()
        .expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = addresses.iter().map(|address| {
        (
            text(&address["name"]),
            text(&address["state"]),
            address["url"].is_string(),
        )
    });
    all.collect()
}

fn address(name: &str, state: &str) -> (String, String, bool) {
    (name.to_owned(), state.to_owned(), true)
}

#[tokio::test]
async fn a_vcenter_answers_at_the_address_of_the_node_that_is_active_with_the_same_certificate() {
    within(async {
        let (simulator, served) = start(&two_addresses()).await;
        let names: Vec<&str> = served.vcenters.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["vc-east", "vc-west"]);
        assert!(served.vcenters[0].also_at.is_empty());
        let west = served.vcenters[1].clone();
        let [second] = &west.also_at[..] else {
            panic!("one further address: {:?}", west.also_at);
        };
        assert_eq!(greeted(&served, &west, &west.url).await, Some(200));
        assert_eq!(greeted(&served, &west, second).await, None);
        assert_eq!(
            told(&served, "vc-west").await,
            [address("vc-west", "listening"), address("vc-west-node2", "idle")]
        );

        assert!(simulator.world().lose_active_node("vc-west"));
        while greeted(&served, &west, second).await != Some(200) {
            SystemClock::new().sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(greeted(&served, &west, &west.url).await, None);
        assert_eq!(
            told(&served, "vc-west").await,
            [address("vc-west", "idle"), address("vc-west-node2", "listening")]
        );
        let body = admin(&served, "GET", "/endpoints", &Value::Null).await.body;
        let addresses = &body["endpoints"][2]["addresses"];
        assert_eq!(addresses[0]["thumbprint"], json!(west.thumbprint), "{body}");
        assert_eq!(addresses[1]["thumbprint"], json!(west.thumbprint));

        simulator.world().set_reachable("vc-west", false);
        let lost = told(&served, "vc-west").await;
        assert_eq!(lost[1], address("vc-west-node2", "refusing"));
        served.shutdown().await;
    })
    .await;
}

/// Nobody knows of the address when the front starts: the node comes with a world that is loaded.
#[tokio::test]
async fn an_address_that_comes_to_be_is_listened_at_from_then_on() {
    within(async {
        let (_, served) = start(&WorldSpec::pair(1).groups(0).replications(0)).await;
        let west = served.vcenters[1].clone();
        assert!(west.also_at.is_empty());
        assert_eq!(told(&served, "vc-west").await, [address("vc-west", "listening")]);
        let mut world = two_addresses().build();
        assert!(world.lose_active_node("vc-west"));
        world.advance_to(60_000);
        let saved: Value = serde_json::from_slice(&world.save().expect("saved")).expect("JSON");
        assert_eq!(admin(&served, "PUT", "/world", &saved).await.status(), 200);
        let both = [address("vc-west", "idle"), address("vc-west-node2", "listening")];
        while told(&served, "vc-west").await != both {
            SystemClock::new().sleep(Duration::from_millis(10)).await;
        }
        let body = admin(&served, "GET", "/endpoints", &Value::Null).await.body;
        let second = body["endpoints"][2]["addresses"][1]["url"]
            .as_str()
            .expect("an address");
        assert_eq!(greeted(&served, &west, second).await, Some(200));
        served.shutdown().await;
    })
    .await;
}
