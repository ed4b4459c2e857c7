//! What happens in the world, as a stream of server-sent events.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use crate::chronicle::Chronicle;
use crate::serve::body::Body;
use crate::simulator::Simulator;

/// How many events are sent at once.
const AT_ONCE: usize = 256;

/// How long a stream rests after each part, so that many events that come one by one are few parts.
const REST: Duration = Duration::from_millis(50);

/// How often something is sent although nothing happens, so that both ends notice when the other one is gone.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Where a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// With what happens from now on.
    Now,
    /// After the event of this number.
    After(u64),
}

impl Start {
    /// By the texts of `Last-Event-ID` and of the parameter `after`; the former is what a browser sends when it connects again.
    pub(super) fn read(last_event_id: Option<&str>, after: Option<&str>) -> Result<Self, String> {
        match last_event_id.or(after) {
            None => Ok(Self::Now),
            Some(text) => match text.parse() {
                Ok(id) => Ok(Self::After(id)),
                Err(_) => Err(format!("{text:?} is not the number of an event")),
            },
        }
    }
}

/// The stream, until its reader or the front is gone.
pub(super) fn stream(simulator: &Simulator, start: Start, mut stopped: watch::Receiver<bool>) -> Body {
    // A reader who does not take what is there is not waited for: what is left is in the chronicle, as far as that goes back.
    let (sender, receiver) = mpsc::channel(1);
    let simulator = simulator.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = feed(&simulator, start, &sender) => {}
            () = sender.closed() => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    });
    Body::Stream(receiver)
}

async fn feed(simulator: &Simulator, start: Start, sender: &mpsc::Sender<Bytes>) {
    let (mut part, mut last) = greeting(simulator.look().chronicle(), start);
    loop {
        let heard = simulator.stirs();
        part.push_str(&told(simulator.look().chronicle(), &mut last));
        if part.is_empty() {
            tokio::select! {
                () = simulator.stirred(heard) => continue,
                () = simulator.clock().sleep(SIGN_OF_LIFE) => part.push_str(":\n\n"),
            }
        }
        if sender.send(std::mem::take(&mut part).into()).await.is_err() {
            return;
        }
        simulator.clock().sleep(REST).await;
    }
}

/// The first words, and the number after which events are told.
fn greeting(chronicle: &Chronicle, start: Start) -> (String, u64) {
    let newest = chronicle.newest();
    let mut text = "retry: 1000\n\n".to_owned();
    let after = match start {
        Start::Now => newest,
        Start::After(id) if id <= newest => id,
        // The number is of another world.
        Start::After(_) => {
            text.push_str(&missed(newest, None));
            newest
        }
    };
    (text, after)
}

/// What has happened since the event of this number, which becomes that of the last one told.
fn told(chronicle: &Chronicle, last: &mut u64) -> String {
    let mut text = String::new();
    let (lost, entries) = chronicle.after(*last);
    if lost > 0 {
        *last += lost;
        text.push_str(&missed(*last, Some(lost)));
    }
    for entry in entries.take(AT_ONCE) {
        *last = entry.id;
        let data = serde_json::to_string(entry).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "id: {}\nevent: {}\ndata: {data}\n\n",
            entry.id,
            entry.what.kind()
        );
    }
    text
}

fn missed(id: u64, missed: Option<u64>) -> String {
    let data = serde_json::json!({"missed": missed});
    format!("id: {id}\nevent: missed\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chronicle::Happening;

    fn noted(count: u32) -> Chronicle {
        let mut chronicle = Chronicle::default();
        for id in 0..count {
            chronicle.note(
                7,
                Happening::Fault {
                    fault: id,
                    state: "added",
                },
            );
        }
        chronicle
    }

    #[test]
    fn an_event_has_a_number_a_kind_and_an_object_on_one_line() {
        let mut last = 1;
        assert_eq!(
            told(&noted(2), &mut last),
            "id: 2\nevent: fault\ndata: {\"id\":2,\"at_ms\":7,\"kind\":\"fault\",\"fault\":1,\"state\":\"added\"}\n\n"
        );
        assert_eq!((last, told(&noted(2), &mut last)), (2, String::new()));
    }

    #[test]
    fn a_slow_reader_is_told_how_many_events_are_lost_and_gets_the_rest_in_parts() {
        let chronicle = noted(5_000);
        let mut last = 1;
        let first = told(&chronicle, &mut last);
        assert!(
            first.starts_with("id: 904\nevent: missed\ndata: {\"missed\":903}\n\nid: 905\n"),
            "{first}"
        );
        assert_eq!(last, 904 + 256);
        let second = told(&chronicle, &mut last);
        assert!(second.starts_with("id: 1161\nevent: fault\n"), "{second}");
    }

    #[test]
    fn a_stream_begins_now_or_after_the_event_that_is_named() {
        let chronicle = noted(3);
        assert_eq!(greeting(&chronicle, Start::Now).1, 3);
        assert_eq!(
            greeting(&chronicle, Start::After(1)),
            ("retry: 1000\n\n".to_owned(), 1)
        );
        let (text, after) = greeting(&chronicle, Start::After(9));
        assert!(text.contains("event: missed\ndata: {\"missed\":null}"), "{text}");
        assert_eq!(after, 3);
        assert_eq!(Start::read(Some("7"), Some("1")), Ok(Start::After(7)));
        assert_eq!(Start::read(None, Some("1")), Ok(Start::After(1)));
        assert!(Start::read(Some("x"), None).is_err());
    }
}
