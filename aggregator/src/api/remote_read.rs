//! `POST /api/v1/read`: remote read, for a Prometheus that asks us for samples.
//!
//! An answer of samples is one message, so its size is limited. An answer of chunks is streamed
//! series by series: what it takes in memory is the series at hand and what the client has not
//! taken yet, however long the answer is.

use std::{io, ops::Range};

use axum::{
    body::{Body, Bytes},
    extract,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use codec::{
    inflate::{Compression, compress, decompress},
    xor,
};
use futures_util::{StreamExt, stream};
use model::{
    columns::Columns,
    query::{Queryable, Selection, SeriesHandle, SeriesSet},
};
use tenancy::access::Scope;
use tokio::{runtime::Handle, sync::mpsc, time::Instant};
use tsdb::view::View;
use wire::remote_read::{
    self, CONTENT_TYPE_CHUNKS, CONTENT_TYPE_SAMPLES, Frames, Query, ReadRequest, ResponseType,
};

use super::{answer::ApiError, query::CancelOnDrop};
use crate::{auth::Caller, encoding::compression_of, state::State};

/// A request once decompressed.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Series of one query.
const SERIES_MAX: usize = 1_000_000;
/// An answer of samples before it is compressed; larger ones are streamed.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Frames are sent once there are so many bytes of them, and so many such pieces may wait for the
/// client.
const PIECE_BYTES: usize = 64 << 10;
const PIECES_MAX: usize = 4;

pub(crate) async fn read(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    // The protocol is always compressed so, whether the header says it or not.
    let compression = match headers.contains_key(header::CONTENT_ENCODING) {
        false => Some(Compression::Snappy),
        true => compression_of(&headers)?,
    };
    let deadline = Instant::now() + state.settings.query.timeout.0;
    let permit = tokio::time::timeout_at(deadline, state.query_permit(&access))
        .await
        .map_err(|_elapsed| ApiError::Timeout("timed out in the query queue".to_owned()))??;
    let samples_max = state.settings.query.samples_max;
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let until_dropped = CancelOnDrop::default();
    let stop = until_dropped.or_at(deadline);
    let view = state.view(&access).until(stop.clone());
    state.metrics.queries.inc();
    let reading = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let request = decode(compression, &body)?;
        drop(body);
        match request.response {
            ResponseType::Samples => answer(&view, &request, samples_max, &stop).map(Some),
            ResponseType::StreamedXorChunks => {
                Stream { sender, deadline, piece: Vec::new() }.run(&view, &request)?;
                Ok(None)
            }
        }
    });
    let ended = async move {
        let ended = reading.await.map_err(|error| ApiError::Internal(error.to_string()));
        ended.flatten().map_err(|error| match error {
            ApiError::Canceled(_) if deadline <= Instant::now() => late(),
            other => other,
        })
    };
    respond(receiver, ended, until_dropped).await
}

/// Waits for the first piece of a stream, or for the end: until then an error has a status.
async fn respond(
    mut pieces: mpsc::Receiver<Bytes>,
    ended: impl Future<Output = Result<Option<Vec<u8>>, ApiError>> + Send + 'static,
    until_dropped: CancelOnDrop,
) -> Result<Response, ApiError> {
    let Some(first) = pieces.recv().await else {
        return Ok(match ended.await? {
            Some(body) => {
                let encoding = Compression::Snappy.as_str();
                let headers = [
                    (header::CONTENT_TYPE, CONTENT_TYPE_SAMPLES),
                    (header::CONTENT_ENCODING, encoding),
                ];
                (headers, body).into_response()
            }
            None => ([(header::CONTENT_TYPE, CONTENT_TYPE_CHUNKS)], ()).into_response(),
        });
    };
    let rest = stream::poll_fn(move |context| pieces.poll_recv(context));
    // An error now can only be told by breaking the connection off, before the end of the body.
    let end = stream::once(ended).filter_map(|ended| {
        std::future::ready(ended.err().map(|error| {
            tracing::warn!(%error, "remote read broke off");
            Err(io::Error::other(error.to_string()))
        }))
    });
    let all = stream::iter([first]).chain(rest).map(Ok).chain(end);
    let all = all.inspect(move |_piece: &io::Result<Bytes>| {
        let _held_with_the_body = &until_dropped;
    });
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE_CHUNKS)], Body::from_stream(all)).into_response())
}

fn decode(compression: Option<Compression>, body: &[u8]) -> Result<ReadRequest, ApiError> {
    let mut plain = Vec::new();
    let message = match compression {
        None => body,
        Some(compression) => {
            decompress(compression, body, REQUEST_BYTES_MAX, &mut plain)
                .map_err(|error| ApiError::BadData(error.to_string()))?;
            &plain
        }
    };
    if message.len() > REQUEST_BYTES_MAX {
        let message = format!("the request exceeds {REQUEST_BYTES_MAX} bytes");
        return Err(ApiError::BadData(message));
    }
    remote_read::decode(message).map_err(|error| ApiError::BadData(error.to_string()))
}

fn select(view: &View, query: &Query) -> Result<SeriesSet, ApiError> {
    let (start, end) = (query.start, query.end);
    let hints = query.hints.clone();
    let found = view.select(&Selection { matchers: &query.matchers, start, end, hints })?;
    if found.len() > SERIES_MAX {
        return Err(ApiError::Execution(format!("more than {SERIES_MAX} series match")));
    }
    Ok(found)
}

/// Decodes a series and says which of its samples are asked for.
fn samples(
    query: &Query,
    series: &dyn SeriesHandle,
    columns: &mut Columns,
) -> Result<Range<usize>, ApiError> {
    columns.clear();
    series.decode(columns)?;
    let start = columns.times.partition_point(|time| *time < query.start.millis());
    Ok(start..columns.times.partition_point(|time| *time <= query.end.millis()))
}

/// The answer as one message, compressed.
fn answer(
    view: &View,
    request: &ReadRequest,
    samples_max: u64,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<u8>, ApiError> {
    let (mut out, mut columns, mut count) = (Vec::new(), Columns::default(), 0);
    for query in &request.queries {
        let found = select(view, query)?;
        remote_read::put_result(&mut out, |out| {
            for series in found {
                if stop() {
                    return Err(gone());
                }
                let range = samples(query, &*series, &mut columns)?;
                count += range.len() as u64;
                if count > samples_max {
                    return Err(ApiError::BadData(format!(
                        "exceeded sample limit ({samples_max})"
                    )));
                }
                if !range.is_empty() {
                    remote_read::put_series(out, series.labels(), &columns, range);
                }
                if out.len() > ANSWER_BYTES_MAX {
                    return Err(ApiError::BadData(format!(
                        "the answer exceeds {ANSWER_BYTES_MAX} bytes: ask for less, or accept \
                         STREAMED_XOR_CHUNKS"
                    )));
                }
            }
            Ok(())
        })?;
    }
    let mut body = Vec::new();
    compress(Compression::Snappy, &out, &mut body)
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(body)
}

/// Writes frames to the client, from a thread that may block.
struct Stream {
    sender: mpsc::Sender<Bytes>,
    deadline: Instant,
    piece: Vec<u8>,
}

impl Stream {
    fn run(mut self, view: &View, request: &ReadRequest) -> Result<(), ApiError> {
        let mut columns = Columns::default();
        for (number, query) in request.queries.iter().enumerate() {
            for series in select(view, query)? {
                let range = samples(query, &*series, &mut columns)?;
                let chunks = xor::chunks(&columns, range);
                let mut frames = Frames::new(number, series.labels(), chunks);
                while frames.put_next(&mut self.piece) {
                    if self.piece.len() >= PIECE_BYTES {
                        self.send()?;
                    }
                }
                if self.sender.is_closed() {
                    return Err(gone());
                }
                if self.deadline <= Instant::now() {
                    return Err(late());
                }
            }
        }
        if self.piece.is_empty() { Ok(()) } else { self.send() }
    }

    /// Waits for the client to take what was sent before, but not for ever.
    fn send(&mut self) -> Result<(), ApiError> {
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        let sending = tokio::time::timeout_at(self.deadline, self.sender.send(piece));
        match Handle::current().block_on(sending) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_closed)) => Err(gone()),
            Err(_elapsed) => Err(late()),
        }
    }
}

fn gone() -> ApiError {
    ApiError::Canceled("query was canceled".to_owned())
}

fn late() -> ApiError {
    ApiError::Timeout("query timed out in remote read".to_owned())
}
