use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::clock::SystemClock;

const LIMIT: Duration = Duration::from_secs(5);

async fn read(source: &SecretSource) -> Result<Secret, SecretError> {
    source.read(&SystemClock::new(), LIMIT).await
}

fn file(content: &[u8], mode: u32) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(content).expect("written");
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(mode))
        .expect("mode");
    file
}

fn program(script: &str) -> SecretSource {
    SecretSource::Command(["sh", "-c", script].map(String::from).into())
}

#[tokio::test]
async fn a_file_loses_one_line_break_and_nothing_else() {
    for (content, secret) in [
        ("hunter2\n", "hunter2"),
        (" hunter2 \r\n", " hunter2 "),
        ("a\n\n", "a\n"),
        ("b", "b"),
    ] {
        let file = file(content.as_bytes(), 0o600);
        let read = read(&SecretSource::File(file.path().into()))
            .await
            .expect("readable");
        assert_eq!(read.expose(), secret);
    }
}

#[tokio::test]
async fn a_file_that_others_can_read_is_refused() {
    for mode in [0o640, 0o604, 0o620, 0o601] {
        let file = file(b"hunter2", mode);
        let error = read(&SecretSource::File(file.path().into()))
            .await
            .expect_err("exposed");
        assert!(matches!(error.kind(), SecretErrorKind::Exposed { mode: seen } if *seen == mode));
    }
}

#[tokio::test]
async fn what_is_no_password_is_refused_and_never_shown() {
    let directory = tempfile::tempdir().expect("a directory");
    let not_a_file = read(&SecretSource::File(directory.path().into()))
        .await
        .expect_err("a directory");
    assert!(matches!(not_a_file.kind(), SecretErrorKind::NotAFile));

    let long = "hunter2".repeat(10_000);
    type Expected = fn(&SecretErrorKind) -> bool;
    let table: [(&[u8], Expected); 3] = [
        (b"\n", |kind| matches!(kind, SecretErrorKind::Empty)),
        (b"hunter2\xff", |kind| matches!(kind, SecretErrorKind::NotText)),
        (long.as_bytes(), |kind| matches!(kind, SecretErrorKind::TooLong)),
    ];
    for (content, expected) in table {
        let file = file(content, 0o600);
        let error = read(&SecretSource::File(file.path().into()))
            .await
            .expect_err("no password");
        assert!(expected(error.kind()), "{error:?}");
        assert!(!format!("{error:?} {error} {}", error.kind()).contains("hunter2"));
    }
}

#[tokio::test]
async fn a_variable_that_is_not_set_is_named() {
    let error = read(&SecretSource::Env("FARSIDE_TEST_NO_SUCH_VARIABLE".into()))
        .await
        .expect_err("not set");
    assert_eq!(
        error.to_string(),
        "no secret from environment variable FARSIDE_TEST_NO_SUCH_VARIABLE"
    );
    assert!(matches!(error.kind(), SecretErrorKind::NotSet));
}

#[tokio::test]
async fn a_variable_is_read() {
    let path = std::env::var("PATH").expect("every test run has a PATH");
    assert_eq!(
        read(&SecretSource::Env("PATH".into()))
            .await
            .expect("set")
            .expose(),
        path
    );
}

#[tokio::test]
async fn a_program_gives_its_output() {
    assert_eq!(
        read(&program("echo hunter2")).await.expect("readable").expose(),
        "hunter2"
    );
}

#[tokio::test]
async fn a_program_that_fails_gives_nothing() {
    let error = read(&program("echo hunter2; exit 3")).await.expect_err("failed");
    assert!(matches!(error.kind(), SecretErrorKind::Failed(status) if status.code() == Some(3)));
    assert!(!format!("{error} {}", error.kind()).contains("hunter2"));
    let missing = SecretSource::Command(vec!["/no/such/program".into()]);
    assert!(matches!(
        read(&missing).await.expect_err("missing").kind(),
        SecretErrorKind::Io(_)
    ));
    let empty = SecretSource::Command(Vec::new());
    assert!(matches!(
        read(&empty).await.expect_err("empty").kind(),
        SecretErrorKind::NoProgram
    ));
}

#[tokio::test(start_paused = true)]
async fn a_program_that_hangs_is_given_up() {
    let error = read(&program("exec sleep 600")).await.expect_err("hangs");
    assert!(matches!(error.kind(), SecretErrorKind::TooSlow(LIMIT)));
}

#[tokio::test]
async fn the_arguments_of_a_program_are_not_shown() {
    assert_eq!(program("echo hunter2").to_string(), "command sh");
}

#[tokio::test]
async fn what_is_read_never_moves_so_that_no_copy_is_left_behind() {
    let room = buffer().capacity();
    let longest = "h".repeat(usize::try_from(LONGEST).expect("small"));
    let file = file(longest.as_bytes(), 0o600);
    let from_file = from_file(file.path()).expect("readable");
    assert_eq!((from_file.len(), from_file.capacity()), (longest.len(), room));
    let path = file.path().display().to_string();
    let from_command = from_command(&["cat".into(), path]).await.expect("readable");
    assert_eq!(
        (from_command.len(), from_command.capacity()),
        (longest.len(), room)
    );
}
