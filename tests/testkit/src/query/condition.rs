//! Random conditions: mostly such as somebody may write, some that are nonsense.

use super::{NUMBERS, STRINGS, any_path, path};
use proptest::{
    collection::vec,
    prop_oneof,
    sample::select,
    strategy::{BoxedStrategy, Just, Strategy},
};
use roadstead_query::{Comparison, Constant, Expr, Function, Operator};

const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];
const OPERATORS: [Operator; 5] =
    [Operator::Add, Operator::Subtract, Operator::Multiply, Operator::Divide, Operator::Remainder];
const OF_NUMBER: [Function; 7] = [
    Function::Abs,
    Function::Square,
    Function::Ceiling,
    Function::Floor,
    Function::Sign,
    Function::Sqrt,
    Function::AsNumber,
];
const OF_ANY: [Function; 8] = [
    Function::IsArray,
    Function::IsBool,
    Function::IsDefined,
    Function::IsNull,
    Function::IsNumber,
    Function::IsObject,
    Function::IsPrimitive,
    Function::IsString,
];
const OF_STRINGS: [Function; 3] = [Function::StartsWith, Function::EndsWith, Function::Contains];

/// A condition on [`any_document`](super::any_document), of every operator and every function.
pub fn any_condition() -> impl Strategy<Value = Expr> {
    let several = truth().prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 2..4).prop_map(Expr::And),
            2 => vec(inner.clone(), 2..4).prop_map(Expr::Or),
            1 => inner.prop_map(|it| Expr::Not(Box::new(it))),
        ]
    });
    prop_oneof![truth(), several]
}

/// One question.
fn truth() -> BoxedStrategy<Expr> {
    let (numbers, strings) = (vec(number_constant(), 1..4), vec(string_constant(), 1..4));
    let truths = ["tags.x-y", "properties.reported.x-y", "tags.group.x-y"];
    prop_oneof![
        6 => compared(number(), number()),
        6 => compared(string(), string()),
        3 => member(number(), numbers),
        3 => member(string(), strings),
        1 => member(leaf(), vec(any_constant(), 1..4)),
        3 => called(OF_ANY.to_vec(), vec(leaf(), 1..=1)),
        2 => called(OF_STRINGS.to_vec(), vec(string(), 2..=2)),
        2 => compared(leaf(), leaf()),
        2 => select(truths.to_vec()).prop_map(|names| Expr::Path(path(names))),
        3 => compared(Just(Expr::Path(path("connectionState"))), connection_state()),
        2 => nonsense(),
    ]
    .boxed()
}

fn connection_state() -> impl Strategy<Value = Expr> {
    select(vec!["Connected", "Disconnected", "connected"])
        .prop_map(|state| Expr::Constant(Constant::String(state.into())))
}

fn number() -> BoxedStrategy<Expr> {
    let paths = ["tags.a", "tags.A", "tags.5", "properties.reported.a", "tags.group.a", "version"];
    let leaf = prop_oneof![
        3 => select(paths.to_vec()).prop_map(|names| Expr::Path(path(names))),
        2 => number_constant().prop_map(Expr::Constant),
    ];
    let computed = leaf.clone().prop_recursive(2, 6, 2, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let computed = (select(OPERATORS.to_vec()), boxed.clone(), boxed);
        prop_oneof![
            3 => computed.prop_map(|(operator, left, right)| Expr::Arithmetic(operator, left, right)),
            2 => called(OF_NUMBER.to_vec(), vec(inner.clone(), 1..=1)),
            1 => called(vec![Function::Length, Function::AsNumber], vec(string(), 1..=1)),
            1 => called(vec![Function::IndexOf], vec(string(), 2..=2)),
        ]
    });
    prop_oneof![2 => leaf, 1 => computed].boxed()
}

fn string() -> BoxedStrategy<Expr> {
    let paths = ["tags.b", "tags.5", "properties.reported.b", "tags.group.b", "deviceId", "status"];
    let leaf = prop_oneof![
        3 => select(paths.to_vec()).prop_map(|names| Expr::Path(path(names))),
        2 => string_constant().prop_map(Expr::Constant),
    ];
    let count = || select(vec![0.0, 1.0, 2.0, 5.0]).prop_map(|value| Expr::Constant(Constant::Number(value)));
    let made = leaf.clone().prop_recursive(2, 6, 3, move |inner| {
        let part = (inner.clone(), vec(count(), 1..3)).prop_map(|(text, mut arguments)| {
            arguments.insert(0, text);
            Expr::Call(Function::Substring, arguments)
        });
        prop_oneof![
            called(vec![Function::Lower, Function::Upper], vec(inner.clone(), 1..=1)),
            called(vec![Function::Concat], vec(inner, 2..4)),
            part,
        ]
    });
    prop_oneof![2 => leaf, 1 => made].boxed()
}

/// Every operator and function over operands of any type.
fn nonsense() -> BoxedStrategy<Expr> {
    leaf()
        .prop_recursive(2, 6, 3, |inner| {
            let boxed = inner.clone().prop_map(Box::new);
            let computed = (select(OPERATORS.to_vec()), boxed.clone(), boxed.clone());
            prop_oneof![
                compared(inner.clone(), inner.clone()),
                computed.prop_map(|(operator, left, right)| Expr::Arithmetic(operator, left, right)),
                member(inner.clone(), vec(any_constant(), 1..3)),
                vec(inner.clone(), 2..4).prop_map(Expr::And),
                boxed.prop_map(Expr::Not),
                any_call(inner),
            ]
        })
        .boxed()
}

fn leaf() -> BoxedStrategy<Expr> {
    prop_oneof![2 => any_path().prop_map(Expr::Path), 1 => any_constant().prop_map(Expr::Constant)].boxed()
}

fn any_constant() -> BoxedStrategy<Constant> {
    let leaf = prop_oneof![
        3 => number_constant(),
        3 => string_constant(),
        2 => proptest::bool::ANY.prop_map(Constant::Bool),
        2 => Just(Constant::Null),
        1 => Just(Constant::Undefined),
    ];
    prop_oneof![10 => leaf.clone(), 1 => vec(leaf, 0..3).prop_map(Constant::Array)].boxed()
}

fn number_constant() -> impl Strategy<Value = Constant> + Clone {
    select(NUMBERS.to_vec()).prop_map(Constant::Number)
}

fn string_constant() -> impl Strategy<Value = Constant> + Clone {
    select(STRINGS.to_vec()).prop_map(|text| Constant::String(text.to_owned()))
}

fn compared(
    left: impl Strategy<Value = Expr> + 'static,
    right: impl Strategy<Value = Expr> + 'static,
) -> BoxedStrategy<Expr> {
    (select(COMPARISONS.to_vec()), left, right)
        .prop_map(|(comparison, left, right)| Expr::Compare(comparison, Box::new(left), Box::new(right)))
        .boxed()
}

fn member(
    left: impl Strategy<Value = Expr> + 'static,
    list: impl Strategy<Value = Vec<Constant>> + 'static,
) -> BoxedStrategy<Expr> {
    let make = select(vec![Expr::In as fn(Box<Expr>, Vec<Constant>) -> Expr, Expr::NotIn]);
    (make, left, list).prop_map(|(make, left, list)| make(Box::new(left), list)).boxed()
}

fn called(functions: Vec<Function>, arguments: impl Strategy<Value = Vec<Expr>> + 'static) -> BoxedStrategy<Expr> {
    (select(functions), arguments).prop_map(|(function, arguments)| Expr::Call(function, arguments)).boxed()
}

fn any_call(argument: impl Strategy<Value = Expr> + Clone + 'static) -> impl Strategy<Value = Expr> {
    select(Function::all().collect::<Vec<_>>()).prop_flat_map(move |function| {
        let (least, most) = function.arguments().into_inner();
        let arguments = vec(argument.clone(), least..=most.min(least + 1));
        arguments.prop_map(move |arguments| Expr::Call(function, arguments))
    })
}
