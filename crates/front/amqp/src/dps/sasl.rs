//! The mechanism TPM, step by step.

use std::collections::VecDeque;

use roadstead_dps::Instances;
use roadstead_model::Origin;
use roadstead_wire::{
    amqp::{dps::Registrant, sasl_tpm},
    dps_body::TpmKeys,
};

use super::Device;
use crate::end::shown;

/// How far it is.
pub(crate) enum TpmExchange {
    /// Not begun, or done.
    Rests,
    /// The storage root key is asked for.
    Begun(Box<(Registrant, TpmKeys)>),
    /// What is still to be sent of the challenge; when there is nothing, a token is waited for.
    Challenged(VecDeque<Vec<u8>>),
}

/// What comes of a response.
pub(crate) enum Turn {
    Challenge(Vec<u8>),
    /// The device has named itself, and what it proves itself with; whether that holds is judged at `open`.
    Done,
    /// Not as the mechanism has it; the reason is for the log.
    Refused(String),
}

impl TpmExchange {
    /// Takes the response to the challenge before.
    pub(crate) async fn respond(
        &mut self,
        instances: &Instances,
        origin: Origin,
        device: &mut Option<Device>,
        response: &[u8],
    ) -> Turn {
        match std::mem::replace(self, Self::Rests) {
            Self::Rests => Turn::Refused("a SASL response to no challenge".to_owned()),
            Self::Begun(init) => {
                let (who, mut keys) = *init;
                let Some(key) = sasl_tpm::parse_storage_root_key(response) else {
                    return Turn::Refused("SASL TPM without a storage root key".to_owned());
                };
                keys.storage_root_key = Some(key);
                let id = shown(&who.registration_id);
                let mut named = Device::new(instances, who, None, origin);
                match named.challenge(keys).await {
                    Ok(challenge) => {
                        *device = Some(named);
                        self.challenge(sasl_tpm::pieces(&challenge).into())
                    }
                    Err(refused) => {
                        let who = &named.who;
                        instances.note_refused(&who.id_scope, &who.registration_id, origin, &refused);
                        Turn::Refused(format!("SASL TPM of device `{id}`: {refused}"))
                    }
                }
            }
            // Whatever it says to a piece means that it has taken it.
            Self::Challenged(pieces) if !pieces.is_empty() => self.challenge(pieces),
            Self::Challenged(_) => match (sasl_tpm::parse_token(response), device) {
                (Some(token), Some(device)) => {
                    device.answers(token);
                    Turn::Done
                }
                _ => Turn::Refused("SASL TPM without a token in the end".to_owned()),
            },
        }
    }

    fn challenge(&mut self, mut pieces: VecDeque<Vec<u8>>) -> Turn {
        let piece = pieces.pop_front().unwrap_or_default();
        *self = Self::Challenged(pieces);
        Turn::Challenge(piece)
    }
}
