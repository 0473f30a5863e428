//! Recordings as one stream of requests, in the order of their arrival.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::clock::{CONFIRMATIONS, ReplayClock};
use crate::otlp_file::{self, BadMessage, Emitted, Holds, Message, Messages};

/// How far the reader looks ahead: requests, their bytes, and the emitters in them. Two requests always, whatever their size.
const AHEAD: usize = 64;
const AHEAD_BYTES: usize = 8 << 20;
const AHEAD_EMITTERS: usize = 4096;

/// How many files whose time has not come are kept open; of more, such as a month of rotated files, only the times are kept.
const KEPT_OPEN: usize = 16;

/// A request of a recording, and when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Arrival time, Unix nanoseconds; never before that of the request before it.
    pub at: u64,
    /// The serialized message.
    pub bytes: Vec<u8>,
}

/// Messages of one recording, each with its arrival time.
pub struct Timed<I> {
    messages: I,
    clock: ReplayClock,
    ahead: VecDeque<Message>,
    bytes: usize,
    emitters: usize,
}

impl<I: Iterator<Item = Message>> Timed<I> {
    /// The messages must be in the order in which they were recorded.
    pub fn new(messages: I) -> Self {
        Self { messages, clock: ReplayClock::default(), ahead: VecDeque::new(), bytes: 0, emitters: 0 }
    }

    fn look_ahead(&mut self) {
        while self.ahead.len() <= CONFIRMATIONS || (self.ahead.len() < AHEAD && self.bytes < AHEAD_BYTES && self.emitters < AHEAD_EMITTERS)
        {
            let Some(message) = self.messages.next() else { return };
            self.bytes += message.bytes.len();
            self.emitters += message.emitted.len();
            self.ahead.push_back(message);
        }
    }
}

impl<I: Iterator<Item = Message>> Iterator for Timed<I> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        self.look_ahead();
        let said: Vec<&[Emitted]> = self.ahead.iter().map(|message| message.emitted.as_slice()).collect();
        let at = self.clock.advance(&said);
        let message = self.ahead.pop_front()?;
        self.bytes -= message.bytes.len();
        self.emitters -= message.emitted.len();
        Some(Request { at, bytes: message.bytes })
    }
}

/// What is read of recordings.
#[derive(Debug)]
pub enum Read {
    /// A request with traces.
    Request(Request),
    /// So many messages of other signals, or that hold nothing.
    WithoutTraces(u64),
    /// A message of this file that cannot be read.
    Bad(PathBuf, BadMessage),
    /// A file in which no message could be read.
    Unread(PathBuf),
}

/// Several recordings merged by time, each in its own order. A file is open while its time lasts.
pub struct Recordings {
    /// Files whose time has not come, the next one last.
    waiting: Vec<Waiting>,
    open: Vec<Source>,
    /// What was read and has no time.
    aside: VecDeque<Read>,
}

/// A recording whose time has not come.
struct Waiting {
    /// The arrival time of its first request; 0 where it has none.
    at: u64,
    path: PathBuf,
    source: Option<Source>,
}

/// An open recording and its next request.
struct Source {
    path: PathBuf,
    requests: Timed<WithTraces>,
    next: Option<Request>,
}

impl Source {
    fn open(path: &Path) -> std::io::Result<Self> {
        let messages = otlp_file::open(path)?;
        let mut requests = Timed::new(WithTraces { messages, bad: Vec::new(), without: 0, any: false, any_bad: false });
        let next = requests.next();
        Ok(Self { path: path.to_owned(), requests, next })
    }
}

/// The messages with traces of a file; the others are put aside.
struct WithTraces {
    messages: Messages,
    bad: Vec<BadMessage>,
    without: u64,
    /// Whether a message with traces was read, and whether one could not be read.
    any: bool,
    any_bad: bool,
}

impl Iterator for WithTraces {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        loop {
            match self.messages.next()? {
                Ok(message) if message.holds == Holds::Traces => {
                    self.any = true;
                    return Some(message);
                }
                Ok(_) => self.without += 1,
                Err(bad) => {
                    self.any_bad = true;
                    self.bad.push(bad);
                }
            }
        }
    }
}

impl Recordings {
    /// Opens every file once: a misspelt name should not cost the time of the others.
    ///
    /// # Errors
    /// The file that cannot be read, and why.
    pub fn open(paths: &[PathBuf]) -> Result<Self, (PathBuf, std::io::Error)> {
        let mut waiting = Vec::new();
        for path in paths {
            let source = Source::open(path).map_err(|error| (path.clone(), error))?;
            // A file without a time gives no requests, but what is wrong with it is told.
            let at = source.next.as_ref().map_or(0, |request| request.at);
            let source = (waiting.len() < KEPT_OPEN).then_some(source);
            waiting.push(Waiting { at, path: path.clone(), source });
        }
        // Of files that begin together the first named is read first.
        waiting.reverse();
        waiting.sort_by_key(|file| std::cmp::Reverse(file.at));
        Ok(Self { waiting, open: Vec::new(), aside: VecDeque::new() })
    }

    /// The arrival time of the first request; 0 where there is none.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.waiting.iter().map(|file| file.at).filter(|at| *at > 0).min().unwrap_or(0)
    }

    /// Takes from a file what has no time, and closes it at its end.
    fn set_aside(&mut self, at: usize) {
        let Some(source) = self.open.get_mut(at) else { return };
        let read = &mut source.requests.messages;
        self.aside.extend(read.bad.drain(..).map(|bad| Read::Bad(source.path.clone(), bad)));
        if read.without > 0 {
            self.aside.push_back(Read::WithoutTraces(std::mem::take(&mut read.without)));
        }
        if source.next.is_none() {
            if read.any_bad && !read.any {
                self.aside.push_back(Read::Unread(source.path.clone()));
            }
            self.open.remove(at);
        }
    }
}

/// An error ends nothing: it is of a file that could be read before and cannot any more.
impl Iterator for Recordings {
    type Item = Result<Read, (PathBuf, std::io::Error)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(read) = self.aside.pop_front() {
                return Some(Ok(read));
            }
            let now = self.open.iter().filter_map(|source| Some(source.next.as_ref()?.at)).min();
            if let Some(file) = self.waiting.pop_if(|file| now.is_none_or(|now| file.at <= now)) {
                match file.source.map_or_else(|| Source::open(&file.path), Ok) {
                    Ok(source) => self.open.push(source),
                    Err(error) => return Some(Err((file.path, error))),
                }
                self.set_aside(self.open.len() - 1);
                continue;
            }
            let at = (0..self.open.len()).min_by_key(|at| self.open.get(*at).and_then(|source| Some(source.next.as_ref()?.at)))?;
            let source = self.open.get_mut(at)?;
            let request = source.next.take()?;
            source.next = source.requests.next();
            self.set_aside(at);
            return Some(Ok(Read::Request(request)));
        }
    }
}
