//! Speed of the models beside derived serde structs. `cargo xtask bench models` makes the ratios.

mod encode;
mod inventory;
mod small;

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use farside_models_vim::{RetrieveResult, TaskInfo};
use farside_wire::Fault;

fn throughput(bytes: usize) -> Throughput {
    Throughput::Bytes(u64::try_from(bytes).expect("a length"))
}

fn decode_inventory(criterion: &mut Criterion) {
    let text = inventory::answer();
    let bytes = Bytes::from(text.clone());
    let kept: RetrieveResult = farside_wire::decode(bytes.clone()).expect("the answer can be read");
    let derived: inventory::derived::RetrieveResult =
        serde_json::from_str(&text).expect("the answer can be read");
    assert_eq!(inventory::checksum(&kept), inventory::derived::checksum(&derived));
    drop((kept, derived));
    let mut group = criterion.benchmark_group("inventory");
    group.throughput(throughput(text.len()));
    group.sample_size(20).measurement_time(Duration::from_secs(6));
    group.bench_function("kept", |bencher| {
        bencher.iter(|| farside_wire::decode::<RetrieveResult>(bytes.clone()));
    });
    group.bench_function("derived", |bencher| {
        bencher.iter(|| serde_json::from_slice::<inventory::derived::RetrieveResult>(&bytes));
    });
    group.bench_function("typed", |bencher| {
        bencher.iter(|| {
            let answer: RetrieveResult = farside_wire::decode(bytes.clone()).expect("the answer can be read");
            inventory::checksum(&answer)
        });
    });
    group.bench_function("derived-typed", |bencher| {
        bencher.iter(|| {
            let answer: inventory::derived::RetrieveResult =
                serde_json::from_slice(&bytes).expect("the answer can be read");
            inventory::derived::checksum(&answer)
        });
    });
    group.finish();
}

fn decode_small(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("small");
    let task = Bytes::from_static(small::TASK.as_bytes());
    let fault = Bytes::from_static(small::FAULT.as_bytes());
    group.bench_function("task-info", |bencher| {
        bencher.iter(|| farside_wire::decode::<TaskInfo>(black_box(task.clone())));
    });
    group.bench_function("task-info-derived", |bencher| {
        bencher.iter(|| serde_json::from_slice::<small::derived::TaskInfo>(black_box(&task)));
    });
    group.bench_function("fault", |bencher| {
        bencher.iter(|| {
            let fault: Fault = farside_wire::decode(black_box(fault.clone())).expect("a fault");
            (fault.type_name() == "TooMany").then_some(fault)
        });
    });
    group.bench_function("fault-derived", |bencher| {
        bencher.iter(|| serde_json::from_slice::<small::derived::Fault>(black_box(&fault)));
    });
    group.finish();
}

fn encode_request(criterion: &mut Criterion) {
    let request = encode::request();
    let derived = encode::derived::request();
    let text = serde_json::to_string(&request).expect("a request can be written");
    assert_eq!(
        text,
        serde_json::to_string(&derived).expect("a request can be written")
    );
    let mut group = criterion.benchmark_group("encode");
    group.throughput(throughput(text.len()));
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    group.bench_function("request", |bencher| bencher.iter(|| serde_json::to_vec(&request)));
    group.bench_function("request-derived", |bencher| {
        bencher.iter(|| serde_json::to_vec(&derived))
    });
    group.finish();
}

criterion_group!(models, decode_inventory, decode_small, encode_request);
criterion_main!(models);
