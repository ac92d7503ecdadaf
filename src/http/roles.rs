//! Who may do what: the one table of roles and routes. Default deny: an operation without a row, or a caller without a role of
//! its row, gets nothing.
//!
//! Ownership (is this dossier, this file the caller's?) is a second question, asked by the handler; the table only says who may ask.

use crate::config::{Caller, Role};

/// What can be asked of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// A route of a portal's partner file.
    PortalDoor,
    /// A route of a ministry's partner file.
    MinistryDoor,
    /// A route of a payment platform's partner file.
    PaymentDoor,
    /// A dossier's state.
    DossierShow,
    /// A dossier's timeline.
    DossierTimeline,
    /// Events after a sequence number.
    EventsList,
    /// Hands in files.
    FileAdd,
    /// Fetches a file.
    FileGet,
    /// Lists deliveries.
    DeliveriesList,
    /// One delivery with its history.
    DeliveryShow,
    /// Which line of which file gives which field of a delivery.
    DeliveryExplain,
    /// What another set of adapters would write otherwise for the deliveries of a time.
    AdaptersCompare,
    /// A parked or unknown delivery gets a verdict.
    DeliveryRelease,
    /// A delivery is closed without being delivered.
    DeliveryClose,
    /// Lists partners with their queues.
    PartnersList,
    /// When the partners' queues are drained.
    ForecastShow,
    /// Nothing is sent to a partner until it is resumed.
    PartnerPause,
    /// Ends a pause.
    PartnerResume,
    /// Matters for a person.
    CasesList,
    /// One case with its history.
    CaseShow,
    /// Something is noted on a case.
    CaseNote,
    /// A case is closed with a reason.
    CaseClose,
    /// A case is decided, with what that causes.
    CaseDecide,
    /// Which adapters are in force.
    AdaptersShow,
    /// Puts others in force.
    AdaptersReload,
    /// The receipts of a dossier; they hold the payer's name.
    ReceiptShow,
    /// Settles what a dossier owes.
    FeeDecide,
    /// Lists refunds.
    RefundsList,
    /// Asks for a refund.
    RefundRequest,
    /// Tells what became of a refund.
    RefundSettle,
    /// Movements of money, and whether the books add up.
    AccountsShow,
    /// A payment platform's statement is handed in.
    StatementAdd,
    /// Looks up statements, their lines and the lists beside them.
    StatementsList,
    /// What is removed by retention: the terms, the last run, what is due.
    RetentionShow,
    /// Begins a run of retention.
    RetentionRun,
    /// Reads the metrics.
    MetricsRead,
}

/// The table: operation, its word (also the name under which it is limited and counted), who may.
pub const TABLE: [(Operation, &str, &[Role]); 36] = {
    use Operation as O;
    use Role::{Auditor, Metrics, Ministry, Operator, Payment, Portal};
    [
        (O::PortalDoor, "door", &[Portal]),
        (O::MinistryDoor, "door", &[Ministry]),
        (O::PaymentDoor, "door", &[Payment]),
        (O::DossierShow, "dossier.show", &[Portal, Ministry, Operator, Auditor]),
        (O::DossierTimeline, "dossier.timeline", &[Portal, Ministry, Operator, Auditor]),
        (O::EventsList, "events.list", &[Portal, Operator, Auditor]),
        (O::FileAdd, "file.add", &[Portal]),
        (O::FileGet, "file.get", &[Portal, Ministry, Operator]),
        (O::DeliveriesList, "deliveries.list", &[Operator, Auditor]),
        (O::DeliveryShow, "delivery.show", &[Operator, Auditor]),
        (O::AdaptersCompare, "adapters.compare", &[Operator]),
        (O::DeliveryExplain, "delivery.explain", &[Operator, Auditor]),
        (O::DeliveryRelease, "delivery.release", &[Operator]),
        (O::DeliveryClose, "delivery.close", &[Operator]),
        (O::PartnersList, "partners.list", &[Operator, Auditor]),
        (O::ForecastShow, "forecast.show", &[Operator, Auditor]),
        (O::PartnerPause, "partner.pause", &[Operator]),
        (O::PartnerResume, "partner.resume", &[Operator]),
        (O::CasesList, "cases.list", &[Operator, Auditor]),
        (O::CaseShow, "case.show", &[Operator, Auditor]),
        (O::CaseNote, "case.note", &[Operator]),
        (O::CaseClose, "case.close", &[Operator]),
        (O::CaseDecide, "case.decide", &[Operator]),
        (O::AdaptersShow, "adapters.show", &[Operator, Auditor]),
        (O::AdaptersReload, "adapters.reload", &[Operator]),
        (O::ReceiptShow, "receipt.show", &[Portal, Operator]),
        (O::FeeDecide, "fee.decide", &[Operator]),
        (O::RefundsList, "refunds.list", &[Operator, Auditor]),
        (O::RefundRequest, "refund.request", &[Operator]),
        (O::RefundSettle, "refund.settle", &[Operator]),
        (O::AccountsShow, "accounts.show", &[Operator, Auditor]),
        (O::StatementAdd, "statement.add", &[Operator]),
        (O::StatementsList, "statements.list", &[Operator, Auditor]),
        (O::RetentionShow, "retention.show", &[Operator, Auditor]),
        (O::RetentionRun, "retention.run", &[Operator]),
        (O::MetricsRead, "metrics.read", &[Metrics, Operator]),
    ]
};

// === functions ===

/// Whether a role may.
#[must_use]
pub fn may(role: Role, operation: Operation) -> bool {
    TABLE.iter().any(|(o, _, roles)| *o == operation && roles.contains(&role))
}

/// Whether one of a caller's roles may.
#[must_use]
pub fn allowed(caller: &Caller, operation: Operation) -> bool {
    caller.roles.iter().any(|r| may(*r, operation))
}

/// Whether a caller sees every dossier, whoever handed it in.
#[must_use]
pub fn sees_all(caller: &Caller) -> bool {
    caller.roles.iter().any(|r| matches!(r, Role::Operator | Role::Auditor))
}

// === impl Operation ===

impl Operation {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        TABLE.iter().find(|(o, _, _)| *o == self).map_or("", |(_, w, _)| w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_operator_changes_what_is_delivered() {
        use Operation as O;
        for operation in [
            O::DeliveryRelease,
            O::DeliveryClose,
            O::PartnerPause,
            O::PartnerResume,
            O::CaseNote,
            O::CaseClose,
            O::CaseDecide,
            O::RetentionRun,
        ] {
            let who: Vec<Role> = Role::ALL.iter().map(|(r, _)| *r).filter(|r| may(*r, operation)).collect();
            assert_eq!(who, [Role::Operator], "{operation:?}");
        }
    }

    #[test]
    fn every_operation_has_exactly_one_row() {
        for (operation, word, _) in TABLE {
            assert_eq!(TABLE.iter().filter(|(o, _, _)| *o == operation).count(), 1, "{word}");
        }
    }
}
