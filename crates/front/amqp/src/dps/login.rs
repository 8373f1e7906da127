//! Who wants to speak to DPS. A hub and DPS may share a host name, so what a client says tells: its user name in SASL, its SASL
//! mechanism, the host that `open` names, or the address of its first link. Source: `reference/dps.md` 1, 1.4

use roadstead_amqp_proto::{Attach, Open, connection::LinkId, sasl::SaslInit};
use roadstead_dps::Instances;
use roadstead_hub::Hubs;
use roadstead_wire::{
    amqp::{
        dps::Registrant,
        sasl_tpm::{self, parse_init},
    },
    dps_body::TpmKeys,
};

use crate::attach::end_of;

/// How a connection came to be DPS's, and what waits to be answered.
pub(crate) enum Greeting {
    /// SASL PLAIN, with the user name of a device of DPS.
    Plain { who: Registrant, token: String },
    /// The mechanism TPM; `None` if the initial response is not as it should be.
    Tpm(Option<(Registrant, TpmKeys)>),
    /// An `open`.
    Open(Box<Open>),
    /// The first link, of a client that may as well have spoken to a hub.
    Attach(LinkId, Box<Attach>),
}

impl Greeting {
    /// If the mechanism that a client chose is for DPS.
    pub(crate) fn by_sasl(init: &SaslInit<'_>) -> Option<Self> {
        let response = init.initial_response.unwrap_or_default();
        match init.mechanism {
            sasl_tpm::MECHANISM => Some(Self::Tpm(parse_init(response))),
            "PLAIN" => {
                let text = std::str::from_utf8(response).ok()?;
                let mut parts = text.splitn(3, '\0').skip(1);
                let (user, token) = (parts.next()?, parts.next()?);
                Some(Self::Plain { who: Registrant::parse(user)?, token: token.to_owned() })
            }
            _ => None,
        }
    }

    /// If `open` names an instance's host and no hub's; or nobody's, and the client has a certificate: who registers with one
    /// names any host that leads here.
    pub(crate) fn by_open(hubs: &Hubs, dps: &Instances, open: &Open, has_certificate: bool) -> Option<Self> {
        let name = open.hostname.as_deref().unwrap_or_default();
        let host = name.rsplit_once(':').map_or(name, |(host, _)| host);
        let is_dps = hubs.by_host(name).is_none() && (has_certificate || dps.find_by_host(host).is_some());
        is_dps.then(|| Self::Open(Box::new(open.clone())))
    }

    /// If a link is one of DPS.
    pub(crate) fn by_attach(link: LinkId, attach: &Attach) -> Option<Self> {
        Registrant::parse(end_of(attach).0)?;
        Some(Self::Attach(link, Box::new(attach.clone())))
    }
}
