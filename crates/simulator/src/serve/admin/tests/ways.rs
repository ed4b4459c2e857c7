//! Each kind of rule, however it comes into a world: from Rust, from a file, over the endpoint for administration.

use super::*;
use crate::fault::tests::{all_rules, as_toml};
use crate::fault::{FaultAction, FaultRule, file};

/// What the endpoint for administration answers, and the world afterwards.
fn asked(world: World, method: Method, path: &str, body: &Value) -> (Answer, World) {
    let simulator = Simulator::new(world, Arc::new(farside_transport::SystemClock::new()));
    let answer = ask(&simulator, method, path, body);
    let world = simulator.world().clone();
    (answer, world)
}

/// A session at `west` that is extended to `east`.
pub(super) fn known(world: &mut World) -> String {
    let of = |world: &World, site: &str| {
        let site = world.endpoint(site).unwrap();
        (site.user.clone(), site.password.clone())
    };
    let (user, password) = of(world, "west");
    let login = json!({"type": "vcdCredentials", "vcdUser": user, "vcdPassword": password});
    let login = Request::new(Method::POST, "/sessions").json(&login);
    let Reply::Answer(answer) = world.handle("west", &login).reply else {
        panic!("no answer to a login");
    };
    let token = answer.header_text("x-vcav-auth").expect("a token").to_owned();
    let (user, password) = of(world, "east");
    let extend = json!({"type": "credentials", "site": "east", "vcdUsername": user, "vcdPassword": password});
    let extend = Request::new(Method::POST, "/sessions/extend").json(&extend);
    let extended = world.handle("west", &extend.header("x-vcav-auth", &token)).reply;
    assert!(matches!(extended, Reply::Answer(answer) if answer.is_success()));
    token
}

/// What is seen of a world with a rule about the list of replications, or with none: two lists, the second of which asks the
/// other site, then all at a glance, but for the rules.
fn seen(mut world: World, token: &str) -> (String, World) {
    let list = |query: &str| {
        Request::new(Method::GET, &format!("/vm-replications{query}")).header("x-vcav-auth", token)
    };
    let replies = ["?limit=1", "?limit=1&site=east"].map(|query| world.handle("west", &list(query)));
    world.advance_to(world.now_ms() + 5);
    let mut overview = world.overview();
    for name in ["faults", "newest_event"] {
        overview[name] = Value::Null;
    }
    (format!("{replies:?}{overview}"), world)
}

fn saved(world: &World) -> String {
    String::from_utf8(world.save().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_rule_does_the_same_from_rust_from_a_file_and_over_the_endpoint_for_administration() {
    let mut world = WorldSpec::pair(1).groups(1).replications(2).build();
    let token = known(&mut world);
    let usual = seen(world.clone(), &token).0;
    for rule in all_rules() {
        // Of the kinds that are about calls, the first list is hit.
        let mut rule = FaultRule {
            operation: Some("vmReplications.list".to_owned()),
            ..FaultRule::any(rule.action)
        };
        if let FaultAction::FlapLink { down_ms, up_ms, .. } = &mut rule.action {
            (*down_ms, *up_ms) = (100, 100);
        }
        let mut from_rust = world.clone();
        assert_eq!(from_rust.add_fault(rule.clone()), Ok(1));
        let mut from_file = world.clone();
        assert_eq!(file::add(&mut from_file, &as_toml(&rule)), Ok(vec![1]));
        let (answer, over_admin) = asked(world.clone(), Method::POST, "/admin/faults", &json!(rule));
        assert_eq!((answer.status, answer.value()), (201, json!({"ids": [1]})));

        let (told, ended) = seen(from_rust, &token);
        assert_ne!(told, usual, "{rule:?} changes nothing that is seen");
        for other in [from_file, over_admin] {
            let (other, end) = seen(other, &token);
            assert_eq!(other, told, "{rule:?}");
            assert!(saved(&end) == saved(&ended), "{rule:?}");
        }

        // It is counted, listed and removed.
        let (listed, ended) = asked(ended, Method::GET, "/admin/faults", &Value::Null);
        let fault = &listed.value()["faults"][0];
        assert_eq!(fault["rule"], json!(rule));
        assert_eq!(fault["hits"], 1, "{rule:?}");
        let (removed, ended) = asked(ended, Method::DELETE, "/admin/faults/1", &Value::Null);
        assert_eq!((removed.status, ended.faults().active().len()), (204, 0));
        let holds = ended.sites().iter().any(|site| ended.faults().is_full(site));
        let lost = ended
            .endpoints()
            .any(|endpoint| endpoint.lost_with_site.is_some());
        let down = ended.hosts().hosts().any(|host| !host.links_down.is_empty());
        assert!(!holds && !lost && !down, "{rule:?} still holds");
    }
}
