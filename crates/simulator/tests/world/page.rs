//! The page of the endpoint for administration, in a browser.

use std::sync::Arc;

use farside_simulator::exchange::Request;
use farside_simulator::serve::{ServeOptions, Served, serve};
use farside_simulator::sms::Verb;
use farside_simulator::{FaultAction, FaultRule, Simulator, WorldSpec};
use farside_transport::SystemClock;
use http::Method;
use serde_json::{Value, json};

use crate::browser::Browser;

/// A name that would be markup, and would say so in the title.
const HOSTILE: &str = "<img src=x onerror=document.title=1><script>document.title=2</script>";

fn hostile_world(groups: u32) -> Simulator {
    let mut world = WorldSpec::pair(1).groups(groups).replications(300).build();
    // Objects may come later, so that any name of one is taken.
    let rule = FaultRule::any(FaultAction::Cut).at("east").on(HOSTILE);
    world.add_fault(rule).expect("a rule");
    let full = FaultAction::FillDisk {
        site: "west".to_owned(),
    };
    world.add_fault(FaultRule::any(full)).expect("a rule");
    Simulator::new(world, Arc::new(SystemClock::new()))
}

async fn served(simulator: &Simulator) -> Served {
    let options = ServeOptions::at(([127, 0, 0, 1], 0).into());
    serve(simulator.clone(), options).await.expect("a served world")
}

/// A call about an object with a hostile name, which is refused, and happens all the same.
fn call_by_a_hostile_name(simulator: &Simulator) {
    let name: String = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let request = Request::new(Method::POST, &format!("/vm-replications/{name}/failover"));
    simulator.handle("west", &request);
}

/// How far a colour is from another one, by the contrast ratio of WCAG 2.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let parts = [1, 3, 5].map(|from| {
            let part = colour.get(from..from + 2).expect("#rrggbb");
            let part = f64::from(u8::from_str_radix(part, 16).expect("a number")) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_page_shows_the_world_and_follows_it() {
    let Some(mut browser) = Browser::start() else {
        skipped();
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let simulator = hostile_world(10_000);
    let served = runtime.block_on(served(&simulator));
    let url = served.admin.trim_end_matches("admin").to_owned();
    browser.open(&url);
    browser.until("document.querySelectorAll('#sites tr').length === 4");
    browser.until("document.getElementById('link').textContent === 'live'");

    shows_what_there_is(&mut browser);
    opens_a_list(&mut browser);
    follows_events(&mut browser, &simulator);
    shows_calls_per_second_and_running_tasks(&mut browser, &simulator);
    fits_a_narrow_screen_and_both_schemes(&mut browser);

    assert_eq!(browser.complaints, Vec::<String>::new());
    runtime.block_on(served.shutdown());
    browser.until("document.getElementById('link').textContent === 'no connection'");
}

fn shows_what_there_is(browser: &mut Browser) {
    let sites = browser.value("document.getElementById('sites').innerText");
    let sites = sites.as_str().expect("text");
    for wanted in ["east", "vc-west", "listening", "full", "has room"] {
        assert!(sites.contains(wanted), "{wanted} is not in {sites}");
    }
    let text = "document.getElementById('groups').innerText.replaceAll('\\n', ' ')";
    assert_eq!(
        browser.value(&format!("{text}.includes('vc-east SOURCE, vc-west TARGET')")),
        true
    );
    assert_eq!(
        browser.value("document.getElementById('groups-count').textContent"),
        "10,000"
    );
    assert_eq!(
        browser.value("document.querySelectorAll('tr').length < 100"),
        true
    );
    // Names are text.
    let faults = browser.value("document.getElementById('faults').textContent");
    assert!(
        faults.as_str().is_some_and(|faults| faults.contains(HOSTILE)),
        "{faults}"
    );
    assert_eq!(
        browser.value("document.querySelectorAll('img, td script').length"),
        0
    );
    assert_eq!(browser.value("document.title"), "Farside simulator");
}

fn opens_a_list(browser: &mut Browser) {
    browser.value("document.querySelector('#groups summary').click()");
    browser.until("document.querySelectorAll('#groups tbody tr').length === 100");
    browser.until("document.querySelector('#groups button').textContent === 'Show 100 of 9,900 more'");
    browser.value("document.querySelector('#groups button').click()");
    browser.until("document.querySelectorAll('#groups tbody tr').length === 200");
    browser.value("document.querySelector('#groups summary').click()");
}

fn follows_events(browser: &mut Browser, simulator: &Simulator) {
    assert!(simulator.world().act_on_group("group-001", Verb::Failover));
    call_by_a_hostile_name(simulator);
    browser.until("document.querySelectorAll('#groups details').length === 2");
    let events = "document.getElementById('events').textContent";
    browser.until(&format!(
        "{events}.includes('group-001: vc-east REMOTE_FAILEDOVER, vc-west FAILEDOVER')"
    ));
    browser.until(&format!("{events}.includes({})", json!(HOSTILE)));
    assert_eq!(
        browser.value("document.querySelectorAll('img, td script').length"),
        0
    );
    assert_eq!(browser.value("document.title"), "Farside simulator");
    browser.until("document.getElementById('refused').textContent === '1'");
}

/// Reads, which are no events, show as calls per second; a task shows while it runs.
fn shows_calls_per_second_and_running_tasks(browser: &mut Browser, simulator: &Simulator) {
    let task = simulator.world().run_task("vc-west", 3_600_000, Ok(None));
    browser.until(&format!(
        "[...document.querySelectorAll('#tasks tr')].some((row) => \
         row.children[0].textContent === 'vc-west' && row.children[3].textContent === '{task}')"
    ));
    browser.until("document.getElementById('tasks-count').textContent === '1'");
    browser.until("document.getElementById('rate').textContent === '0.0 per second'");
    for _ in 0..1_000 {
        simulator.handle("west", &Request::new(Method::GET, "/tasks"));
    }
    let rate = "Number.parseFloat(document.getElementById('rate').textContent.replaceAll(',', ''))";
    browser.until(&format!("{rate} > 100"));
    browser.until("document.getElementById('rate').textContent === '0.0 per second'");
    simulator.world().forget_task("vc-west", &task);
    browser.until("document.getElementById('tasks-box').hidden");
}

fn fits_a_narrow_screen_and_both_schemes(browser: &mut Browser) {
    let narrow = json!({"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": true});
    browser.tell("Emulation.setDeviceMetricsOverride", &narrow);
    browser.until("document.documentElement.scrollWidth <= 360");
    for scheme in ["light", "dark"] {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.tell("Emulation.setEmulatedMedia", &media);
        let mut colour = |name: &str| {
            let value = browser.value(&format!(
                "getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()"
            ));
            value.as_str().expect("a colour").to_owned()
        };
        let card = colour("card");
        for name in ["ink", "quiet", "good", "work", "bad"] {
            let ratio = contrast(&colour(name), &card);
            assert!(ratio >= 4.5, "{name} on card is {ratio:.1} in {scheme}");
        }
    }
    // Whatever may scroll can be reached by keyboard, and has a name.
    let reachable = "[...document.querySelectorAll('.scroll')].every((box) => box.tabIndex === 0 \
                     && document.getElementById(box.getAttribute('aria-labelledby')))";
    assert_eq!(browser.value(reachable), Value::Bool(true));
}

#[expect(
    clippy::print_stderr,
    reason = "whoever reads the log has to know what was not tested"
)]
fn skipped() {
    eprintln!(
        "\n*** NOT TESTED: the page. There is no Chromium on this machine; `apt-get install chromium` brings one. ***\n"
    );
}
