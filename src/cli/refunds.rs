//! `lienthong refunds`: money that goes back to a citizen, from the request to what the bank says.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, screen};
use crate::model::Vnd;
use serde_json::{Value, json};

pub(super) const ABOUT: &str = "\
Refunds (hoàn trả): money that goes back to a citizen. A request reserves its sum at once, so that two can never promise more than was \
paid. Where the payment platform has a route for refunds the gateway hands it over and finds out what became of it; where it has none \
(the national platform), hand the refund to the bank, then tell here how it ended. Every step needs a reference or a reason and stands \
in the audit with the operator's name.";

const EXAMPLES: &str = "\
Examples:
  lienthong refunds request 01K7ABCDEFGHJKMNPQRS --reason \"paid twice\"                     all that is left of it
  lienthong refunds request 01K7ABCDEFGHJKMNPQRS --amount 20000 --reason \"one wish too many\"
  lienthong refunds list --open                                                          what still has to be paid out
  lienthong refunds sent R3K7Q9X2MA --reference UNC-118                                  handed to the bank
  lienthong refunds done R3K7Q9X2MA --reference FT26329881                               paid out
  lienthong refunds refuse R3K7Q9X2MA --reason \"the account is closed\"                    the sum is free again
  lienthong refunds unknown R3K7Q9X2MA --reason \"the bank does not answer\"                the sum stays reserved

States: created, sent, unknown (still promised); done, refused (ended).";

/// Arguments of `refunds`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    gateway: remote::Reach,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List refunds, newest first.
    List {
        /// Only those that have not ended.
        #[arg(long, conflicts_with = "state")]
        open: bool,
        /// Only in this state.
        #[arg(long, value_parser = ["created", "sent", "done", "refused", "unknown"])]
        state: Option<String>,
        /// Only of this dossier.
        #[arg(long)]
        dossier: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Ask for a refund; its sum is reserved.
    Request {
        /// The transaction whose money goes back.
        transaction: String,
        /// Whole VND, digits only [default: all that is left].
        #[arg(long, value_parser = Vnd::parse)]
        amount: Option<Vnd>,
        /// Why, for the audit.
        #[arg(long)]
        reason: String,
    },
    /// It was handed to whoever pays it out.
    Sent {
        /// The refund.
        refund: String,
        /// Their reference.
        #[arg(long)]
        reference: Option<String>,
    },
    /// It was paid out.
    Done {
        /// The refund.
        refund: String,
        /// The bank's or the platform's reference.
        #[arg(long)]
        reference: String,
    },
    /// It was not paid out; its sum is free again.
    Refuse {
        /// The refund.
        refund: String,
        /// Why, for the audit.
        #[arg(long)]
        reason: String,
    },
    /// Nobody knows whether it was paid out; its sum stays reserved.
    Unknown {
        /// The refund.
        refund: String,
        /// Why, for the audit.
        #[arg(long)]
        reason: String,
    },
}

/// Runs it.
pub(super) async fn run(arguments: Arguments, json: bool) -> Result<(), Failed> {
    let gateway = Remote::new(&arguments.gateway)?;
    let (refund, word, body) = match arguments.what {
        What::List { open, state, dossier, limit } => {
            let mut query = format!("limit={limit}");
            for (name, value) in [("state", state), ("dossier", dossier)] {
                if let Some(value) = value {
                    query.push_str(&format!("&{name}={}", remote::segment(&value)));
                }
            }
            return list(&gateway.get(&format!("/v1/refunds?{query}")).await?, open, json);
        }
        What::Request { transaction, amount, reason } => {
            let body = json!({ "transaction": transaction, "amount": amount.map(Vnd::amount), "reason": reason });
            let made = gateway.post("/v1/refunds", &body).await?;
            let id = text(&made, "refund");
            let sum = screen::money(number(&made, "amount"));
            let next = if made.get("by_platform").and_then(Value::as_bool) == Some(true) {
                "it goes to the platform; `lienthong refunds list` says how it stands".to_owned()
            } else {
                format!("hand it to the bank, then `lienthong refunds sent {id}`")
            };
            told(&made, json, &format!("refund {id} over {sum} is asked for and reserved; {next}"));
            return Ok(());
        }
        What::Sent { refund, reference } => (refund, "sent", json!({ "reference": reference })),
        What::Done { refund, reference } => (refund, "done", json!({ "reference": reference })),
        What::Refuse { refund, reason } => (refund, "refuse", json!({ "reason": reason })),
        What::Unknown { refund, reason } => (refund, "unknown", json!({ "reason": reason })),
    };
    let answer = gateway.post(&format!("/v1/refunds/{}/{word}", remote::segment(&refund)), &body).await?;
    told(&answer, json, &format!("refund {refund} is {}", text(&answer, "state")));
    Ok(())
}

fn told(answer: &Value, json: bool, sentence: &str) {
    if json { screen::json(answer) } else { screen::line(sentence) }
}

fn list(answer: &Value, open: bool, json: bool) -> Result<(), Failed> {
    let promised = |r: &&Value| !open || ["created", "sent", "unknown"].contains(&text(r, "state").as_str());
    let all: Vec<&Value> = remote::list(answer, "refunds").iter().filter(promised).collect();
    if json {
        screen::json(&json!({ "refunds": all }));
        return Ok(());
    }
    if all.is_empty() {
        screen::line(if open { "no open refunds" } else { "no refunds" });
        return Ok(());
    }
    let row = |r: &&Value| -> Vec<String> {
        let at = time(r, "at").map_or_else(String::new, screen::when);
        vec![
            text(r, "refund"),
            text(r, "state"),
            screen::money(number(r, "amount")),
            text(r, "transaction"),
            text(r, "dossier"),
            at,
            text(r, "by"),
            text(r, "reference"),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    screen::out(&screen::table(&["refund", "state", "amount", "transaction", "dossier", "asked for", "by", "reference"], &rows));
    Ok(())
}
