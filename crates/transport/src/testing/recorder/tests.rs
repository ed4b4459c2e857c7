use std::time::Duration;

use farside_wire::Secret;
use http::Request;

use super::*;
use crate::clock::within;
use crate::error::CallErrorKind;
use crate::testing::operations::{LOG_IN, READ, WRITE, call};
use crate::testing::{Answer, NeverAnswers, PausedClock, Recording, ScriptedTransport};

fn with_body(operation: &'static Operation, body: &str) -> Call {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let request = Request::post("/things/1").body(body).unwrap();
    Call::new(operation, "thing 1", request)
}

#[tokio::test]
async fn an_exchange_is_one_line_of_json() {
    let server = ScriptedTransport::new().answer(&READ, Answer::json(200, r#"{ "id": "1", "size": 1.50 }"#));
    let recorder = Recorder::in_memory(Arc::new(server));
    recorder.send(call(&READ)).await.expect("an answer");
    assert_eq!(
        recorder.text(),
        concat!(
            r#"{"farside_recording":1}"#,
            "\n",
            r#"{"n":1,"operation":"readThing","target":"thing 1","request":{"method":"GET","path":"/things/1"},"#,
            r#""outcome":{"answer":{"status":200,"headers":[["content-type","application/json"]],"#,
            r#""body":{"json":{"id":"1","size":1.50}}}}}"#,
            "\n"
        )
    );
    assert_eq!(format!("{recorder:?}"), "record > ScriptedTransport");
    recorder.finish().expect("memory takes all");
}

#[tokio::test]
async fn what_is_remarked_of_a_call_stands_behind_what_it_was_about_whatever_became_of_it() {
    let server = ScriptedTransport::with(|call, nth| {
        let remark: &Remark = call
            .request
            .extensions()
            .get()
            .expect("who records wants to know");
        remark.say("nulls".to_owned());
        match nth {
            0 => Answer::json(200, "{}"),
            1 => Answer::json(404, r#"{"code":"NotFound"}"#),
            _ => Answer::fail(CallErrorKind::Closed),
        }
    });
    let recorder = Recorder::in_memory(Arc::new(server));
    for succeeds in [true, false, false] {
        assert_eq!(recorder.send(call(&READ)).await.is_ok(), succeeds);
    }
    let text = recorder.text();
    let remarked = text.matches(r#""target":"thing 1, odd: nulls""#).count();
    assert_eq!(remarked, 3, "{text}");
}

#[tokio::test]
async fn an_error_is_written_with_its_effect_and_passed_on() {
    let refusal = Answer::json(404, r#"{"code":"NotFound"}"#);
    let server = ScriptedTransport::new()
        .answer(&WRITE, refusal)
        .answer(&WRITE, Answer::fail(CallErrorKind::Closed));
    let recorder = Recorder::in_memory(Arc::new(server));
    for status in [Some(404), None] {
        let error = recorder.send(call(&WRITE)).await.expect_err("an error");
        assert_eq!(error.status().map(|status| status.as_u16()), status);
    }
    let text = recorder.text();
    assert!(
        text.contains(r#""error":{"effect":"refused","failure":{"status":{"status":404,"#),
        "{text}"
    );
    assert!(
        text.contains(r#""error":{"effect":"not_sent","failure":"closed"}"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_call_that_is_given_up_is_written_too_and_calls_are_numbered_as_they_are_made() {
    let recorder = Arc::new(Recorder::in_memory(Arc::new(NeverAnswers)));
    let clock = PausedClock::auto_advancing();
    let seconds = Duration::from_secs;
    let (one, two) = tokio::join!(
        within(&clock, seconds(9), recorder.send(call(&READ))),
        within(&clock, seconds(5), recorder.send(call(&WRITE))),
    );
    assert!(one.is_err() && two.is_err());
    let lines: Vec<String> = recorder.text().lines().map(str::to_owned).collect();
    assert!(
        lines[1].starts_with(r#"{"n":2,"operation":"startThing""#),
        "{lines:?}"
    );
    assert!(
        lines[2].starts_with(r#"{"n":1,"operation":"readThing""#),
        "{lines:?}"
    );
    assert!(lines[2].ends_with(r#""outcome":"dropped"}"#), "{lines:?}");
    let recording = Recording::parse("memory", &recorder.text()).expect("a recording");
    let order: Vec<&str> = recording
        .exchanges()
        .map(|exchange| exchange.operation.as_str())
        .collect();
    assert_eq!(order, ["readThing", "startThing"]);
}

#[tokio::test]
async fn a_secret_is_struck_out_wherever_else_it_turns_up() {
    let log_in = Answer::json(200, r#"{"motd":"hello","sessionKey":"k-4711-k"}"#)
        .with_header("x-vcav-auth", "t-0815-t");
    let echo = r#"{"code":"Bad","msg":"hunter22 of t-0815-t","args":["k-4711-k"],"hunter22":1,"secret":{"deep":["z-zz-z"]}}"#;
    let server = ScriptedTransport::new()
        .answer(&LOG_IN, log_in)
        .answer(&WRITE, Answer::json(400, echo))
        .answer(
            &READ,
            Answer::fail(CallErrorKind::ContentType {
                seen: "text/t-0815-t".into(),
            }),
        );
    let recorder = Recorder::in_memory(Arc::new(server));
    let login = with_body(
        &LOG_IN,
        r#"{"user":"root","password":"hunter22","note":"k-4711-k"}"#,
    );
    recorder.send(login).await.expect("logged in");
    let mut write = with_body(&WRITE, r#"{"session":"t-0815-t"}"#);
    write.target = "thing of t-0815-t".into();
    let _ = recorder.send(write).await;
    let request = Request::get("/things/k-4711-k?by=hunter%32%32")
        .body(Bytes::new())
        .unwrap();
    let _ = recorder.send(Call::new(&READ, "thing", request)).await;
    let text = recorder.text();
    for secret in ["hunter22", "hunter%32%32", "t-0815-t", "k-4711-k", "z-zz-z"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(text.contains(r#""motd":"hello""#), "{text}");
    assert!(
        text.contains(r#""path":"/things/~struck-out.sessionKey~?by=~struck-out.password~""#),
        "{text}"
    );
    assert_eq!(
        Recording::parse("memory", &text)
            .expect("a recording")
            .exchanges()
            .len(),
        3
    );
}

#[tokio::test]
async fn what_the_caller_names_is_struck_out_too() {
    let server = ScriptedTransport::with(|_, _| Answer::json(200, r#"{"pit":"2025","x":"sesame"}"#));
    let strike_out = StrikeOut::new().member("pit").value(&Secret::new("sesame"));
    let recorder = Recorder::in_memory(Arc::new(server)).strike_out(strike_out);
    recorder.send(call(&READ)).await.expect("an answer");
    let text = recorder.text();
    assert!(
        text.contains(r#"{"pit":"~struck-out.pit~","x":"~struck-out.value~"}"#),
        "{text}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.jsonl");
    let server = ScriptedTransport::with(|_, _| Answer::empty(204));
    let recorder = Recorder::to_file(Arc::new(server), &path).unwrap();
    recorder.send(call(&WRITE)).await.expect("an answer");
    recorder.finish().unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(Recording::read(&path).unwrap().exchanges().len(), 1);
    assert_eq!(recorder.text(), "");
}

#[tokio::test]
async fn a_full_disk_fails_no_call_and_is_told_at_the_end() {
    /// Takes the first line only.
    struct Full(bool);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let server = ScriptedTransport::with(|_, _| Answer::empty(204));
    let recorder = Recorder::to_writer(Arc::new(server), Full(false));
    recorder.send(call(&WRITE)).await.expect("an answer");
    let error = recorder.finish().expect_err("a full disk");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn each_client_of_a_test_records_into_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let server = ScriptedTransport::with(|_, _| Answer::empty(204));
        let recorder = record_below(Arc::new(server), folder.path());
        recorder.send(call(&WRITE)).await.expect("an answer");
    }
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| Recording::read(file.unwrap().path()).expect("a recording"))
        .collect();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|file| file.exchanges().len() == 1));
    for file in files {
        let test = file.test().expect("the test that made it");
        // A harness that runs one test at a time runs it on its main thread.
        let names = [
            "testing::recorder::tests::each_client_of_a_test_records_into_a_file_of_its_own",
            "main",
        ];
        assert!(names.contains(&test.name.as_str()), "{test:?}");
        assert_eq!(test.program, std::env::current_exe().unwrap());
        assert_eq!(test.folder, std::env::current_dir().unwrap());
    }
}
