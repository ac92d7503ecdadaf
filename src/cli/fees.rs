//! `lienthong fees`: what a dossier owes where a person has to say it, and the receipts of what was paid.

use super::remote::{self, Remote, number, text, time};
use super::{Failed, screen};
use crate::model::Vnd;
use serde_json::{Value, json};

pub(super) const ABOUT: &str = "\
Fees (phí, lệ phí): settles what a dossier still has to pay where the catalogue and the authority do not agree, or where the catalogue \
leaves a choice; and shows the receipt data (biên lai) of what was paid. While a fee is undecided nothing is asked of the citizen.";

const EXAMPLES: &str = "\
Examples:
  lienthong fees decide H26.15-20260609-0000001 --figure ministry --reason \"they confirmed by letter 118\"
  lienthong fees decide H26.15-20260609-0000001 --amount 250000 --reason \"school in Viet Nam\"
  lienthong fees decide H26.15-20260609-0000001 --figure none --reason \"exempt, paper seen\"
  lienthong fees receipt H26.15-20260609-0000001

The figure is what is to be paid from now on: what was paid before is not in it. `lienthong cases list --kind fee-differs` (and \
fee-choice) shows what waits.";

/// Arguments of `fees`.
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
    /// Say what a dossier owes from now on.
    Decide {
        /// The dossier's code (mã hồ sơ).
        code: String,
        /// Whose figure counts.
        #[arg(long, value_parser = ["ministry", "catalogue", "none"], required_unless_present = "amount", conflicts_with = "amount")]
        figure: Option<String>,
        /// This sum: whole VND, digits only.
        #[arg(long, value_parser = Vnd::parse)]
        amount: Option<Vnd>,
        /// Why, for the audit.
        #[arg(long)]
        reason: String,
    },
    /// The receipts of a dossier.
    Receipt {
        /// The dossier's code (mã hồ sơ).
        code: String,
    },
}

/// Runs it.
pub(super) async fn run(arguments: Arguments, json: bool) -> Result<(), Failed> {
    let gateway = Remote::new(&arguments.gateway)?;
    match arguments.what {
        What::Decide { code, figure, amount, reason } => {
            let mut body = json!({ "reason": reason });
            if let Some(map) = body.as_object_mut() {
                map.extend(figure.map(|f| ("figure".to_owned(), f.into())));
                map.extend(amount.map(|a| ("amount".to_owned(), a.amount().into())));
            }
            let dossier = gateway.post(&format!("/v1/dossiers/{}/fee", remote::segment(&code)), &body).await?;
            if json {
                screen::json(&dossier);
            } else {
                let fee = dossier.get("fee").filter(|f| f.is_object());
                let owes = fee.map_or_else(
                    || "nothing".to_owned(),
                    |f| format!("{} ({})", screen::money(number(f, "amount")), text(f, "state")),
                );
                screen::line(format!("{code} owes {owes}; the portal is told"));
            }
        }
        What::Receipt { code } => {
            let answer = gateway.get(&format!("/v1/dossiers/{}/receipt", remote::segment(&code))).await?;
            if json {
                screen::json(&answer);
            } else {
                remote::list(&answer, "receipts").iter().for_each(receipt);
            }
        }
    }
    Ok(())
}

fn receipt(receipt: &Value) {
    let of = |name: &str, field: &str| receipt.get(name).map_or_else(String::new, |v| text(v, field));
    let amount = format!("{} ({})", screen::money(number(receipt, "amount")), text(receipt, "amount_in_words"));
    let paid = time(receipt, "paid_at").map_or_else(String::new, screen::when);
    for (name, value) in [
        ("receipt", text(receipt, "number")),
        ("payer", text(receipt, "payer")),
        ("amount", amount),
        ("for", of("fee", "name")),
        ("procedure", format!("{} {}", of("procedure", "code"), of("procedure", "name"))),
        ("agency", format!("{} {}", of("agency", "code"), of("agency", "name"))),
        ("beneficiary", format!("{} {}", of("beneficiary", "account"), of("beneficiary", "name"))),
        ("transaction", format!("{} {}", text(receipt, "transaction"), text(receipt, "platform_transaction"))),
        ("paid", paid),
    ] {
        screen::line(format!("{name:<11} {}", value.trim()));
    }
    screen::line("");
}
