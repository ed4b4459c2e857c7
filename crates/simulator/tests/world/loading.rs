//! Worlds that are saved and loaded at the endpoint for administration.

use farside_simulator::serve::Served;
use serde_json::{Value, json};

use crate::https::{admin, connect, drained, exchange, log_in, start, within};

async fn now_ms(served: &Served) -> i64 {
    let clock = admin(served, "GET", "/clock", &Value::Null).await.body;
    clock["now_ms"].as_i64().expect("a time")
}

#[tokio::test]
async fn a_world_that_is_loaded_goes_on_from_where_it_was_saved() {
    within(async {
        let (_, served) = start().await;
        let west = served.vcda[1].clone();
        let authority = served.authority_pem.clone();
        let mut stream = connect(authority.as_deref(), &west).await.expect("TLS");
        let token = log_in(&mut stream, &west).await;
        let saved = admin(&served, "GET", "/world", &Value::Null).await.body;
        let before = now_ms(&served).await;

        let rule = json!({"operation": "sessions.get", "do": "cut"});
        assert_eq!(admin(&served, "POST", "/faults", &rule).await.status(), 201);
        let passed = json!({"advance_ms": 7_200_000});
        assert_eq!(admin(&served, "POST", "/clock", &passed).await.status(), 200);
        let mut late = connect(authority.as_deref(), &west).await.expect("TLS");
        let loaded = admin(&served, "PUT", "/world", &saved).await;
        assert_eq!(loaded.status(), 200, "{}", loaded.body);
        let now = loaded.body["now_ms"].as_i64().expect("a time");
        assert!(
            (before - 60_000..before + 600_000).contains(&now),
            "{before} {now}"
        );
        assert_eq!(loaded.body["speed"], json!(50.0));

        // The session is as it was, and nobody remembers the rule; connections of before are closed.
        assert_eq!(drained(&mut late).await, (Vec::new(), true));
        let faults = admin(&served, "GET", "/faults", &Value::Null).await.body;
        assert_eq!(faults, json!({"faults": []}));
        let mut fresh = connect(authority.as_deref(), &west).await.expect("TLS");
        let session = exchange(&mut fresh, "GET", "/sessions", &token, &Value::Null).await;
        assert_eq!(session.expect("an answer").status(), 200);
        served.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn those_who_watch_are_told_of_another_world_in_numbers_that_go_on() {
    within(async {
        let (simulator, served) = start().await;
        let saved = admin(&served, "GET", "/world", &Value::Null).await.body;
        let rule = json!({"do": {"fill_disk": {"site": "west"}}});
        admin(&served, "POST", "/faults", &rule).await;
        let newest = simulator.world().chronicle().newest();
        assert!(newest > 0);
        admin(&served, "PUT", "/world", &saved).await;
        let world = simulator.world();
        let (lost, mut entries) = world.chronicle().after(newest);
        let entry = serde_json::to_value(entries.next().expect("an event")).expect("JSON");
        assert_eq!(lost, 0);
        assert_eq!(
            (&entry["id"], &entry["kind"], &entry["state"]),
            (&json!(newest + 1), &json!("world"), &json!("loaded"))
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_no_world_of_this_release_is_refused_with_the_reason_and_changes_nothing() {
    within(async {
        let (simulator, served) = start().await;
        let rule = json!({"operation": "sessions.get", "do": "cut"});
        admin(&served, "POST", "/faults", &rule).await;
        let mut older = admin(&served, "GET", "/world", &Value::Null).await.body;
        let version = older["farside_world"].clone();
        older["farside_world"] = json!(0);
        let mut damaged = older.clone();
        damaged["farside_world"] = version.clone();
        damaged["world"]["core"]["now_ms"] = json!("soon");
        for (body, wanted) in [
            (json!({"seed": 1}), "this is no saved world".to_owned()),
            (
                older,
                format!("saved in version 0 of the form; this release loads version {version} only"),
            ),
            (
                damaged,
                "the saved world cannot be read: invalid type: string \"soon\"".to_owned(),
            ),
        ] {
            let refused = admin(&served, "PUT", "/world", &body).await;
            let error = refused.body["error"].as_str().expect("an error");
            assert_eq!(refused.status(), 400);
            assert!(error.contains(&wanted), "{error}");
            assert!(error.ends_with("; the world that runs is as it was"), "{error}");
        }
        assert_eq!(simulator.world().faults().active().len(), 1);
        served.shutdown().await;
    })
    .await;
}
