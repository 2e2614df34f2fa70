//! Bodies on their way through, counted.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    entry::{Account, Failure},
    table::Instance,
    upstream::Sender,
};

/// A request's body.
pub(super) struct RequestBody {
    inner: Incoming,
    bytes: Arc<AtomicU64>,
}

impl RequestBody {
    /// Adds what passes to `bytes`.
    pub(super) fn new(inner: Incoming, bytes: Arc<AtomicU64>) -> Self {
        Self { inner, bytes }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            self.bytes.fetch_add(data_length(frame), Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn data_length(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, |data| data.len() as u64)
}

/// Where a response's body comes from.
enum Source {
    /// The proxy's own words.
    Own(Full<Bytes>),
    /// An instance, with the connection that is kept when all has been read.
    Instance {
        inner: Incoming,
        sender: Option<Sender>,
        instance: Arc<Instance>,
        late: Pin<Box<Sleep>>,
    },
}

/// A response's body. The request is reported when it is dropped.
pub(super) struct ResponseBody {
    source: Source,
    account: Option<Account>,
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseBody")
    }
}

impl ResponseBody {
    pub(super) fn own(text: &'static str, account: Option<Account>) -> Self {
        Self { source: Source::Own(Full::new(Bytes::from_static(text.as_bytes()))), account }
    }

    pub(super) fn from_instance(
        inner: Incoming,
        sender: Sender,
        instance: Arc<Instance>,
        account: Account,
        deadline: Instant,
    ) -> Self {
        let late = Box::pin(sleep_until(deadline));
        let source = Source::Instance { inner, sender: Some(sender), instance, late };
        Self { source, account: Some(account) }
    }

    fn count(&mut self, frame: Option<&Frame<Bytes>>) {
        let Some(account) = &mut self.account else { return };
        match frame {
            Some(frame) => account.entry.bytes_out += data_length(frame),
            None => account.complete = true,
        }
    }

    fn broke(&mut self, failure: Failure) {
        if let Some(account) = &mut self.account {
            account.entry.failure = Some(failure);
        }
    }

    fn poll_source(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut self.source {
            Source::Own(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Source::Instance { inner, late, .. } => {
                if let Poll::Ready(frame) = Pin::new(inner).poll_frame(context) {
                    return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
                }
                late.as_mut().poll(context).map(|()| Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let frame = ready!(self.poll_source(context));
        match &frame {
            None => self.count(None),
            Some(Ok(frame)) => self.count(Some(frame)),
            Some(Err(error)) if error.kind() == io::ErrorKind::TimedOut => {
                self.broke(Failure::Timeout);
            }
            Some(Err(_)) => self.broke(Failure::Reset),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own(body) => body.is_end_stream(),
            Source::Instance { inner, .. } => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(body) => body.size_hint(),
            Source::Instance { inner, .. } => inner.size_hint(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // The server stops asking once it knows that the end is reached.
        let complete = self.is_end_stream() || self.account.as_ref().is_some_and(|a| a.complete);
        if let Some(account) = &mut self.account {
            account.complete = complete;
        }
        if let Source::Instance { sender, instance, .. } = &mut self.source
            && let Some(sender) = sender.take()
            && complete
        {
            instance.pool.put(sender);
        }
    }
}
