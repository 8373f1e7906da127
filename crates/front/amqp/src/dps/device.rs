//! A device that speaks to DPS: who it says it is, what it proves it with, and its requests.

use roadstead_amqp_proto::message::{Body, Message, MessageWriter, Properties};
use roadstead_auth::Evidence;
use roadstead_dps::{
    Challenge, DpsError, DpsSession, Instances, OperationStatus, RegistrationRequest, TpmKeys, limits::RETRY_AFTER_S,
};
use roadstead_model::{Origin, RegistrationId};
use roadstead_wire::{
    amqp::dps::{self, Registrant},
    dps_body::{self, DeviceRegistration, RegistrationOperationStatus},
};

use crate::end::shown;

/// Every call judges it anew.
pub(crate) struct Device {
    pub(crate) who: Registrant,
    session: Result<DpsSession, DpsError>,
    token: Option<String>,
    /// Its TPM's, if it came with the mechanism TPM.
    tpm: Option<TpmKeys>,
    /// Why nothing that it asks for will be done.
    refusal: Option<DpsError>,
}

/// Why a request came to nothing.
pub(crate) enum Refused {
    Dps(DpsError),
    /// There is no such operation.
    Operation(String),
}

impl Device {
    pub(crate) fn new(instances: &Instances, who: Registrant, token: Option<String>, origin: Origin) -> Self {
        let session = open(instances, &who).map(|session| session.seen_from(origin));
        Self { who, session, token, tpm: None, refusal: None }
    }

    /// When it must be sent away; its reason.
    pub(crate) async fn closed(&self) -> &'static str {
        match &self.session {
            Ok(session) => session.closed().await,
            Err(_) => std::future::pending().await,
        }
    }

    /// What its TPM must take in. A stranger is refused later: a client that waits for its challenge hears nothing else.
    pub(crate) async fn challenge(&mut self, keys: dps_body::TpmKeys) -> Result<Vec<u8>, DpsError> {
        let keys = keys_of(keys);
        let Challenge { authentication_key, refusal } = self.session()?.challenge(&keys).await?;
        (self.tpm, self.refusal) = (Some(keys), refusal);
        Ok(authentication_key)
    }

    /// Takes note of the token that its TPM signed.
    pub(crate) fn answers(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    /// Judges whether it may be here.
    pub(crate) async fn authenticate(&self, chain: &[Vec<u8>]) -> Result<(), DpsError> {
        self.session()?.authenticate(&Evidence { token: self.token.as_deref(), chain }).await
    }

    /// Does what a message asks for: the message that answers it.
    pub(crate) async fn answer(
        &self,
        message: &Message<'_>,
        api_version: &str,
        chain: &[Vec<u8>],
    ) -> Result<Vec<u8>, Refused> {
        let text =
            |name| message.application_properties.find(name).and_then(|value| value.as_text()).unwrap_or_default();
        let evidence = Evidence { token: self.token.as_deref(), chain };
        let operation = match text(dps::OPERATION_TYPE) {
            dps::REGISTER => self.register(message, api_version, &evidence).await,
            dps::GET_OPERATION_STATUS => self.operation_status(text(dps::OPERATION_ID), &evidence).await,
            other => return Err(Refused::Operation(shown(other))),
        };
        operation.map(|operation| worded(&operation, message)).map_err(Refused::Dps)
    }

    async fn register(
        &self,
        message: &Message<'_>,
        api_version: &str,
        evidence: &Evidence<'_>,
    ) -> Result<OperationStatus, DpsError> {
        let body = match message.body {
            Body::Data(data) => data.pieces().collect::<Vec<_>>().concat(),
            _ => Vec::new(),
        };
        let body = DeviceRegistration::parse(&body)
            .map_err(|error| DpsError::Invalid { member: "body", fault: error.to_string() })?;
        let request = RegistrationRequest {
            registration_id: body.registration_id,
            payload: body.payload,
            api_version: api_version.to_owned(),
            tpm: body.tpm.map(keys_of).or_else(|| self.tpm.clone()),
        };
        self.session()?.register(evidence, request).await
    }

    async fn operation_status(&self, id: &str, evidence: &Evidence<'_>) -> Result<OperationStatus, DpsError> {
        self.session()?.operation_status(evidence, id).await
    }

    fn session(&self) -> Result<&DpsSession, DpsError> {
        match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => self.session.as_ref().map_err(Clone::clone),
        }
    }
}

/// The session, or why every request will be refused.
fn open(instances: &Instances, who: &Registrant) -> Result<DpsSession, DpsError> {
    let instance = instances.find(&who.id_scope)?;
    match RegistrationId::parse(&who.registration_id) {
        Ok(id) => Ok(instance.session(id)),
        Err(error) => Err(DpsError::Invalid { member: "registrationId", fault: error.to_string() }),
    }
}

fn keys_of(keys: dps_body::TpmKeys) -> TpmKeys {
    let dps_body::TpmKeys { endorsement_key, storage_root_key } = keys;
    TpmKeys { endorsement_key, storage_root_key }
}

/// One data section, as the C SDK takes nothing else, with the correlation id of the request. Source: `reference/dps.md` 1.4
fn worded(operation: &OperationStatus, request: &Message<'_>) -> Vec<u8> {
    let is_under_way = operation.state.is_none();
    let mut out = Vec::new();
    let mut message = MessageWriter::new(&mut out);
    let correlation_id = request.properties.correlation_id;
    message.properties(&Properties { correlation_id, ..Properties::default() });
    message.application_properties(|map| {
        map.int(dps::STATUS, if is_under_way { 202 } else { 200 });
        for name in dps::RETRY_AFTER.iter().filter(|_| is_under_way) {
            map.int(name, i32::try_from(RETRY_AFTER_S).unwrap_or(i32::MAX));
        }
    });
    message.data(&RegistrationOperationStatus::from(operation).to_json());
    out
}
