//! Machines powered on together.

use farside_models_vim::OptionValue;
use farside_simulator::vm::{MachineTrouble, Placement, VmSpec};
use farside_vim::{Datacenter, MovedOrCopied, Started, VirtualMachine, WorkErrorKind};
use farside_wire::Any;

use crate::story::recovered;
use crate::support::{Bench, LONG, fault};

fn spec(placement: Placement) -> VmSpec {
    let mut spec = VmSpec::default();
    spec.placement = placement;
    spec
}

fn west(bench: &Bench) -> Datacenter {
    bench.west.object("datacenter-22")
}

/// One that asks, two that do not, and one that is too large for its host.
async fn machines(bench: &Bench) -> Vec<VirtualMachine> {
    let asks = recovered(bench, "group-001").await;
    let large = recovered(bench, "group-002").await;
    bench
        .simulator
        .world()
        .vms_mut()
        .set_trouble("app-002", MachineTrouble::TooLarge, true);
    let plain = bench.vm(&bench.west, "west-01");
    let on = bench.vm(&bench.west, "west-02");
    on.start(None, LONG).await.unwrap();
    vec![asks, large, plain, on]
}

#[tokio::test]
async fn each_machine_has_its_own_outcome() {
    for placement in [Placement::None, Placement::Automatic] {
        let bench = Bench::new(spec(placement));
        let all = machines(&bench).await;
        let limit = std::time::Duration::from_secs(30);
        let outcomes = west(&bench)
            .start_all(&all, &[], Some(MovedOrCopied::Moved), limit)
            .await
            .unwrap();
        assert_eq!(*outcomes[0].as_ref().unwrap(), Started::On { answered: true });
        let large = outcomes[1].as_ref().unwrap_err();
        if placement == Placement::None {
            assert_eq!(fault(large), "InsufficientMemoryResourcesFault");
        } else {
            // DRS names no task, so all that can be seen is that it does not come on.
            assert!(matches!(large.kind(), WorkErrorKind::Late { .. }), "{large:?}");
        }
        assert_eq!(*outcomes[2].as_ref().unwrap(), Started::On { answered: false });
        assert_eq!(*outcomes[3].as_ref().unwrap(), Started::WasOn);
        assert_eq!(
            bench.calls("Datacenter_PowerOnMultiVM_Task").attempts,
            4,
            "one for each machine of one call"
        );
    }
}

#[tokio::test]
async fn a_recommendation_leaves_the_machine_off_and_an_option_overrules() {
    let bench = Bench::new(spec(Placement::Manual));
    let vm = bench.vm(&bench.west, "west-01");
    let outcomes = west(&bench)
        .start_all(std::slice::from_ref(&vm), &[], None, LONG)
        .await
        .unwrap();
    let error = outcomes[0].as_ref().unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::Recommended(all) if all[0].reason_text.contains("Power on"))
    );
    assert!(vm.is_off().await.unwrap());

    let level = Any::boxed("string", "fullyAutomated").unwrap();
    let reserve = Any::boxed("boolean", &true).unwrap();
    let options = [
        OptionValue::new("OverrideAutomationLevel").with_value(level),
        OptionValue::new("ReserveResources").with_value(reserve),
    ];
    let outcomes = west(&bench)
        .start_all(std::slice::from_ref(&vm), &options, None, LONG)
        .await
        .unwrap();
    assert!(outcomes[0].is_ok());
}

#[tokio::test]
async fn what_is_refused_as_a_whole_is_an_error_and_what_is_not_attempted_has_its_fault() {
    let bench = Bench::new(VmSpec::default());
    let stranger: VirtualMachine = bench.west.object("vm-9999");
    let error = west(&bench)
        .start_all(&[stranger], &[], None, LONG)
        .await
        .unwrap_err();
    assert_eq!(fault(&error), "InvalidArgument");
    assert!(
        west(&bench)
            .start_all(&[], &[], None, LONG)
            .await
            .unwrap()
            .is_empty()
    );
    let vm = recovered(&bench, "group-001").await;
    assert!(
        bench
            .simulator
            .world()
            .vms_mut()
            .set_accessible("datastore-21", false)
    );
    let outcomes = west(&bench).start_all(&[vm], &[], None, LONG).await.unwrap();
    let error = outcomes[0].as_ref().unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::NotAttempted(fault) if fault.type_name() == "InvalidState")
    );
}
