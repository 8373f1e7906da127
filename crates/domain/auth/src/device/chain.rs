//! Certificates that devices and modules present.

use roadstead_model::{AuthMethod, DeviceAuth, UnixSeconds};

use super::{DeviceGrant, Subject};
use crate::{
    certificate::{self, Case},
    ground::Ground,
    refusal::{AuthRefusal, Means},
    trust::Trust,
};

/// A certificate that is registered, or has a path to a CA that is trusted.
pub(super) fn judge_chain(
    subject: Subject<'_>,
    chain: &[Vec<u8>],
    trust: &Trust,
    now: UnixSeconds,
) -> Result<DeviceGrant, AuthRefusal> {
    let (ground, path) = match subject.auth() {
        DeviceAuth::Thumbprints { primary, secondary } => {
            let leaf = certificate::read_leaf(chain)?;
            let registered = [primary.as_ref(), secondary.as_ref()];
            let matched = certificate::check_registered(&leaf, &subject.shown(), registered, now)?;
            (Ground::of_thumbprint(matched), vec![certificate::thumbprint(leaf.sha256())])
        }
        DeviceAuth::CertificateAuthority { through } => {
            let leaf = certificate::read_leaf(chain)?;
            certificate::check_common_name(&leaf, &subject.common_name(), Case::Exact)?;
            let path = match through {
                None => trust.find_path(chain, now)?,
                Some(through) => trust.find_path_through(chain, through, now)?,
            };
            (Ground::of_authority(through.as_ref()), path.thumbprints)
        }
        DeviceAuth::Sas { .. } => return Err(subject.wrong_means(Means::Token, Means::Certificate)),
        DeviceAuth::None => return Err(subject.wrong_means(Means::PolicyOnly, Means::Certificate)),
    };
    Ok(DeviceGrant { method: AuthMethod::X509, ground, expires_at: None, path })
}
