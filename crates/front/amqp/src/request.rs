//! Questions to `$cbs` and `$management`, and their answers. Source: `reference/hub-service.md` 2.2, 3.3

use roadstead_amqp_proto::{
    AmqpError, Array, Map, Value, ValueRef,
    message::{Body, Message, MessageId, MessageWriter, Properties},
};
use roadstead_auth::Segment::AnyCase;
use roadstead_hub::{Hub, ReaderError};
use roadstead_model::{Origin, Right};
use roadstead_wire::amqp::{Audience, cbs, management};

use crate::{
    backend::last_offset,
    end::shown,
    grants::{Access, Grants, entity_of},
    link::Node,
    login::{self, TokenRefusal},
    noted,
    refusal::{self, undecodable},
};

/// What is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) description: String,
    pub(crate) body: Option<Map>,
}

/// Answers a request: the message of the answer, and the link that it asked to be answered on. Errors: no message.
pub(crate) async fn answer<'m>(
    node: Node,
    hub: &Hub,
    grants: &mut Grants,
    payload: &'m [u8],
    origin: Origin,
) -> Result<(Vec<u8>, Option<&'m str>), AmqpError> {
    let message = Message::decode(payload).map_err(undecodable)?;
    let answer = match node {
        Node::Cbs => put_token(hub, grants, &message, origin).await,
        Node::Management => read(hub, grants, &message, origin).await,
    };
    let mut out = Vec::new();
    answer.write(message.properties.message_id, &mut out);
    Ok((out, message.properties.reply_to))
}

async fn put_token(hub: &Hub, grants: &mut Grants, message: &Message<'_>, origin: Origin) -> Answer {
    let property =
        |name| message.application_properties.find(name).and_then(|value| value.as_text()).unwrap_or_default();
    let operation = property(cbs::OPERATION);
    if !operation.eq_ignore_ascii_case(cbs::PUT_TOKEN) {
        return Answer::no(400, format!("operation `{}` is not served; $cbs takes put-token", shown(operation)));
    }
    let bytes: Vec<u8>;
    let token = match message.body {
        Body::Value(value) => value.as_text().unwrap_or_default(),
        Body::Data(data) => {
            bytes = data.pieces().collect::<Vec<_>>().concat();
            std::str::from_utf8(&bytes).unwrap_or_default()
        }
        _ => "",
    };
    let put = match cbs::bearer(token, property(cbs::TYPE)) {
        Some(token) => login::put_bearer(hub, grants, token),
        None => login::put_token(hub, grants, token).await,
    };
    match put {
        Ok(()) => Answer::ok(None),
        Err(refused) => {
            tracing::info!(hub = %hub.resource().name, "a token was refused: {refused}");
            let (status, why) = (refused.status(), refused.to_string());
            let code = status.to_string();
            match (Audience::of_token(token).identity(), &refused) {
                (Some((device, module)), _) => {
                    let id = module.map_or_else(|| device.to_owned(), |module| format!("{device}/{module}"));
                    noted::refused_by(hub, origin, &id, refused.cause(), (&code, &why));
                    grants.was_refused = true;
                }
                (None, TokenRefusal::Hub(refused)) => {
                    hub.note_service_refused(token, origin, refused, &code);
                    grants.was_refused = true;
                }
                (None, TokenRefusal::Nobody | TokenRefusal::TooMany) => {}
            }
            Answer::no(status, why)
        }
    }
}

/// Answers what the built-in endpoint or one of its partitions is.
async fn read(hub: &Hub, grants: &Grants, message: &Message<'_>, origin: Origin) -> Answer {
    let property =
        |name| message.application_properties.find(name).and_then(|value| value.as_text()).unwrap_or_default();
    let operation = property(cbs::OPERATION);
    if !operation.eq_ignore_ascii_case(management::READ) {
        return Answer::no(400, format!("operation `{}` is not served; $management takes READ", shown(operation)));
    }
    let entity = entity_of(hub);
    if let Err(refused) = grants.judge(hub, &Access::Management) {
        let token = property(management::SECURITY_TOKEN);
        let path = [AnyCase(&entity), AnyCase("$management")];
        if token.is_empty() || hub.authorize(token, &path, Right::ServiceConnect).is_err() {
            hub.note_service_refused(grants.last_token(), origin, &refused, "401");
            return Answer::no(401, refused.to_string());
        }
    }
    let name = property(management::NAME);
    if !name.eq_ignore_ascii_case(&entity) {
        return Answer::no(404, no_entity(name, &entity));
    }
    match property(management::TYPE) {
        management::EVENT_HUB => Answer::ok(Some(describe(hub, &entity))),
        management::PARTITION_TYPE => {
            let number;
            let partition = match message.application_properties.find(management::PARTITION) {
                Some(ValueRef::Int(value)) => {
                    number = value.to_string();
                    &number
                }
                Some(value) => value.as_text().unwrap_or_default(),
                None => "",
            };
            match describe_partition(hub, &entity, partition).await {
                Ok(map) => Answer::ok(Some(map)),
                Err(refused @ ReaderError::NoSuchPartition { .. }) => Answer::no(404, refused.to_string()),
                Err(refused) => Answer::no(500, refusal::reader_error(&refused).to_string()),
            }
        }
        other => {
            let other = shown(other);
            Answer::no(
                400,
                format!("type `{other}` is not served: com.microsoft:eventhub and com.microsoft:partition are"),
            )
        }
    }
}

/// Says that a name is not that of the built-in endpoint.
pub(crate) fn no_entity(name: &str, entity: &str) -> String {
    format!(
        "there is no event hub `{}` here: this hub's built-in endpoint is called `{entity}` (EntityPath)",
        shown(name)
    )
}

fn describe(hub: &Hub, entity: &str) -> Map {
    let ids = (0..hub.partition_count()).map(|partition| Value::string(&partition.to_string())).collect();
    map([
        (management::NAME, Value::string(entity)),
        (management::TYPE, Value::string(management::EVENT_HUB)),
        (management::CREATED_AT, Value::Timestamp(hub.resource().created.0)),
        (management::PARTITION_COUNT, Value::Int(hub.partition_count().into())),
        (management::PARTITION_IDS, Value::Array(Array::new(ids).unwrap_or_default())),
    ])
}

async fn describe_partition(hub: &Hub, entity: &str, partition: &str) -> Result<Map, ReaderError> {
    let state = hub.partition_state(partition).await?;
    let last = last_offset(&state).unwrap_or(-1);
    Ok(map([
        (management::NAME, Value::string(entity)),
        (management::TYPE, Value::string(management::PARTITION_TYPE)),
        (management::PARTITION, Value::string(partition)),
        (management::BEGIN_SEQUENCE_NUMBER, Value::Long(state.first.cast_signed())),
        (management::LAST_SEQUENCE_NUMBER, Value::Long(last)),
        (management::LAST_OFFSET, Value::string(&last.to_string())),
        (management::LAST_ENQUEUED_TIME, Value::Timestamp(state.last_enqueued.unwrap_or_default().0)),
        (management::IS_EMPTY, Value::Boolean(state.first == state.next)),
    ]))
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    Map(entries.into_iter().map(|(key, value)| (Value::string(key), value)).collect())
}

impl Answer {
    fn ok(body: Option<Map>) -> Self {
        Self { status: 200, description: "OK".to_owned(), body }
    }

    fn no(status: i32, description: String) -> Self {
        Self { status, description, body: None }
    }

    /// The correlation id is the request's message id with the very type it has.
    fn write(self, message_id: Option<MessageId<'_>>, out: &mut Vec<u8>) {
        let mut message = MessageWriter::new(out);
        message.properties(&Properties { correlation_id: message_id, ..Properties::default() });
        message.application_properties(|map| {
            map.int(cbs::STATUS_CODE, self.status);
            map.string(cbs::STATUS_DESCRIPTION, &self.description);
        });
        if let Some(body) = self.body {
            message.value(&Value::Map(body));
        }
    }
}
