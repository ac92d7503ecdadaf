//! The plan's figures beside the catalogue's, tier by tier, column by column: compared, never made to match.
//!
//! Columns as the plan has them: procedures; level 3 (level 4 counts too: it is level 3 and more); level 4; on the Ministry's software.
//! A row whose level no source gives counts as unknown, not as either.

use super::procedure::{Host, Level, Procedure, Tier};

/// The plan's figures for a tier; none: the plan gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// The tier.
    pub tier: Tier,
    /// Procedures in all.
    pub procedures: Option<u32>,
    /// At level 3 or more.
    pub level_3: Option<u32>,
    /// At level 4.
    pub level_4: Option<u32>,
    /// The level 4 figure is "at least".
    pub level_4_at_least: bool,
    /// On the Ministry's software.
    pub ministry: Option<u32>,
}

/// One cell of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PlanLine {
    /// The tier's word.
    pub tier: &'static str,
    /// The column's word.
    pub column: &'static str,
    /// The plan's figure; none: it gives none.
    pub plan: Option<u32>,
    /// The plan says "at least".
    pub at_least: bool,
    /// What the catalogue counts.
    pub catalogue: u32,
    /// Rows of the catalogue of which it is not known.
    pub unknown: u32,
    /// Catalogue less plan; none without a figure of the plan.
    pub difference: Option<i64>,
}

/// Compares the plan with the rows of one list.
#[must_use]
pub(super) fn compare<'p>(plan: &[PlanRow], rows: impl Iterator<Item = &'p Procedure>) -> Vec<PlanLine> {
    let rows: Vec<&Procedure> = rows.collect();
    let mut lines = Vec::new();
    for row in plan {
        let tier: Vec<&&Procedure> = rows.iter().filter(|p| p.tier == row.tier).collect();
        let count =
            |fits: &dyn Fn(&Procedure) -> bool| u32::try_from(tier.iter().filter(|p| fits(p)).count()).unwrap_or(u32::MAX);
        let unknown = count(&|p| p.level == Level::Unknown);
        let all = count(&|_| true);
        let three = count(&|p| matches!(p.level, Level::Three | Level::Four));
        let four = count(&|p| p.level == Level::Four);
        let ministry = count(&|p| p.host == Host::Ministry);
        let line = |column, plan: Option<u32>, at_least, catalogue: u32, unknown| PlanLine {
            tier: row.tier.word(),
            column,
            plan,
            at_least,
            catalogue,
            unknown,
            difference: plan.map(|p| i64::from(catalogue) - i64::from(p)),
        };
        lines.push(line("procedures", row.procedures, false, all, 0));
        lines.push(line("level 3", row.level_3, false, three, unknown));
        lines.push(line("level 4", row.level_4, row.level_4_at_least, four, unknown));
        lines.push(line("on the Ministry's software", row.ministry, false, ministry, 0));
    }
    lines
}
