//! One kept HTTP/1.1 connection, by hand: one request at a time, answers with a Content-Length only. A client library would cost as much
//! as the proxy it is compared with.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest answer.
const LONGEST: usize = 1 << 20;

/// A connection, made when it is needed.
pub(super) struct Wire {
    to: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    /// Where the last answer's body begins.
    body: usize,
}

// === impl Wire ===

impl Wire {
    pub(super) fn new(to: SocketAddr) -> Self {
        Self { to, stream: None, buffer: Vec::new(), body: 0 }
    }

    /// The body of the last answer.
    pub(super) fn body(&self) -> &[u8] {
        self.buffer.get(self.body..).unwrap_or_default()
    }

    /// Sends a request and reads its answer; its status. After an error the next one makes a new connection.
    pub(super) async fn ask(&mut self, request: &[u8]) -> io::Result<u16> {
        let kept = self.stream.take();
        let mut stream = match kept {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.to).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        let (status, last) = self.answer(&mut stream).await?;
        if !last {
            self.stream = Some(stream);
        }
        Ok(status)
    }

    /// The status, and whether the other side ends the connection with it.
    async fn answer(&mut self, stream: &mut TcpStream) -> io::Result<(u16, bool)> {
        self.buffer.clear();
        let mut seen = 0;
        let head = loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let from = seen;
            if let Some(at) = self.buffer.get(from..).and_then(|new| new.windows(4).position(|w| w == b"\r\n\r\n")) {
                break from + at + 4;
            }
            seen = self.buffer.len().saturating_sub(3);
            if seen > LONGEST {
                return Err(io::ErrorKind::InvalidData.into());
            }
        };
        let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default()).to_ascii_lowercase();
        let field = |name: &str| text.split("\r\n").find_map(|line| line.strip_prefix(name)).map(str::trim);
        let status = text.get(9..12).and_then(|s| s.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let length: usize = field("content-length:").and_then(|n| n.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        self.body = head;
        while self.buffer.len() < head + length.min(LONGEST) {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok((status, field("connection:") == Some("close")))
    }
}
