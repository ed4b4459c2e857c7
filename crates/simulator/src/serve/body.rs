//! Bodies of answers: whole ones, ones that are cut, and streams of events.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

/// The connection is closed without an answer, or in the middle of one.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without a whole answer")]
pub(super) struct Closed;

/// The body of an answer.
pub(super) enum Body {
    /// All of it.
    Whole(Option<Bytes>),
    /// The first bytes of a body that is said to be `length` long; the connection is closed then.
    Part {
        first: Option<Bytes>,
        length: u64,
        /// Whether the first bytes were left to the connection to be written.
        handed_over: bool,
        /// Closes the connection, where it is shared with other calls; an error would end this one alone, and throw away
        /// what is not written yet.
        closes: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    },
    /// What comes, as it comes, until the other end of the channel is gone.
    Stream(mpsc::Receiver<Bytes>),
}

impl Body {
    /// A body that ends after so many bytes, in spite of what it says of its length; `closes` closes a connection that is shared.
    pub(super) fn part(
        whole: &Bytes,
        bytes: usize,
        closes: Option<impl Future<Output = ()> + Send + 'static>,
    ) -> Self {
        let first = whole.slice(..bytes.min(whole.len()));
        Self::Part {
            first: Some(first).filter(|first| !first.is_empty()),
            length: u64::try_from(whole.len()).unwrap_or(u64::MAX),
            handed_over: false,
            closes: closes.map(|closes| Box::pin(closes) as _),
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        match self.get_mut() {
            Self::Whole(data) => Poll::Ready(data.take().map(|data| Ok(Frame::data(data)))),
            Self::Part {
                first,
                handed_over,
                closes,
                ..
            } => {
                if let Some(first) = first.take() {
                    return Poll::Ready(Some(Ok(Frame::data(first))));
                }
                if let Some(closes) = closes {
                    std::task::ready!(closes.as_mut().poll(context));
                    return Poll::Ready(Some(Err(Closed)));
                }
                if std::mem::replace(handed_over, true) {
                    return Poll::Ready(Some(Err(Closed)));
                }
                // A connection writes what it holds when nothing more is there, and an error would throw it away.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Stream(receiver) => receiver
                .poll_recv(context)
                .map(|data| data.map(|data| Ok(Frame::data(data)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(data) => SizeHint::with_exact(
                data.as_ref()
                    .map_or(0, |data| u64::try_from(data.len()).unwrap_or(0)),
            ),
            Self::Part { length, .. } => SizeHint::with_exact(*length),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
