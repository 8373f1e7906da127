//! `--query`: JMESPath over the result, as `az` has it.

use crate::failure::Failure;
use jmespath::ast::Ast;
use jmespath::{ErrorReason, Expression};
use serde_json::{Map, Value};

/// A query that was understood.
#[derive(Debug)]
pub struct Query {
    expression: Expression<'static>,
    /// Names of every multi-select hash, as typed: `{Name: name, Id: id}` prints columns in this order.
    orders: Vec<Vec<String>>,
}

impl Query {
    /// Reads a query.
    ///
    /// Errors: usage, with the place of the fault.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let expression = jmespath::compile(text).map_err(|error| {
            let what = error.reason.to_string();
            let what = what
                .strip_prefix("Parse error: ")
                .unwrap_or(&what)
                .replace("Unexpected nud token -- found", "unexpected");
            Failure::usage(format!("`--query` cannot be read at character {}: {what}", error.offset + 1))
                .hint("the language is JMESPath: `[].name`, `[?status=='enabled'].{Device: deviceId}`, `length(@)`")
        })?;
        let mut orders = Vec::new();
        collect_orders(expression.as_ast(), &mut orders);
        Ok(Self { expression, orders })
    }

    /// What the query finds; `null` when it finds nothing.
    pub fn search(&self, value: &Value) -> Result<Value, Failure> {
        let odd = |error: &dyn std::fmt::Display| Failure::error(format!("`--query` does not fit the result: {error}"));
        let found = self.expression.search(value).map_err(|error| match &error.reason {
            ErrorReason::Runtime(error) => odd(error),
            reason @ ErrorReason::Parse(_) => odd(reason),
        })?;
        let mut found = serde_json::to_value(&*found).map_err(|error| odd(&error))?;
        self.reorder(&mut found);
        Ok(found)
    }

    fn reorder(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.reorder(item)),
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.reorder(member));
                let is_same = |order: &&Vec<String>| {
                    order.len() == members.len() && order.iter().all(|name| members.contains_key(name))
                };
                if let Some(order) = self.orders.iter().find(is_same) {
                    let mut ordered = Map::new();
                    ordered.extend(order.iter().filter_map(|name| Some((name.clone(), members.remove(name)?))));
                    *members = ordered;
                }
            }
            _ => {}
        }
    }
}

fn collect_orders(ast: &Ast, orders: &mut Vec<Vec<String>>) {
    match ast {
        Ast::MultiHash { elements, .. } => {
            orders.push(elements.iter().map(|pair| pair.key.clone()).collect());
            for pair in elements {
                collect_orders(&pair.value, orders);
            }
        }
        Ast::MultiList { elements, .. } | Ast::Function { args: elements, .. } => {
            for element in elements {
                collect_orders(element, orders);
            }
        }
        Ast::Comparison { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. }
        | Ast::Subexpr { lhs, rhs, .. }
        | Ast::Condition { predicate: lhs, then: rhs, .. } => {
            collect_orders(lhs, orders);
            collect_orders(rhs, orders);
        }
        Ast::Expref { ast: node, .. }
        | Ast::Flatten { node, .. }
        | Ast::Not { node, .. }
        | Ast::ObjectValues { node, .. } => {
            collect_orders(node, orders);
        }
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Literal { .. } | Ast::Slice { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_what_the_seeds_ask_for_in_the_order_they_ask() {
        let twins = json!([
            {"deviceId": "a", "status": "enabled", "authentication": {"type": "sas"}},
            {"deviceId": "b", "status": "disabled"},
        ]);
        for (query, value, found) in [
            ("properties.idScope", json!({"properties": {"idScope": "0ne1"}}), r#""0ne1""#),
            ("properties.absent", json!({}), "null"),
            (
                "[].{DeviceID:deviceId, Auth:authentication.type, Status:status}",
                twins.clone(),
                r#"[{"DeviceID":"a","Auth":"sas","Status":"enabled"},{"DeviceID":"b","Auth":null,"Status":"disabled"}]"#,
            ),
            (
                "{Z: [0].{Y: deviceId, X: status}, A: length(@)}",
                twins.clone(),
                r#"{"Z":{"Y":"a","X":"enabled"},"A":2}"#,
            ),
            ("[?status=='enabled'] | [0].deviceId", twins, r#""a""#),
        ] {
            assert_eq!(Query::parse(query).unwrap().search(&value).unwrap().to_string(), found, "{query}");
        }
    }

    #[test]
    fn a_query_that_cannot_be_read_says_where() {
        let failure = Query::parse("[].{a:}").unwrap_err().text(false);
        insta::assert_snapshot!(failure, @"
        error: `--query` cannot be read at character 7: unexpected Rbrace

        hint: the language is JMESPath: `[].name`, `[?status=='enabled'].{Device: deviceId}`, `length(@)`
        ");
        insta::assert_snapshot!(Query::parse("length(a)").unwrap().search(&json!({"a": 5})).unwrap_err().text(false), @"error: `--query` does not fit the result: Argument 0 expects type array|object|string, given number");
    }
}
