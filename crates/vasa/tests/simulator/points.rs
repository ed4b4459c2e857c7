//! Points in time.

use farside_simulator::sms::{ProviderSpec, VasaSpec};
use farside_vasa::{GroupFault, GroupPoints, PointQuery};

use crate::support::Pair;

fn one_provider(change: impl FnOnce(&mut ProviderSpec)) -> VasaSpec {
    let mut provider = ProviderSpec::default();
    change(&mut provider);
    let mut spec = VasaSpec::default();
    spec.providers = vec![provider];
    spec
}

#[tokio::test(start_paused = true)]
async fn a_query_narrows_by_time_number_and_tag() {
    let pair = Pair::new(VasaSpec::default());
    let (west, groups) = pair.west().await;
    let ask = async |query: PointQuery| {
        let found = west
            .client
            .points_in_time(&west.providers[0], &groups[..1], &query)
            .await
            .unwrap();
        match found.into_iter().next().unwrap() {
            GroupPoints::Points(points) => points,
            other => panic!("{other:?}"),
        }
    };
    let all = ask(PointQuery::all()).await;
    assert_eq!(all.len(), 4);
    let later = ask(PointQuery::all().from(all[1].time).to(all[3].time)).await;
    assert_eq!(later, all[1..3]);
    assert_eq!(ask(PointQuery::all().at_most(1)).await, all[3..]);
    assert_eq!(ask(PointQuery::all().tagged(["none".to_owned()])).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_continuous_history_comes_as_counts_where_they_are_enough_or_nothing_else_is_to_be_had() {
    let pair = Pair::new(one_provider(|provider| {
        provider.continuous = true;
        provider.replica_limit = Some(2);
    }));
    let (west, groups) = pair.west().await;
    for query in [PointQuery::all().counts(), PointQuery::all()] {
        let found = west
            .client
            .points_in_time(&west.providers[0], &groups[..2], &query)
            .await
            .unwrap();
        for points in found {
            let GroupPoints::Summary { intervals } = &points else {
                panic!("{points:?}")
            };
            assert_eq!(
                (points.number(), points.newest()),
                (Some(4), Some(intervals[0].to))
            );
            assert!(intervals[0].from < intervals[0].to);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn more_points_than_are_listed_stay_too_many_where_nobody_counts_them() {
    let pair = Pair::new(one_provider(|provider| provider.replica_limit = Some(2)));
    let (west, groups) = pair.west().await;
    let found = west
        .client
        .points_in_time(&west.providers[0], &groups[..1], &PointQuery::all())
        .await
        .unwrap();
    let GroupPoints::Failed { faults } = &found[0] else {
        panic!("{found:?}")
    };
    assert_eq!(GroupFault::of(&faults[0]), GroupFault::TooMany { limit: Some(2) });
    let newest = PointQuery::all().at_most(2);
    let found = west
        .client
        .points_in_time(&west.providers[0], &groups[..1], &newest)
        .await
        .unwrap();
    assert_eq!(found[0].number(), Some(2));
}
