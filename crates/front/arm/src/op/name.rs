//! Whether a name is free.

use roadstead_resources::ResourceError;
use roadstead_wire::arm::{NameAvailability, NameQuery, Unavailable};

use crate::{arm::Arm, call::Call, refusal::Refusal, reply::Reply};

pub(crate) fn check_hub(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: NameQuery = call.json()?;
    Ok(answer(arm.resources.hub_name_refusal(&asked.name)))
}

pub(crate) fn check_dps(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: NameQuery = call.json()?;
    Ok(answer(arm.resources.dps_name_refusal(&asked.name)))
}

fn answer(refusal: Option<ResourceError>) -> Reply {
    Reply::ok(&match refusal {
        None => NameAvailability::available(),
        Some(taken @ ResourceError::NameTaken { .. }) => {
            NameAvailability::unavailable(Unavailable::AlreadyExists, taken.to_string())
        }
        Some(invalid) => NameAvailability::unavailable(Unavailable::Invalid, invalid.to_string()),
    })
}
