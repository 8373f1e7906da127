//! Functions as SQL: those that ask what kind of value a path holds, or what its text begins with or contains.

use roadstead_query::{Constant, Expr, Function};

use super::condition::{Place, Sql};

/// The call as SQL that yields 1, 0 or NULL; `None` where the evaluator is needed.
pub(super) fn compile(function: Function, arguments: &[Expr]) -> Option<Sql> {
    match arguments {
        [Expr::Path(path)] => is_of_kind(Place::of(path)?, function),
        [Expr::Path(path), Expr::Constant(Constant::String(part))] => has_part(Place::of(path)?, function, part),
        _ => None,
    }
}

fn is_of_kind(place: Place, function: Function) -> Option<Sql> {
    // As `json_type` names kinds.
    let (kinds, text, number) = match function {
        Function::IsArray => ("'array'", "0", "0"),
        Function::IsBool => ("'true', 'false'", "0", "0"),
        Function::IsDefined => ("'array', 'object', 'true', 'false', 'null', 'integer', 'real', 'text'", "1", "1"),
        Function::IsNull => ("'null'", "0", "0"),
        Function::IsNumber => ("'integer', 'real'", "0", "1"),
        Function::IsObject => ("'object'", "0", "0"),
        Function::IsPrimitive => ("'true', 'false', 'null', 'integer', 'real', 'text'", "1", "1"),
        Function::IsString => ("'text'", "1", "0"),
        _ => return None,
    };
    Some(match place {
        Place::Json { column, path } => Sql::new(format!("ifnull(json_type({column}, ?) IN ({kinds}), 0)")).with(path),
        Place::Text(_) => Sql::new(text),
        Place::TextOrNull(sql) => match function {
            Function::IsNull => Sql::new(format!("({sql} IS NULL)")),
            Function::IsString => Sql::new(format!("({sql} IS NOT NULL)")),
            // What holds for either kind.
            _ => Sql::new(text),
        },
        Place::Number(_) => Sql::new(number),
    })
}

fn has_part(place: Place, function: Function, part: &str) -> Option<Sql> {
    // `instr` yields where the first one begins, 1 being the front, as it does for an empty part.
    let found = match function {
        Function::StartsWith => "= 1",
        Function::Contains => "> 0",
        _ => return None,
    };
    Some(match place {
        Place::Json { column, path } => {
            Sql::new(format!("CASE json_type({column}, ?) WHEN 'text' THEN instr({column} ->> ?, ?) {found} END"))
                .with(path.clone())
                .with(path)
                .with(part.to_owned())
        }
        Place::Text(sql) | Place::TextOrNull(sql) => {
            Sql::new(format!("(instr({sql}, ?) {found})")).with(part.to_owned())
        }
        Place::Number(_) => Sql::new("NULL"),
    })
}
