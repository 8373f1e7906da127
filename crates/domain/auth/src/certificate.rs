//! The leaf that a caller presented.

use roadstead_model::{Thumbprint, UnixSeconds};
use roadstead_pki::{Certificate, check_leaf};

use crate::{refusal::AuthRefusal, scope::shown};

/// How a leaf's CN is compared with an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Device ids of a hub.
    Exact,
    /// Registration ids of DPS.
    Ignored,
}

/// Reads the leaf, the first certificate of a chain.
///
/// Errors: [`AuthRefusal::NoCredentials`], [`AuthRefusal::Certificate`].
pub fn read_leaf(chain: &[Vec<u8>]) -> Result<Certificate, AuthRefusal> {
    let der = chain.first().ok_or(AuthRefusal::NoCredentials)?;
    Certificate::from_der(der).map_err(|fault| AuthRefusal::Certificate { position: 0, fault })
}

/// Checks that the leaf is one of those `registered` for `owner` (primary, secondary) and in date, and says which. Issuer
/// and path do not matter.
///
/// Errors: [`AuthRefusal::Thumbprint`], [`AuthRefusal::Unfit`]. Source: `reference/hub-device.md` 4.2, `reference/dps.md` 2.4
pub fn check_registered<'a>(
    leaf: &Certificate,
    owner: &str,
    registered: [Option<&'a Thumbprint>; 2],
    now: UnixSeconds,
) -> Result<&'a Thumbprint, AuthRefusal> {
    let (sha1, sha256) = (thumbprint(leaf.sha1()), thumbprint(leaf.sha256()));
    let Some(matched) = registered.into_iter().flatten().find(|registered| [&sha1, &sha256].contains(registered))
    else {
        let [primary, secondary] = registered.map(Option::<&Thumbprint>::cloned);
        return Err(AuthRefusal::Thumbprint { owner: owner.to_owned(), sha1, sha256, primary, secondary });
    };
    check_leaf(leaf, now.0)?;
    Ok(matched)
}

/// Checks that the leaf speaks for `id`.
///
/// Errors: [`AuthRefusal::CommonName`], [`AuthRefusal::NoCommonName`].
pub fn check_common_name(leaf: &Certificate, id: &str, case: Case) -> Result<(), AuthRefusal> {
    let presented = leaf.common_name().map_err(AuthRefusal::NoCommonName)?;
    let same = match case {
        Case::Exact => presented == id,
        Case::Ignored => presented.eq_ignore_ascii_case(id),
    };
    if same { Ok(()) } else { Err(AuthRefusal::CommonName { presented: shown(presented), expected: id.to_owned() }) }
}

/// A certificate's digest in the form in which records hold it.
pub fn thumbprint(of: roadstead_pki::Thumbprint) -> Thumbprint {
    Thumbprint::parse(&of.to_string()).expect("a digest prints as 40 or 64 hex digits")
}
