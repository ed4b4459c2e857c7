//! How much of a request has left this machine: the difference between "cannot have happened" and "unknown".

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use farside_transport::Sent;
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Counts the bytes that one connection's socket has taken since its current request began.
///
/// It counts below TLS, where the bytes are final. TLS only ever adds bytes, so a count below the size of the
/// plain request proves that a part of the request has not left. A count at or above that size proves nothing.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Written>);

#[derive(Debug, Default)]
struct Written {
    bytes: u64,
    request_bytes: u64,
    stopped: bool,
}

impl Progress {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request of at least `request_bytes` begins.
    pub(crate) fn begin(&self, request_bytes: u64) {
        let mut written = self.written();
        written.bytes = 0;
        written.request_bytes = request_bytes;
    }

    /// How much of the request has left so far.
    pub(crate) fn sent(&self) -> Sent {
        self.written().sent()
    }

    /// Lets no further byte leave, and says how much has. Without the stop a request that was given up as
    /// incomplete could still be completed by the connection's own task.
    pub(crate) fn stop(&self) -> Sent {
        let mut written = self.written();
        written.stopped = true;
        written.sent()
    }
}

impl Written {
    fn sent(&self) -> Sent {
        match self.bytes {
            0 => Sent::Nothing,
            bytes if bytes < self.request_bytes => Sent::Part,
            _ => Sent::Whole,
        }
    }
}

/// The least number of bytes that a request takes on the wire, before TLS.
pub(crate) fn request_bytes<B>(request: &Request<B>, body: &Bytes) -> u64 {
    let path = request
        .uri()
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    let line = request.method().as_str().len() + path + "  HTTP/1.1\r\n".len();
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum();
    (line + headers + "\r\n".len() + body.len()) as u64
}

/// A socket whose outgoing bytes are counted.
pub(crate) struct Counted<S> {
    inner: S,
    progress: Arc<Progress>,
}

impl<S> Counted<S> {
    pub(crate) fn new(inner: S, progress: Arc<Progress>) -> Self {
        Self { inner, progress }
    }
}

impl<S: Unpin> Counted<S> {
    fn poll_counted(
        self: Pin<&mut Self>,
        write: impl FnOnce(Pin<&mut S>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // Held across the write, so that nothing can leave between a stop and its answer.
        let mut written = this.progress.written();
        if written.stopped {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = ready!(write(Pin::new(&mut this.inner)))?;
        written.bytes = written.bytes.saturating_add(count as u64);
        Poll::Ready(Ok(count))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_counted(|inner| inner.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_counted(|inner| inner.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[test]
    fn a_request_counts_as_whole_only_from_its_own_size_on() {
        let progress = Progress::default();
        progress.begin(100);
        assert_eq!(progress.sent(), Sent::Nothing);
        progress.written().bytes = 99;
        assert_eq!(progress.sent(), Sent::Part);
        progress.written().bytes = 100;
        assert_eq!(progress.sent(), Sent::Whole);
        progress.begin(100);
        assert_eq!(progress.sent(), Sent::Nothing);
    }

    #[tokio::test]
    async fn nothing_leaves_after_a_stop() {
        let progress = Arc::new(Progress::default());
        let mut socket = Counted::new(Vec::new(), Arc::clone(&progress));
        progress.begin(8);
        socket.write_all(b"12").await.expect("counted");
        let pieces = [IoSlice::new(b"3"), IoSlice::new(b"4")];
        assert_eq!(socket.write_vectored(&pieces).await.expect("counted"), 2);
        assert_eq!(progress.stop(), Sent::Part);
        assert!(socket.write_all(b"5678").await.is_err());
        assert!(socket.write_vectored(&[IoSlice::new(b"90")]).await.is_err());
        assert_eq!(
            (socket.inner.as_slice(), progress.sent()),
            (b"1234".as_slice(), Sent::Part)
        );
    }

    #[test]
    fn the_size_of_a_request_is_that_of_its_text() {
        let body = Bytes::from_static(b"{}");
        let request = Request::post("/things/1?x=2")
            .header("host", "vc")
            .body(())
            .expect("a request");
        let text = "POST /things/1?x=2 HTTP/1.1\r\nhost: vc\r\n\r\n{}";
        assert_eq!(request_bytes(&request, &body), text.len() as u64);
    }
}
