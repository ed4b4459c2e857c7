use super::*;
use crate::fixtures::{A, B, changed, dpus, host, uplinks};

fn of(name: &str) -> (Option<String>, Vec<String>) {
    let dpus = dpus(&host(name));
    let text = |dpu: DpuId| dpu.as_str().to_owned();
    (
        dpus.active().map(text),
        dpus.standby().into_iter().map(text).collect(),
    )
}

#[test]
fn the_dpu_behind_the_active_uplinks_works_and_the_other_stands_by() {
    assert_eq!(of("host-dpu-ready"), (Some(A.to_owned()), vec![B.to_owned()]));
    assert_eq!(
        of("host-dpu-after-failover"),
        (Some(B.to_owned()), vec![A.to_owned()])
    );
}

#[test]
fn each_uplink_leads_to_its_card() {
    let dpus = dpus(&host("host-dpu-ready"));
    let cards: Vec<_> = dpus
        .uplinks
        .iter()
        .map(|uplink| (uplink.name.as_str(), uplink.nic.as_deref()))
        .collect();
    let expected = [
        ("uplink1", Some("vmnic4")),
        ("uplink2", Some("vmnic5")),
        ("uplink3", Some("vmnic6")),
        ("uplink4", Some("vmnic7")),
    ];
    assert_eq!(cards, expected);
    assert!(dpus.offloaded && dpus.uplinks.iter().all(|uplink| uplink.link_up));
}

#[test]
fn an_unknown_state_and_an_unknown_uplink_are_neither_active_nor_standby() {
    let host = changed("host-dpu-ready", |body| {
        uplinks(
            body,
            &[
                ("uplink1", "active"),
                ("uplink3", "inventedState"),
                ("uplink9", "standby"),
            ],
        );
    });
    let dpus = dpus(&host);
    assert_eq!((dpus.active(), dpus.standby().len()), (Some(DpuId::new(A)), 0));
    assert_eq!(
        dpus.uplinks[1].state,
        UplinkState::Other("inventedState".to_owned())
    );
    assert_eq!(
        (dpus.uplinks[2].nic.as_deref(), dpus.uplinks[2].dpu.as_ref()),
        (None, None)
    );
    assert!(
        dpus.describe().contains("uplink9 standby on no DPU"),
        "{}",
        dpus.describe()
    );
}

#[test]
fn the_uplinks_are_described_by_state_and_dpu() {
    let words = format!("uplink1 and uplink2 active on DPU {A}, uplink3 and uplink4 standby on DPU {B}");
    assert_eq!(dpus(&host("host-dpu-ready")).describe(), words);
    assert_eq!(
        dpus(&host("host-dpu-offload-off")).describe(),
        "the host tells no uplink states"
    );
}
