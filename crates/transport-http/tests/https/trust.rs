//! Whose certificate is accepted, and what is said about one that is not.

use std::error::Error as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use farside_transport::{
    CallError, CallErrorKind, CertificateError, CertificateProblem, Effect, Transport as _,
};
use farside_transport_http::{BuildError, HttpTransport, KnownHosts, Pin, Roots, UnlistedHost};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::calls::{READ, call};
use crate::identity::Identity;
use crate::server::{Conduct, OK, Server};

fn certificate_error(error: &CallError) -> &CertificateError {
    assert_eq!(error.effect(), Effect::NotSent);
    match error.kind() {
        CallErrorKind::Certificate(refused) => refused,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_of_the_own_authority_is_accepted() {
    let server = Server::start(Conduct::answer(OK)).await;
    assert!(server.send(call(&READ, 0)).await.is_ok());
}

#[tokio::test]
async fn the_right_pin_decides_alone() {
    // Expired or for another name, from an authority that nobody trusts.
    for identity in [Identity::expired(), Identity::misnamed()] {
        let server = Server::start_as(identity, Conduct::answer(OK)).await;
        let printed = server.identity.pin().to_string();
        let pin: Pin = printed
            .to_lowercase()
            .replace(':', "")
            .replace("sha-256", "")
            .parse()
            .expect("a pin");
        let http = HttpTransport::builder(&server.url())
            .pin(pin)
            .build()
            .expect("a transport");
        assert!(http.send(call(&READ, 0)).await.is_ok());
    }
}

#[tokio::test]
async fn a_wrong_pin_shows_both_thumbprints_even_for_a_trusted_certificate() {
    let server = Server::start(Conduct::answer(OK)).await;
    let wanted = Pin::new([0xAB; 32]);
    let http = server.trusting().pin(wanted).build().expect("a transport");
    let error = http.send(call(&READ, 0)).await.expect_err("wrong pin");
    let text = error.source().expect("the kind").to_string();
    assert!(
        text.contains(&wanted.to_string()) && text.contains(&server.identity.pin().to_string()),
        "{text}"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_refused_certificate_shows_its_thumbprint() {
    for identity in [Identity::expired(), Identity::future(), Identity::misnamed()] {
        let server = Server::start_as(identity, Conduct::answer(OK)).await;
        let error = server.send(call(&READ, 0)).await.expect_err("refused");
        let refused = certificate_error(&error);
        assert_eq!(refused.seen, server.identity.pin());
        assert!(
            refused.to_string().contains(&server.identity.pin().to_string()),
            "{refused}"
        );
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn an_issuer_that_is_not_trusted_is_unknown_even_if_it_bears_a_trusted_name() {
    let server = Server::start(Conduct::answer(OK)).await;
    for trusted in ["Test authority", "Another authority"] {
        let file = Identity::issued_by(trusted, "localhost", |_| {}).ca_file();
        let http = HttpTransport::builder(&server.url())
            .roots(Roots::CaFile(file.path().into()))
            .build()
            .expect("a transport");
        let error = http.send(call(&READ, 0)).await.expect_err("refused");
        let refused = certificate_error(&error);
        assert_eq!(refused.problem, CertificateProblem::UnknownIssuer, "{refused:?}");
        assert_eq!(refused.seen, server.identity.pin());
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn the_systems_authorities_do_not_know_a_private_one() {
    let server = Server::start(Conduct::answer(OK)).await;
    match HttpTransport::builder(&server.url()).build() {
        Ok(http) => {
            let error = http.send(call(&READ, 0)).await.expect_err("refused");
            assert_eq!(
                certificate_error(&error).problem,
                CertificateProblem::UnknownIssuer
            );
        }
        // A system without authorities says so before anything is sent.
        Err(error) => assert!(matches!(error, BuildError::NoSystemRoots(_)), "{error:?}"),
    }
}

/// Counts warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }
    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _span: &Id, _values: &Record<'_>) {}
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn event(&self, event: &Event<'_>) {
        assert_eq!(event.metadata().target(), "farside_transport_http::connect");
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

/// Whether a place in the code speaks to anybody is found out when it is first come to. Another test, to which nobody listens,
/// may come there while this one begins to listen, and what it finds would stand.
async fn be_heard(count: &impl Fn() -> usize) {
    for _ in 0..100 {
        let server = Server::start_as(Identity::expired(), Conduct::answer(OK)).await;
        let http = HttpTransport::builder(&server.url())
            .danger_accept_any_certificate()
            .build()
            .expect("a transport");
        assert!(http.send(call(&READ, 0)).await.is_ok());
        if count() > 0 {
            return;
        }
        tracing::callsite::rebuild_interest_cache();
    }
    panic!("a hundred connections, and no warning");
}

#[tokio::test]
async fn any_certificate_is_accepted_only_under_the_dangerous_name_and_each_connection_is_warned_about() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let count = || warnings.0.load(Ordering::SeqCst);
    be_heard(&count).await;
    for identity in [Identity::expired(), Identity::misnamed()] {
        let before = count();
        let server = Server::start_as(identity, Conduct::answer(OK)).await;
        let http = HttpTransport::builder(&server.url())
            .danger_accept_any_certificate()
            .build()
            .expect("a transport");
        for calls in 1..=3 {
            assert!(http.send(call(&READ, 0)).await.is_ok());
            assert!(http.send(call(&READ, 0)).await.is_ok());
            assert_eq!(count() - before, calls, "one warning for each connection");
            http.reset_connections();
        }
    }
    let (before, server) = (count(), Server::start(Conduct::answer(OK)).await);
    assert!(server.send(call(&READ, 0)).await.is_ok());
    assert_eq!(count(), before, "a checked certificate is nothing to warn about");
}

#[test]
fn settings_that_exclude_each_other_are_refused() {
    let builder = || HttpTransport::builder("https://vc.example");
    let pin = Pin::new([1; 32]);
    let known = || {
        let hosts = KnownHosts::parse("", "hosts").expect("none");
        (hosts, UnlistedHost::VerifiedByRoots)
    };
    for contradiction in [
        builder().pin(pin).danger_accept_any_certificate(),
        builder().pin(pin).known_hosts(known().0, known().1),
        builder()
            .known_hosts(known().0, known().1)
            .danger_accept_any_certificate(),
    ] {
        let error = contradiction.build().expect_err("refused");
        assert!(matches!(error, BuildError::Contradiction(..)), "{error:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let with_file = |path: &std::path::Path| {
        HttpTransport::builder("https://vc.example")
            .roots(Roots::CaFile(path.into()))
            .build()
    };
    assert!(matches!(
        with_file("/no/such/file".as_ref()),
        Err(BuildError::CaFile { .. })
    ));
    for content in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(content.as_bytes()).expect("written");
        let useless = with_file(file.path());
        assert!(matches!(useless, Err(BuildError::CaFile { .. })), "{content:?}");
    }
    assert!(matches!(
        HttpTransport::builder("http://vc.example").build(),
        Err(BuildError::Url { .. })
    ));
}
