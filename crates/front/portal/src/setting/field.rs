//! A setting as the form has it.

use super::{Form, Setting, TIERS};
use crate::ask::Ask;
use crate::limits::THROTTLE_UNITS;
use crate::span::{Span, UNITS};
use serde_json::Value;

/// A setting as a page shows it.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    pub(crate) hint: &'static str,
    /// `1 to 1000`; empty where there is nothing to count.
    pub(crate) bounds: String,
    /// What it is, for whom may not change it.
    pub(crate) shown: String,
    pub(crate) input: Input,
}

/// What it is typed into, with what is typed there.
pub(crate) enum Input {
    Count {
        text: String,
        least: u32,
        most: u32,
    },
    /// Units: word, and whether it is chosen.
    Span {
        text: String,
        unit_name: String,
        units: Vec<(&'static str, bool)>,
    },
    Switch {
        is_on: bool,
    },
    /// Tiers: word, words, and whether it is chosen.
    Throttle {
        tiers: Vec<(&'static str, &'static str, bool)>,
        units_name: String,
        units: String,
        most: u32,
    },
}

impl Field {
    /// As a resource has it; with a form, as it was typed there.
    pub(crate) fn of(setting: &'static Setting, document: &Value, form: Option<&Ask>) -> Self {
        let value = setting.read(document);
        let typed = |name: &str, now: String| form.map_or(now, |ask| ask.field(name).to_owned());
        let number = || value.as_u64().map(|number| number.to_string()).unwrap_or_default();
        let units = |chosen: &str| UNITS.map(|(word, _)| (word, word == chosen)).to_vec();
        let (input, bounds) = match &setting.form {
            Form::Count(_, allowed) => {
                let (least, most) = (*allowed.start(), *allowed.end());
                (Input::Count { text: typed(setting.name, number()), least, most }, format!("{least} to {most}"))
            }
            Form::Span(_, allowed) => {
                let now = Span::of(value.as_u64().unwrap_or_default());
                let input = Input::Span {
                    text: typed(setting.name, now.count.to_string()),
                    units: units(&typed(&setting.unit_name(), now.unit.to_owned())),
                    unit_name: setting.unit_name(),
                };
                let [least, most] = [*allowed.start(), *allowed.end()].map(|seconds| Span::of(seconds.into()));
                (input, format!("{least} to {most}"))
            }
            Form::Switch(_) | Form::Events(_) => {
                let is_on = form.map_or(value == true, |ask| ask.field(setting.name) == "on");
                (Input::Switch { is_on }, String::new())
            }
            Form::Throttle(_) => {
                let tier = typed(setting.name, value["tier"].as_str().unwrap_or_default().to_owned());
                let input = Input::Throttle {
                    tiers: TIERS.map(|(word, words)| (word, words, word == tier)).to_vec(),
                    units: typed(&setting.units_name(), value["units"].as_u64().unwrap_or(1).to_string()),
                    units_name: setting.units_name(),
                    most: *THROTTLE_UNITS.end(),
                };
                (input, format!("{} to {} units", THROTTLE_UNITS.start(), THROTTLE_UNITS.end()))
            }
        };
        let Setting { name, words, hint, .. } = setting;
        Self { name, words, hint, bounds, shown: setting.shown(&value), input }
    }
}
