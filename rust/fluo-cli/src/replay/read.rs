//! Reads recordings, and keeps count of what is in them.

use std::path::{Path, PathBuf};

use fluo_testkit::otlp_file::BadMessage;
use fluo_testkit::replay::{Read, Recordings, Request};

use crate::exit::Failure;

/// What was read.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// Messages handed to the engine.
    pub(crate) messages: u64,
    /// Messages of other signals, and those that hold nothing.
    pub(crate) without_traces: u64,
    /// Messages that could not be read.
    pub(crate) bad: u64,
    /// A file in which no message could be read.
    pub(crate) unread: Option<PathBuf>,
}

/// The requests of several recordings in the order of their arrival.
pub(crate) struct Requests<'a> {
    recordings: Recordings,
    complain: &'a mut dyn FnMut(&Path, &BadMessage),
    tally: Tally,
}

impl<'a> Requests<'a> {
    /// `complain` gets each message that cannot be read.
    pub(crate) fn open(paths: &[PathBuf], complain: &'a mut dyn FnMut(&Path, &BadMessage)) -> Result<Self, Failure> {
        let recordings = Recordings::open(paths).map_err(|(path, error)| Failure::at(&path, error))?;
        Ok(Self { recordings, complain, tally: Tally::default() })
    }

    /// The arrival time of the first request; 0 where there is none.
    pub(crate) fn start(&self) -> u64 {
        self.recordings.start()
    }

    pub(crate) fn into_tally(self) -> Tally {
        self.tally
    }
}

impl Iterator for Requests<'_> {
    type Item = Result<Request, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.recordings.next()? {
                Ok(Read::Request(request)) => {
                    self.tally.messages += 1;
                    return Some(Ok(request));
                }
                Ok(Read::WithoutTraces(messages)) => self.tally.without_traces += messages,
                Ok(Read::Bad(path, bad)) => {
                    self.tally.bad += 1;
                    (self.complain)(&path, &bad);
                }
                Ok(Read::Unread(path)) => {
                    self.tally.unread.get_or_insert(path);
                }
                Err((path, error)) => return Some(Err(Failure::at(&path, error))),
            }
        }
    }
}
