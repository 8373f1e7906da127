//! Entries of journals. How often and since when refusals that are alike were is beside the text, as engines add it up.

use std::{borrow::Cow, net::IpAddr};

use roadstead_model::{
    AuthMethod, DeviceProtocol, DisconnectReason, Happening, JournalOwner, Origin, RefusalCause, RefusalEntry,
    UnixMillis, What,
};
use serde::{Deserialize, Serialize};

use super::{V1, Vault, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HappeningV1<'a> {
    v: V1,
    id: Cow<'a, str>,
    what: WhatV1<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum WhatV1<'a> {
    Refused { origin: OriginV1, target: Cow<'a, str>, cause: Cow<'a, str>, code: Cow<'a, str>, message: Cow<'a, str> },
    Connected { origin: Option<OriginV1>, method: u8 },
    Disconnected { reason: Cow<'a, str> },
    Registered { origin: Option<OriginV1>, hub: Cow<'a, str>, enrollment: Cow<'a, str>, is_group: bool },
    Created,
    Deleted,
    Enabled,
    Disabled,
    CredentialsChanged,
    TwinUpdated { version: i64 },
}

#[derive(Serialize, Deserialize)]
struct OriginV1 {
    protocol: String,
    address: Option<IpAddr>,
}

impl From<Origin> for OriginV1 {
    fn from(origin: Origin) -> Self {
        Self { protocol: origin.protocol.as_str().to_owned(), address: origin.address }
    }
}

/// What an entry's text says, without what stands beside it.
pub fn encode(happening: &Happening) -> String {
    let what = match &happening.what {
        What::Refused(RefusalEntry { origin, target, cause, code, message, .. }) => WhatV1::Refused {
            origin: (*origin).into(),
            target: target.into(),
            cause: cause.as_str().into(),
            code: code.into(),
            message: message.into(),
        },
        What::Connected { origin, method } => {
            WhatV1::Connected { origin: origin.map(Into::into), method: *method as u8 }
        }
        What::Disconnected(reason) => WhatV1::Disconnected { reason: reason.as_str().into() },
        What::Registered { origin, hub, enrollment, is_group } => WhatV1::Registered {
            origin: origin.map(Into::into),
            hub: hub.into(),
            enrollment: enrollment.into(),
            is_group: *is_group,
        },
        What::Created => WhatV1::Created,
        What::Deleted => WhatV1::Deleted,
        What::Enabled => WhatV1::Enabled,
        What::Disabled => WhatV1::Disabled,
        What::CredentialsChanged => WhatV1::CredentialsChanged,
        What::TwinUpdated { version } => WhatV1::TwinUpdated { version: *version },
    };
    write(&HappeningV1 { v: V1, id: Cow::Borrowed(&happening.id), what })
}

/// Reads an entry of `owner`'s journal, with what stood beside its text.
/// Errors: `Unreadable`.
pub fn decode(
    text: &str,
    owner: &JournalOwner,
    at: UnixMillis,
    (count, since): (u64, UnixMillis),
    vault: Vault<'_>,
) -> Result<Happening, StoreError> {
    let read: HappeningV1<'_> = vault.read(text)?;
    let unknown = |word: &str| vault.damaged(format_args!("`{word}` is no word of this form"));
    let origin = |origin: OriginV1| {
        let protocol = DeviceProtocol::from_word(&origin.protocol).ok_or_else(|| unknown(&origin.protocol))?;
        Ok::<_, StoreError>(Origin { protocol, address: origin.address })
    };
    let what = match read.what {
        WhatV1::Refused { origin: from, target, cause, code, message } => What::Refused(RefusalEntry {
            origin: origin(from)?,
            target: target.into_owned(),
            cause: RefusalCause::from_word(&cause).ok_or_else(|| unknown(&cause))?,
            code: code.into_owned(),
            message: message.into_owned(),
            count,
            since,
        }),
        WhatV1::Connected { origin: from, method } => What::Connected {
            origin: from.map(origin).transpose()?,
            method: AuthMethod::from_code(method).ok_or_else(|| unknown(&method.to_string()))?,
        },
        WhatV1::Disconnected { reason } => {
            What::Disconnected(DisconnectReason::from_word(&reason).ok_or_else(|| unknown(&reason))?)
        }
        WhatV1::Registered { origin: from, hub, enrollment, is_group } => What::Registered {
            origin: from.map(origin).transpose()?,
            hub: hub.into_owned(),
            enrollment: enrollment.into_owned(),
            is_group,
        },
        WhatV1::Created => What::Created,
        WhatV1::Deleted => What::Deleted,
        WhatV1::Enabled => What::Enabled,
        WhatV1::Disabled => What::Disabled,
        WhatV1::CredentialsChanged => What::CredentialsChanged,
        WhatV1::TwinUpdated { version } => What::TwinUpdated { version },
    };
    Ok(Happening { owner: owner.clone(), id: read.id.into_owned(), at, what })
}
