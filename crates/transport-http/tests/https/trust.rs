//! Whose certificate is accepted, and what is said about one that is not.

use std::error::Error as _;
use std::io::Write as _;

use crate::server::{Conduct, Identity, READ, Server, call};
use farside_transport::{
    CallError, CallErrorKind, CertificateError, CertificateProblem, Effect, Transport as _,
};
use farside_transport_http::{BuildError, HttpTransport, Pin, Roots};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

fn certificate_error(error: &CallError) -> &CertificateError {
    assert_eq!(error.effect(), Effect::NotSent);
    match error.kind() {
        CallErrorKind::Certificate(refused) => refused,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_of_the_own_authority_is_accepted() {
    let server = Server::start(Conduct::Answer(OK)).await;
    assert!(server.send(call(&READ, 0)).await.is_ok());
}

#[tokio::test]
async fn the_right_pin_decides_alone() {
    // Expired, for another name, from an authority that nobody trusts.
    let identity = Identity::new("other.example", |leaf| {
        leaf.not_after = rcgen::date_time_ymd(2001, 1, 1)
    });
    let server = Server::start_as(identity, Conduct::Answer(OK)).await;
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

#[tokio::test]
async fn a_wrong_pin_shows_both_thumbprints_even_for_a_trusted_certificate() {
    let server = Server::start(Conduct::Answer(OK)).await;
    let wanted = Pin::new([0xAB; 32]);
    let http = server.trusting().pin(wanted).build().expect("a transport");
    let error = http.send(call(&READ, 0)).await.expect_err("wrong pin");
    assert_eq!(error.effect(), Effect::NotSent);
    let CallErrorKind::Pin(mismatch) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!((mismatch.wanted, mismatch.seen), (wanted, server.identity.pin()));
    let text = error.source().expect("the kind").to_string();
    assert!(
        text.contains(&wanted.to_string()) && text.contains(&server.identity.pin().to_string()),
        "{text}"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_wrong_name_and_a_date_that_does_not_fit_are_told_apart() {
    let table = [
        (
            Identity::new("other.example", |_| {}),
            CertificateProblem::WrongName,
        ),
        (
            Identity::new("localhost", |leaf| {
                leaf.not_after = rcgen::date_time_ymd(2001, 1, 1)
            }),
            CertificateProblem::Expired,
        ),
        (
            Identity::new("localhost", |leaf| {
                leaf.not_before = rcgen::date_time_ymd(4000, 1, 1)
            }),
            CertificateProblem::NotYetValid,
        ),
    ];
    for (identity, problem) in table {
        let server = Server::start_as(identity, Conduct::Answer(OK)).await;
        let error = server.send(call(&READ, 0)).await.expect_err("refused");
        let refused = certificate_error(&error);
        assert_eq!((refused.problem, refused.seen), (problem, server.identity.pin()));
        assert!(
            refused.to_string().contains(&server.identity.pin().to_string()),
            "{refused}"
        );
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn an_issuer_that_is_not_trusted_is_unknown_even_if_it_bears_a_trusted_name() {
    let server = Server::start(Conduct::Answer(OK)).await;
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
    let server = Server::start(Conduct::Answer(OK)).await;
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

#[tokio::test]
async fn any_certificate_is_accepted_only_under_the_dangerous_name() {
    let identity = Identity::new("other.example", |leaf| {
        leaf.not_after = rcgen::date_time_ymd(2001, 1, 1)
    });
    let server = Server::start_as(identity, Conduct::Answer(OK)).await;
    let http = HttpTransport::builder(&server.url())
        .danger_accept_any_certificate()
        .build()
        .expect("a transport");
    assert!(http.send(call(&READ, 0)).await.is_ok());
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let url = "https://vc.example";
    let both = HttpTransport::builder(url)
        .pin(Pin::new([1; 32]))
        .danger_accept_any_certificate()
        .build();
    assert!(matches!(both, Err(BuildError::Contradiction)));

    let missing = HttpTransport::builder(url)
        .roots(Roots::CaFile("/no/such/file".into()))
        .build();
    assert!(matches!(missing, Err(BuildError::CaFile { .. })));

    for content in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(content.as_bytes()).expect("written");
        let useless = HttpTransport::builder(url)
            .roots(Roots::CaFile(file.path().into()))
            .build();
        assert!(matches!(useless, Err(BuildError::CaFile { .. })), "{content:?}");
    }

    assert!(matches!(
        HttpTransport::builder("http://vc.example").build(),
        Err(BuildError::Url { .. })
    ));
}
