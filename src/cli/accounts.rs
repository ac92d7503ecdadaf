//! `lienthong accounts`: whether the books add up, and the movements they are made of.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, screen};
use serde_json::Value;

pub(super) const ABOUT: &str = "\
The books: every movement of money with both its sides. `check` adds them up, per transaction and in total (what came in is what is held \
and what was refunded), and compares what independent rows say about the same money: movements, payments, refunds, receipts, dossiers. \
Exit code 0 only when all of it agrees.";

const EXAMPLES: &str = "\
Examples:
  lienthong accounts check                 do they add up? exit code 1 when not
  lienthong accounts check --json
  lienthong accounts movements --transaction 01K7ABCDEFGHJKMNPQRS

Accounts: citizen (outside), platform (held for a fee), overpaid (held for nothing that was owed), refund-reserved (promised back).";

/// Arguments of `accounts`.
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
    /// Add up everything; exit code 1 when something does not agree.
    Check,
    /// List movements, oldest first.
    Movements {
        /// Only of this transaction.
        #[arg(long)]
        transaction: Option<String>,
        /// Only those after this number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
}

/// Runs it.
pub(super) async fn run(arguments: Arguments, json: bool) -> Result<(), Failed> {
    let gateway = Remote::new(&arguments.gateway)?;
    match arguments.what {
        What::Check => check(&gateway.get("/v1/accounts").await?, json),
        What::Movements { transaction, after, limit } => {
            let mut query = format!("after={after}&limit={limit}");
            if let Some(transaction) = transaction {
                query.push_str(&format!("&transaction={}", remote::segment(&transaction)));
            }
            movements(&gateway.get(&format!("/v1/movements?{query}")).await?, json);
            Ok(())
        }
    }
}

fn check(books: &Value, json: bool) -> Result<(), Failed> {
    let faults = remote::list(books, "faults");
    if json {
        screen::json(books);
    } else {
        let row = |b: &Value| vec![text(b, "account"), screen::money(number(b, "credit")), screen::money(number(b, "debit"))];
        let rows: Vec<Vec<String>> = remote::list(books, "balances").iter().map(row).collect();
        screen::out(&screen::table(&["account", "came to it", "left it"], &rows));
        let sum = |name: &str| screen::money(number(books, name));
        screen::line(format!(
            "\n{} movements, {} payments: {} came in = {} held + {} refunded",
            number(books, "movements"),
            number(books, "payments"),
            sum("paid_in"),
            sum("held"),
            sum("refunded"),
        ));
        let shown = |f: &Value| vec![text(f, "what"), text(f, "transaction"), text(f, "text")];
        if !faults.is_empty() {
            screen::line("\nWhat does not agree:");
            screen::out(&screen::table(&["what", "transaction", "why"], &faults.iter().map(shown).collect::<Vec<_>>()));
        }
    }
    if books.get("in_order").and_then(Value::as_bool) == Some(true) {
        return Ok(());
    }
    Err(Failed::because(format!("the books do not add up: {} faults", number(books, "faults_found"))))
}

fn movements(answer: &Value, json: bool) {
    if json {
        return screen::json(answer);
    }
    let row = |m: &Value| -> Vec<String> {
        let at = time(m, "at").map_or_else(String::new, screen::when);
        let [n, transaction, debit, credit, kind, refund] =
            ["movement", "transaction", "debit", "credit", "kind", "refund"].map(|name| text(m, name));
        vec![n, at, transaction, debit, credit, screen::money(number(m, "amount")), kind, refund]
    };
    let rows: Vec<Vec<String>> = remote::list(answer, "movements").iter().map(row).collect();
    screen::out(&screen::table(&["n", "at", "transaction", "from", "to", "amount", "kind", "refund"], &rows));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_check_fails_for_any_fault_and_for_an_answer_it_does_not_understand() {
        let books = |in_order: bool, faults: Value| {
            json!({ "in_order": in_order, "movements": 1, "payments": 1, "paid_in": 5, "held": 5, "refunded": 0, "balances": [],
                "faults_found": u8::from(!in_order), "faults": faults })
        };
        let fault = json!([{ "what": "total", "transaction": null, "text": "5 is not 4" }]);
        for json in [true, false] {
            assert!(check(&books(true, json!([])), json).is_ok());
            let told = check(&books(false, fault.clone()), json).unwrap_err();
            assert!(told.text.contains("do not add up: 1 fault"), "{}", told.text);
            assert!(check(&json!({}), json).is_err());
        }
    }
}
