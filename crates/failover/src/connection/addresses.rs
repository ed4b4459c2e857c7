//! A vCenter that answers at one of several addresses: at which, depends on the node that is active.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use farside_transport::{Call, CallError, CallErrorKind, Clock, Deadline, Sent, Transport};
use http::Response;

/// Sends calls to the address that answered last, and to the others where nobody is reached there: no server has seen the
/// call then, so that it is sent once all the same.
#[derive(Debug)]
pub(super) struct AnyAddress {
    /// The first one, and the others: there is at least one.
    first: Arc<dyn Transport>,
    others: Vec<Arc<dyn Transport>>,
    current: AtomicUsize,
    clock: Arc<dyn Clock>,
}

impl AnyAddress {
    pub(super) fn new(
        first: Arc<dyn Transport>,
        others: impl IntoIterator<Item = Arc<dyn Transport>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            first,
            others: others.into_iter().collect(),
            current: AtomicUsize::new(0),
            clock,
        }
    }

    fn at(&self, number: usize) -> &dyn Transport {
        let other = number.checked_sub(1).and_then(|number| self.others.get(number));
        &**other.unwrap_or(&self.first)
    }
}

#[async_trait]
impl Transport for AnyAddress {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let deadline = Deadline::after(&*self.clock, call.time_limit());
        let current = self.current.load(Ordering::Relaxed);
        let mut outcome = self.at(current).send(call.clone()).await;
        for step in 1..=self.others.len() {
            let left = deadline.left(&*self.clock);
            if left.is_zero() || !outcome.as_ref().is_err_and(reached_nobody) {
                break;
            }
            let number = (current + step) % (self.others.len() + 1);
            let next = self.at(number).send(call.clone().with_deadline(left)).await;
            if next.as_ref().is_err_and(reached_nobody) {
                continue;
            }
            self.current.store(number, Ordering::Relaxed);
            outcome = next;
        }
        outcome
    }
}

/// Whether a call came to no server at all, whichever it would have been. What ends the handshake before it is one, as a host does
/// whose node is not active, is none either; a certificate that is not accepted is somebody's.
fn reached_nobody(error: &CallError) -> bool {
    matches!(
        error.kind(),
        CallErrorKind::Dns { .. }
            | CallErrorKind::Connect { .. }
            | CallErrorKind::Tls { .. }
            | CallErrorKind::Timeout {
                sent: Sent::Nothing,
                ..
            }
    )
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use farside_models_vcenter::operation::VCHA_CLUSTER_GET;
    use farside_transport::SystemClock;
    use http::Request;

    use super::*;

    /// Answers, refuses connections, or cuts them.
    #[derive(Debug)]
    struct Node {
        how: Mutex<How>,
        calls: AtomicUsize,
    }

    #[derive(Clone, Copy, Debug)]
    enum How {
        Answers,
        Absent,
        Cuts,
    }

    impl Node {
        fn new(how: How) -> Arc<Self> {
            Arc::new(Self {
                how: Mutex::new(how),
                calls: AtomicUsize::new(0),
            })
        }

        fn is(&self, how: How) {
            *self.how.lock().expect("how") = how;
        }

        fn calls(&self) -> usize {
            self.calls.swap(0, Ordering::Relaxed)
        }
    }

    #[async_trait]
    impl Transport for Node {
        async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let how = *self.how.lock().expect("how");
            match how {
                How::Answers => Ok(Response::new(Bytes::new())),
                How::Absent => Err(call.context().error(CallErrorKind::Connect {
                    endpoint: "vc-west".into(),
                    source: io::ErrorKind::ConnectionRefused.into(),
                })),
                How::Cuts => Err(call.context().error(CallErrorKind::Cut {
                    sent: Sent::Whole,
                    source: io::ErrorKind::ConnectionReset.into(),
                })),
            }
        }
    }

    async fn send(addresses: &AnyAddress) -> bool {
        let call = Call::new(&VCHA_CLUSTER_GET, "the cluster", Request::new(Bytes::new()));
        addresses.send(call).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_goes_to_the_address_that_answers_and_those_after_it_as_well() {
        let (one, two) = (Node::new(How::Absent), Node::new(How::Answers));
        let clock = Arc::new(SystemClock::new());
        let addresses = AnyAddress::new(one.clone(), [two.clone() as Arc<dyn Transport>], clock);
        assert!(send(&addresses).await);
        assert_eq!((one.calls(), two.calls()), (1, 1));
        assert!(send(&addresses).await);
        assert_eq!((one.calls(), two.calls()), (0, 1), "it is known where");
        one.is(How::Answers);
        two.is(How::Absent);
        assert!(send(&addresses).await);
        assert_eq!((one.calls(), two.calls()), (1, 1));
        one.is(How::Absent);
        assert!(!send(&addresses).await);
        assert_eq!((one.calls(), two.calls()), (1, 1), "each was tried once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_a_server_may_have_seen_goes_nowhere_else() {
        let (one, two) = (Node::new(How::Cuts), Node::new(How::Answers));
        let clock = Arc::new(SystemClock::new());
        let addresses = AnyAddress::new(one.clone(), [two.clone() as Arc<dyn Transport>], clock);
        assert!(!send(&addresses).await);
        assert_eq!((one.calls(), two.calls()), (1, 0));
    }
}
