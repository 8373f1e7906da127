//! What an import did, or would do.

use serde_json::{Map, Value, json};

/// What became of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Created,
    /// Which parts differed.
    Updated(Vec<&'static str>),
    Same,
    /// Why not.
    NotTaken(String),
}

/// All that was done, for stdout. A dry run also lists each change.
#[derive(Debug)]
pub struct Report {
    is_dry: bool,
    counts: Vec<(&'static str, Counts)>,
    changes: Vec<Value>,
    not_taken: Vec<Value>,
}

#[derive(Debug, Default)]
struct Counts {
    created: u64,
    updated: u64,
    same: u64,
    not_taken: u64,
}

impl Report {
    /// `kinds`: `devices`, `modules` and so on, in the order in which they are told of.
    pub fn new(is_dry: bool, kinds: &[&'static str]) -> Self {
        let counts = kinds.iter().map(|kind| (*kind, Counts::default())).collect();
        Self { is_dry, counts, changes: Vec::new(), not_taken: Vec::new() }
    }

    /// Takes note of what became of one thing of a kind: `device `thermo-7``.
    pub fn add(&mut self, kind: &'static str, what: &str, outcome: Outcome) {
        let mut spare = Counts::default();
        let counts = self.counts.iter_mut().find(|(known, _)| *known == kind).map_or(&mut spare, |(_, counts)| counts);
        match outcome {
            Outcome::Created => {
                counts.created += 1;
                self.change(json!({ "what": what, "change": "create" }));
            }
            Outcome::Updated(differs) => {
                counts.updated += 1;
                self.change(json!({ "what": what, "change": "update", "differs": differs }));
            }
            Outcome::Same => counts.same += 1,
            Outcome::NotTaken(why) => {
                counts.not_taken += 1;
                self.leave_out(what, &why);
            }
        }
    }

    /// Takes note of something that is of none of the kinds.
    pub fn leave_out(&mut self, what: &str, why: &str) {
        self.not_taken.push(json!({ "what": what, "why": why }));
    }

    /// How many things were not taken.
    pub fn left_out(&self) -> usize {
        self.not_taken.len()
    }

    fn change(&mut self, change: Value) {
        if self.is_dry {
            self.changes.push(change);
        }
    }
}

impl From<Report> for Value {
    fn from(report: Report) -> Self {
        let mut shown = Map::new();
        shown.insert("dryRun".to_owned(), report.is_dry.into());
        for (kind, Counts { created, updated, same, not_taken }) in report.counts {
            let counts = json!({ "created": created, "updated": updated, "same": same, "notTaken": not_taken });
            shown.insert(kind.to_owned(), counts);
        }
        if report.is_dry {
            shown.insert("changes".to_owned(), report.changes.into());
        }
        shown.insert("notTaken".to_owned(), report.not_taken.into());
        shown.into()
    }
}
