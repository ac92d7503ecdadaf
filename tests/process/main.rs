//! The whole thing as an operator runs it: the real program in processes of its own, on loopback and a real disk.
//!
//! Always: each test stands for a promise of the README; each can fail (what it asserts about its own conditions is asserted too); each
//! is bounded in time. Not here: the rules of single rooms (their own tests), speed.
//!
//! | file | promise |
//! |---|---|
//! | `demo` | the main job, end to end, and its exit code when something is missing |
//! | `kill` | `kill -9` under load loses nothing and repeats nothing |
//! | `disk` | a 2xx means it is on disk, seen from outside by strace |
//! | `full` | the disk is really full, or takes no more by a quota from outside: refused cleanly, nothing lost, and on again |
//! | `stop` | a stop ends within its bound though a partner hangs; nothing is repeated blind |
//! | `callers` | who may call, in force by SIGHUP; a wrong file changes nothing, nobody's limits begin afresh |
//! | `forecast` | when a filled queue is drained, and what if it were fed faster |
//! | `order` | statuses in any order, each twice |
//! | `outage` | the Ministry is down longer than the retry schedule |
//! | `release` | what one cause kept is released together, by commands, and stands in the audit |
//! | `reload` | other adapters in force by one swap; a wrong set changes nothing |
//! | `retention` | killed while it runs, retention takes what ended and nothing of what is open |
//! | `large` | a result of 20 MB costs the memory of a small one; thirty large ones at once are all taken |
//! | `fee` | a fee is paid once, whatever the platform's answers and notices do |
//! | `strangers` | other people's software understands us: zeep, standardwebhooks |
//! | `torture` | a short torture is green, and with each planted fault red |
//! | `silence` | no secret and no personal datum in logs, metrics, reasons, refusals |
//! | `carried` | portal → canonical → Ministry → canonical loses nothing |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test: what is not as expected fails it, and it waits by the wall"
)]

mod callers;
mod carried;
mod demo;
mod disk;
mod dossiers;
mod fee;
mod forecast;
mod full;
mod kill;
mod large;
mod order;
mod outage;
mod release;
mod reload;
mod retention;
mod silence;
mod stop;
mod strangers;
mod torture;
mod world;
