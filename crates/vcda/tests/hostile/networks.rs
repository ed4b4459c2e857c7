//! Requests whose networks would reach no card.

use std::collections::BTreeMap;

use farside_models_vcda::operation::{
    VAPP_REPLICATIONS_FAILOVER, VAPP_REPLICATIONS_FAILOVER_TEST, VM_REPLICATIONS_FAILOVER,
    VM_REPLICATIONS_FAILOVER_TEST,
};
use farside_transport::testing::Answer;
use farside_transport::{CallErrorKind, Effect};
use farside_vcda::{
    FailoverSettings, FailoverTestSettings, Networks, Power, Target, TestFrom, VappFailover,
    VappFailoverTest, VappNetworks, VappReplicationId, VappTestFrom,
};

use crate::support::{service, vm};

#[tokio::test(start_paused = true)]
async fn networks_by_vm_are_not_sent_without_the_id_of_the_vm() {
    let (client, script) = service(|_, _| Answer::json(202, r#"{"id": "t"}"#), |builder| builder);
    let nobody = [
        Networks::Disconnected {
            vm: String::new(),
            cards: 1,
        },
        Networks::Explicit(Box::default()),
    ];
    for networks in nobody {
        let test = FailoverTestSettings::new(Target::Vcenter, Power::Off, networks.clone(), TestFrom::Newest);
        let refused = vm(&client).start_failover_test(&test).await.unwrap_err();
        assert!(matches!(refused.kind(), CallErrorKind::Request(_)), "{refused:?}");
        let real = FailoverSettings::new(Target::Vcenter, Power::Off, networks.clone());
        let refused = vm(&client).start_failover(&real).await.unwrap_err();
        assert_eq!(refused.effect(), Effect::NotSent);
        // A Cloud Director site takes them without one.
        let cloud = FailoverTestSettings::new(Target::Vcloud, Power::Off, networks, TestFrom::Newest);
        assert!(vm(&client).start_failover_test(&cloud).await.is_ok());
    }
    assert_eq!(
        (
            script.count(&VM_REPLICATIONS_FAILOVER_TEST),
            script.count(&VM_REPLICATIONS_FAILOVER)
        ),
        (2, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn networks_of_a_vapp_are_not_sent_without_the_ids_of_its_vms() {
    let (client, script) = service(|_, _| Answer::json(202, r#"{"id": "t"}"#), |builder| builder);
    let vapp = client.vapp_replication(&VappReplicationId::parse("C4VAPP-1").unwrap());
    let none = VappNetworks::Disconnected {
        cards: BTreeMap::new(),
    };
    let nameless = VappNetworks::Disconnected {
        cards: BTreeMap::from([(String::new(), 1)]),
    };
    for networks in [none, nameless] {
        let test = VappFailoverTest::at_vcenter(Power::Off, networks.clone(), VappTestFrom::Newest);
        let refused = vapp.start_failover_test(&test).await.unwrap_err();
        assert!(matches!(refused.kind(), CallErrorKind::Request(_)), "{refused:?}");
        let real = VappFailover::to_vcenter(Power::Off, networks);
        let refused = vapp.start_failover(&real).await.unwrap_err();
        assert_eq!(refused.effect(), Effect::NotSent);
    }
    let sent = script.count(&VAPP_REPLICATIONS_FAILOVER) + script.count(&VAPP_REPLICATIONS_FAILOVER_TEST);
    assert_eq!(sent, 0);
}
