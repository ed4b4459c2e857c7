//! Pins from a file, and the look at a certificate that comes before a line in it.

use std::time::Duration;

use farside_transport::{CallErrorKind, Effect, Phase, Pin, Transport as _};
use farside_transport_http::{BuildError, HttpTransport, KnownHosts, LookError, UnlistedHost};

use crate::calls::{READ, call};
use crate::identity::Identity;
use crate::server::{Conduct, OK, Server};

/// The pin of some other certificate.
fn other() -> Pin {
    Pin::new([0xAB; 32])
}

fn listing(lines: &[String]) -> KnownHosts {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), lines.join("\n")).expect("written");
    KnownHosts::read(file.path()).expect("known hosts")
}

#[tokio::test]
async fn a_listed_host_must_show_a_listed_certificate() {
    // Nobody trusts its authority.
    let server = Server::start_as(Identity::misnamed(), Conduct::answer(OK)).await;
    let (port, right) = (server.port, server.identity.pin());
    let build = |lines: &[String]| {
        HttpTransport::builder(&server.url())
            .known_hosts(listing(lines), UnlistedHost::Refused)
            .build()
            .expect("a transport")
    };
    for lines in [
        vec![format!("localhost {right}")],
        vec![format!("LOCALHOST:{port} {right}")],
        vec![
            format!("localhost {}", other()),
            format!("localhost:{port} {right}"),
        ],
        vec![format!("localhost {}", other()), format!("localhost {right}")],
    ] {
        assert!(build(&lines).send(call(&READ, 0)).await.is_ok(), "{lines:?}");
    }
    for lines in [
        vec![format!("localhost {}", other())],
        vec![
            format!("localhost {right}"),
            format!("localhost:{port} {}", other()),
        ],
    ] {
        let error = build(&lines).send(call(&READ, 0)).await.expect_err("refused");
        let CallErrorKind::Pin(mismatch) = error.kind() else {
            panic!("{lines:?}: {error:?}")
        };
        assert_eq!((mismatch.wanted, mismatch.seen), (other(), right));
        assert_eq!(error.effect(), Effect::NotSent);
    }
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_listed_host_is_not_saved_by_its_authority() {
    let server = Server::start(Conduct::answer(OK)).await;
    let http = server
        .trusting()
        .known_hosts(
            listing(&[format!("localhost {}", other())]),
            UnlistedHost::VerifiedByRoots,
        )
        .build()
        .expect("a transport");
    let error = http.send(call(&READ, 0)).await.expect_err("refused");
    assert!(matches!(error.kind(), CallErrorKind::Pin(_)), "{error:?}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_verified_or_refused_as_told() {
    let server = Server::start(Conduct::answer(OK)).await;
    let hosts = listing(&[
        format!("elsewhere {}", other()),
        format!("localhost:1 {}", other()),
    ]);
    let verified = server
        .trusting()
        .known_hosts(hosts.clone(), UnlistedHost::VerifiedByRoots)
        .build()
        .expect("a transport");
    assert!(verified.send(call(&READ, 0)).await.is_ok());

    let refused = server
        .trusting()
        .known_hosts(hosts.clone(), UnlistedHost::Refused)
        .build()
        .expect_err("not listed");
    assert!(matches!(refused, BuildError::UnknownHost { .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(
        text.contains(&format!("localhost:{}", server.port))
            && text.contains(&*hosts.path().to_string_lossy()),
        "{text}"
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_look_shows_the_thumbprint_whatever_it_is_and_sends_no_request() {
    for identity in [Identity::localhost(), Identity::expired(), Identity::misnamed()] {
        let server = Server::start_as(identity, Conduct::answer(OK)).await;
        let seen = HttpTransport::builder(&server.url())
            .pin(other())
            .seen_thumbprint()
            .await
            .expect("a thumbprint");
        assert_eq!(seen, server.identity.pin());
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_look_at_a_host_that_shows_nothing_ends() {
    let server = Server::start(Conduct::Mute).await;
    let error = HttpTransport::builder(&server.url())
        .connect_timeout(Duration::from_millis(100))
        .seen_thumbprint()
        .await
        .expect_err("mute");
    assert!(
        matches!(
            error,
            LookError::Connection(CallErrorKind::Timeout {
                phase: Phase::Connect,
                ..
            })
        ),
        "{error:?}"
    );
    let error = HttpTransport::builder("http://vc.example")
        .seen_thumbprint()
        .await;
    assert!(matches!(error, Err(LookError::Build(BuildError::Url { .. }))));
}
