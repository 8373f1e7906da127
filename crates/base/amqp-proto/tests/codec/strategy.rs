//! Anything that can be written.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use roadstead_amqp_proto::{
    AmqpError, Array, Attach, Begin, Close, DeliveryState, Detach, Disposition, End, Flow, Map, Modified, Open,
    Performative, ReceiverSettleMode, Role, SenderSettleMode, Source, Target, Value,
};

pub fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::List),
            vec((inner.clone(), inner.clone()), 0..4).prop_map(|entries| Value::Map(Map(entries))),
            (inner.clone(), 0_usize..4).prop_map(|(value, count)| array(value, count)),
            (inner.clone(), inner).prop_map(|both| Value::Described(Box::new(both))),
        ]
    })
}

/// What `serde_amqp` can hold: maps have every key once, descriptors are ulongs and symbols, arrays are of scalars, but
/// not of nulls, and of strings only in ASCII (0.18 writes each null twice and counts characters for bytes).
pub fn ordinary_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 20, 4, |inner| {
        let descriptor = prop_oneof![any::<u64>().prop_map(Value::Ulong), symbol().prop_map(Value::Symbol)];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::List),
            vec(inner.clone(), 0..4)
                .prop_map(|values| { Value::Map(Map((0..).map(Value::Uint).zip(values).collect())) }),
            (scalar().prop_filter("sound", is_sound), 1_usize..4).prop_map(|(value, count)| array(value, count)),
            (descriptor, inner).prop_map(|both| Value::Described(Box::new(both))),
        ]
    })
}

fn is_sound(value: &Value) -> bool {
    *value != Value::Null && value.as_text().is_none_or(str::is_ascii)
}

/// An array of one value over and over, or of that in a list, where an array cannot hold it.
fn array(value: Value, count: usize) -> Value {
    let array = Array::new(vec![value.clone(); count]);
    Value::Array(array.unwrap_or_else(|| Array::new(vec![Value::List(vec![value]); count]).unwrap()))
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<u8>().prop_map(Value::Ubyte),
        any::<u16>().prop_map(Value::Ushort),
        prop_oneof![0..300_u32, any::<u32>()].prop_map(Value::Uint),
        prop_oneof![0..300_u64, any::<u64>()].prop_map(Value::Ulong),
        any::<i8>().prop_map(Value::Byte),
        any::<i16>().prop_map(Value::Short),
        prop_oneof![-200..200_i32, any::<i32>()].prop_map(Value::Int),
        prop_oneof![-200..200_i64, any::<i64>()].prop_map(Value::Long),
        any::<f32>().prop_map(Value::Float),
        any::<f64>().prop_map(Value::Double),
        any::<[u8; 4]>().prop_map(Value::Decimal32),
        any::<[u8; 8]>().prop_map(Value::Decimal64),
        any::<[u8; 16]>().prop_map(Value::Decimal128),
        any::<char>().prop_map(Value::Char),
        any::<i64>().prop_map(Value::Timestamp),
        any::<[u8; 16]>().prop_map(Value::Uuid),
        vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Binary(bytes.into())),
        ".{0,90}".prop_map(|text| Value::string(&text)),
        "[ -~]{0,300}".prop_map(|text| Value::symbol(&text)),
    ]
}

fn text() -> impl Strategy<Value = Box<str>> {
    ".{0,20}".prop_map(String::into_boxed_str)
}

fn symbol() -> impl Strategy<Value = Box<str>> {
    "[!-~]{1,20}".prop_map(String::into_boxed_str)
}

fn symbols() -> impl Strategy<Value = Vec<Box<str>>> {
    vec(symbol(), 0..3)
}

fn map() -> impl Strategy<Value = Map> {
    vec((symbol(), ordinary_value()), 0..3).prop_map(|entries| {
        let entries = entries.into_iter().enumerate();
        Map(entries.map(|(at, (key, value))| (Value::symbol(&format!("{at}{key}")), value)).collect())
    })
}

fn error() -> impl Strategy<Value = AmqpError> {
    (symbol(), of(text()), map()).prop_map(|(condition, description, info)| AmqpError { condition, description, info })
}

fn state() -> impl Strategy<Value = DeliveryState> {
    let modified =
        (any::<bool>(), any::<bool>(), map()).prop_map(|(delivery_failed, undeliverable_here, message_annotations)| {
            DeliveryState::Modified(Box::new(Modified { delivery_failed, undeliverable_here, message_annotations }))
        });
    prop_oneof![
        Just(DeliveryState::Accepted),
        Just(DeliveryState::Released),
        of(error()).prop_map(|error| DeliveryState::Rejected(error.map(Box::new))),
        (any::<u32>(), any::<u64>())
            .prop_map(|(section_number, section_offset)| DeliveryState::Received { section_number, section_offset }),
        modified,
    ]
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Sender), Just(Role::Receiver)]
}

fn durable() -> impl Strategy<Value = u32> {
    0..3_u32
}

fn expiry_policy() -> impl Strategy<Value = Box<str>> {
    prop::sample::select(&["link-detach", "connection-close", "never"][..]).prop_map(Box::from)
}

fn distribution_mode() -> impl Strategy<Value = Box<str>> {
    prop::sample::select(&["move", "copy"][..]).prop_map(Box::from)
}

fn unsettled() -> impl Strategy<Value = Map> {
    prop::collection::btree_set(any::<[u8; 2]>(), 0..3)
        .prop_map(|tags| Map(tags.into_iter().map(|tag| (Value::Binary(tag.into()), Value::Null)).collect()))
}

fn source() -> impl Strategy<Value = Source> {
    (
        (of(text()), durable(), of(expiry_policy()), any::<u32>(), any::<bool>()),
        (map(), of(distribution_mode()), map(), symbols()),
    )
        .prop_map(|((address, durable, expiry_policy, timeout_s, dynamic), (nodes, mode, filter, outcomes))| {
            Source {
                address,
                durable,
                expiry_policy,
                timeout_s,
                dynamic,
                dynamic_node_properties: nodes,
                distribution_mode: mode,
                filter,
                default_outcome: None,
                outcomes,
                capabilities: vec![],
            }
        })
}

fn target() -> impl Strategy<Value = Target> {
    (of(text()), durable(), of(expiry_policy()), any::<u32>(), any::<bool>(), map(), symbols()).prop_map(
        |(address, durable, expiry_policy, timeout_s, dynamic, dynamic_node_properties, capabilities)| Target {
            address,
            durable,
            expiry_policy,
            timeout_s,
            dynamic,
            dynamic_node_properties,
            capabilities,
        },
    )
}

fn open() -> impl Strategy<Value = Open> {
    (text(), of(text()), any::<u32>(), any::<u16>(), of(any::<u32>()), symbols(), symbols(), map()).prop_map(
        |(container_id, hostname, max_frame_size, channel_max, idle_time_out_ms, locales, capabilities, properties)| {
            Open {
                container_id,
                hostname,
                max_frame_size,
                channel_max,
                idle_time_out_ms,
                outgoing_locales: locales.clone(),
                incoming_locales: locales,
                offered_capabilities: capabilities.clone(),
                desired_capabilities: capabilities,
                properties,
            }
        },
    )
}

fn begin() -> impl Strategy<Value = Begin> {
    (of(any::<u16>()), any::<[u32; 4]>(), symbols(), map()).prop_map(
        |(remote_channel, numbers, symbols, properties)| {
            let [next_outgoing_id, incoming_window, outgoing_window, handle_max] = numbers;
            Begin {
                remote_channel,
                next_outgoing_id,
                incoming_window,
                outgoing_window,
                handle_max,
                offered_capabilities: symbols.clone(),
                desired_capabilities: symbols,
                properties,
            }
        },
    )
}

fn attach() -> impl Strategy<Value = Attach> {
    let modes = prop_oneof![
        Just((SenderSettleMode::Unsettled, ReceiverSettleMode::Second)),
        Just((SenderSettleMode::Settled, ReceiverSettleMode::First)),
        Just((SenderSettleMode::Mixed, ReceiverSettleMode::First)),
    ];
    (
        text(),
        any::<u32>(),
        role(),
        modes,
        of(source()),
        of(target()),
        unsettled(),
        of(any::<u32>()),
        of(any::<u64>()),
        map(),
    )
        .prop_map(|(name, handle, role, modes, source, target, unsettled, count, size, properties)| Attach {
            snd_settle_mode: modes.0,
            rcv_settle_mode: modes.1,
            source,
            target,
            incomplete_unsettled: unsettled.is_empty(),
            unsettled,
            initial_delivery_count: count,
            max_message_size: size,
            properties,
            ..Attach::new(&name, handle, role)
        })
}

fn flow() -> impl Strategy<Value = Flow> {
    (of(any::<u32>()), any::<[u32; 3]>(), of(any::<u32>()), of(any::<u32>()), of(any::<u32>()), any::<bool>(), map())
        .prop_map(|(next_incoming_id, numbers, handle, delivery_count, link_credit, drain, properties)| {
            let [incoming_window, next_outgoing_id, outgoing_window] = numbers;
            Flow {
                next_incoming_id,
                incoming_window,
                next_outgoing_id,
                outgoing_window,
                handle,
                delivery_count,
                link_credit,
                available: link_credit,
                drain,
                echo: !drain,
                properties,
            }
        })
}

fn disposition() -> impl Strategy<Value = Disposition> {
    (role(), any::<u32>(), of(any::<u32>()), any::<bool>(), of(state()), any::<bool>()).prop_map(
        |(role, first, last, settled, state, batchable)| Disposition { role, first, last, settled, state, batchable },
    )
}

/// All but transfers, which borrow.
pub fn performative() -> impl Strategy<Value = Performative<'static>> {
    prop_oneof![
        open().prop_map(|open| Performative::Open(Box::new(open))),
        begin().prop_map(|begin| Performative::Begin(Box::new(begin))),
        attach().prop_map(|attach| Performative::Attach(Box::new(attach))),
        flow().prop_map(Performative::Flow),
        disposition().prop_map(Performative::Disposition),
        (any::<u32>(), any::<bool>(), of(error())).prop_map(|(handle, closed, error)| Performative::Detach(Detach {
            handle,
            closed,
            error
        })),
        of(error()).prop_map(|error| Performative::End(End { error })),
        of(error()).prop_map(|error| Performative::Close(Close { error })),
    ]
}

/// A transfer's own fields, and the payload behind it.
pub type Parts = (u32, Option<u32>, Option<Vec<u8>>, Option<bool>, bool, Option<DeliveryState>, Vec<u8>);

pub fn transfer() -> impl Strategy<Value = Parts> {
    let tag = of(vec(any::<u8>(), 0..=32));
    (any::<u32>(), of(any::<u32>()), tag, of(any::<bool>()), any::<bool>(), of(state()), vec(any::<u8>(), 0..50))
}
