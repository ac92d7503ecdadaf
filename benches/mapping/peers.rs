//! Parsers of other languages: a process each, fed `FILE TIMES` lines, answering the nanoseconds it took.

use super::documents::Document;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) struct Peer {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    file: std::path::PathBuf,
}

impl Peer {
    /// Starts `command` (words by blanks) for one document, which is put into a file for it.
    pub(crate) fn start(command: &str, document: &Document) -> Self {
        let mut words = command.split(' ');
        let mut child =
            Command::new(words.next().unwrap()).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let file = std::env::temp_dir().join(format!("lienthong-bench-{}.xml", child.id()));
        std::fs::write(&file, &document.bytes).unwrap();
        let (to, from) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, to, from, file }
    }

    pub(crate) fn run(&mut self, times: u32) -> f64 {
        let mut to = self.to.as_ref().unwrap();
        writeln!(to, "{} {times}", self.file.display()).unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.to = None;
        self.child.wait().unwrap();
        std::fs::remove_file(&self.file).unwrap();
    }
}
