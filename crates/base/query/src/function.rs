//! The functions of conditions.

use std::ops::RangeInclusive;

/// A function that a condition may call; [`eval`](crate::eval) says what each yields.
///
/// Azure documents most of them for routes and only `IS_DEFINED` for twins and jobs; here all work everywhere.
/// Source: `reference/hub-service.md` 1.11, function table
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// `ABS(x)`
    Abs,
    /// `EXP(x)`
    Exp,
    /// `POWER(x, y)`
    Power,
    /// `SQUARE(x)`
    Square,
    /// `CEILING(x)`
    Ceiling,
    /// `FLOOR(x)`
    Floor,
    /// `SIGN(x)`
    Sign,
    /// `SQRT(x)`
    Sqrt,
    /// `AS_NUMBER(x)`
    AsNumber,
    /// `IS_ARRAY(x)`
    IsArray,
    /// `IS_BOOL(x)`
    IsBool,
    /// `IS_DEFINED(x)`
    IsDefined,
    /// `IS_NULL(x)`
    IsNull,
    /// `IS_NUMBER(x)`
    IsNumber,
    /// `IS_OBJECT(x)`
    IsObject,
    /// `IS_PRIMITIVE(x)`
    IsPrimitive,
    /// `IS_STRING(x)`
    IsString,
    /// `CONCAT(s, t, …)`
    Concat,
    /// `LENGTH(s)`
    Length,
    /// `LOWER(s)`
    Lower,
    /// `UPPER(s)`
    Upper,
    /// `SUBSTRING(s, start[, length])`
    Substring,
    /// `INDEX_OF(s, fragment)`
    IndexOf,
    /// `STARTS_WITH(s, start)`, also `STARTSWITH`
    StartsWith,
    /// `ENDS_WITH(s, end)`, also `ENDSWITH`
    EndsWith,
    /// `CONTAINS(s, fragment)`
    Contains,
    /// `ARRAY_CONTAINS(array, x)`; not among what Azure documents, but what `az` asks who the children of a device are.
    /// Source: azure-iot extension 0.25.0, `device-identity children list`
    ArrayContains,
}

/// Every function, with its name and how many arguments it takes.
const TABLE: [(Function, &str, RangeInclusive<usize>); 27] = [
    (Function::Abs, "ABS", 1..=1),
    (Function::Exp, "EXP", 1..=1),
    (Function::Power, "POWER", 2..=2),
    (Function::Square, "SQUARE", 1..=1),
    (Function::Ceiling, "CEILING", 1..=1),
    (Function::Floor, "FLOOR", 1..=1),
    (Function::Sign, "SIGN", 1..=1),
    (Function::Sqrt, "SQRT", 1..=1),
    (Function::AsNumber, "AS_NUMBER", 1..=1),
    (Function::IsArray, "IS_ARRAY", 1..=1),
    (Function::IsBool, "IS_BOOL", 1..=1),
    (Function::IsDefined, "IS_DEFINED", 1..=1),
    (Function::IsNull, "IS_NULL", 1..=1),
    (Function::IsNumber, "IS_NUMBER", 1..=1),
    (Function::IsObject, "IS_OBJECT", 1..=1),
    (Function::IsPrimitive, "IS_PRIMITIVE", 1..=1),
    (Function::IsString, "IS_STRING", 1..=1),
    (Function::Concat, "CONCAT", 2..=usize::MAX),
    (Function::Length, "LENGTH", 1..=1),
    (Function::Lower, "LOWER", 1..=1),
    (Function::Upper, "UPPER", 1..=1),
    (Function::Substring, "SUBSTRING", 2..=3),
    (Function::IndexOf, "INDEX_OF", 2..=2),
    (Function::StartsWith, "STARTS_WITH", 2..=2),
    (Function::EndsWith, "ENDS_WITH", 2..=2),
    (Function::Contains, "CONTAINS", 2..=2),
    (Function::ArrayContains, "ARRAY_CONTAINS", 2..=2),
];

/// Second spellings: what Azure's hubs take for twins where its docs say otherwise.
/// Source: issue 110329 of MicrosoftDocs/azure-docs
const ALSO: [(&str, Function); 2] = [("STARTSWITH", Function::StartsWith), ("ENDSWITH", Function::EndsWith)];

/// The names of aggregates, which are no functions.
pub(crate) const AGGREGATES: [&str; 5] = ["COUNT", "AVG", "SUM", "MIN", "MAX"];

impl Function {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(function, ..)| *function)
    }

    /// The function of that name, whatever its case.
    pub fn find(name: &str) -> Option<Self> {
        let main = TABLE.iter().map(|(function, main, _)| (*main, *function));
        main.chain(ALSO).find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, function)| function)
    }

    /// Its name: `STARTS_WITH`
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// How many arguments it takes; [`usize::MAX`] at the end stands for any number.
    pub fn arguments(self) -> RangeInclusive<usize> {
        self.row().2.clone()
    }

    fn row(self) -> &'static (Self, &'static str, RangeInclusive<usize>) {
        TABLE.iter().find(|(function, ..)| *function == self).expect("the table has every function")
    }

    /// The name that somebody may have meant: within two edits, and less than half of it.
    pub(crate) fn nearest(name: &str) -> Option<&'static str> {
        let wanted = name.to_ascii_uppercase();
        let names = TABLE.iter().map(|(_, known, _)| *known);
        let near = names.map(|known| (strsim::damerau_levenshtein(known, &wanted), known));
        near.filter(|(edits, known)| *edits <= 2 && edits * 2 < known.len()).min().map(|(_, known)| known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name() {
        for function in Function::all() {
            assert_eq!(Function::find(&function.name().to_ascii_lowercase()), Some(function));
            assert!(!function.arguments().is_empty());
        }
        assert_eq!(Function::find("StartsWith"), Some(Function::StartsWith));
        assert_eq!(Function::find("COUNT"), None);
    }

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let cases = [("isdefined", Some("IS_DEFINED")), ("SUBSTR", None), ("LOWR", Some("LOWER")), ("NOW", None)];
        for (name, nearest) in cases {
            assert_eq!(Function::nearest(name), nearest, "{name}");
        }
    }
}
