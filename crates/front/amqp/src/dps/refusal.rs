//! From the refusals of DPS to AMQP's errors: the condition by the code's status, the JSON of all protocols as its description.

use roadstead_amqp_proto::{AmqpError, Map, Value, condition as standard};
use roadstead_dps::DpsError;
use roadstead_model::Clock;
use roadstead_wire::{
    DpsCode,
    amqp::{condition as azure, dps::RETRY_AFTER},
    dps_error::DpsError as ErrorBody,
};
use tracing::{error, info};
use uuid::Uuid;

use crate::{Caller, end::shown};

/// Node asks again for `amqp:internal-error` and throttling alone; C# reads the code in the description.
/// Source: `reference/dps.md` 1.4; `guess (?)` for 400, 404, 409 and 412
fn condition(code: u32) -> &'static str {
    match code / 1000 {
        400 => azure::ARGUMENT_ERROR,
        401 => standard::UNAUTHORIZED_ACCESS,
        404 => standard::NOT_FOUND,
        409 | 412 => azure::PRECONDITION_FAILED,
        429 => azure::DEVICE_CONTAINER_THROTTLED,
        _ => standard::INTERNAL_ERROR,
    }
}

/// Whether a device is turned away, and not only its request.
pub(crate) fn is_unauthorized(refused: &DpsError) -> bool {
    refused.code() / 1000 == 401
}

/// What a client is told of a refusal, and a line in the log with the same tracking id.
pub(crate) fn worded(refused: &DpsError, registration_id: &str, caller: &Caller, clock: &dyn Clock) -> AmqpError {
    let tracking_id = Uuid::new_v4().to_string();
    let code = refused.code();
    let (connection, registration) = (caller.connection, shown(registration_id));
    let message = match refused {
        DpsError::Internal(cause) => {
            error!(connection, registration, tracking_id, %cause, "a registration failed");
            "internal error".to_owned()
        }
        refused => {
            info!(connection, registration, tracking_id, code, "registration refused: {refused}");
            refused.to_string()
        }
    };
    let code = DpsCode::of_number(code).unwrap_or(DpsCode::Internal);
    let body = ErrorBody::new(code, message, tracking_id, clock.now()).to_json();
    let info = match refused {
        DpsError::Throttled { retry_after_s } => {
            let seconds = Value::Int(i32::try_from(*retry_after_s).unwrap_or(i32::MAX));
            Map(RETRY_AFTER.iter().map(|key| (Value::symbol(key), seconds.clone())).collect())
        }
        _ => Map::default(),
    };
    AmqpError { info, ..AmqpError::new(condition(code.number()), &String::from_utf8_lossy(&body)) }
}
