//! Which word a refusal of `auth` has.

use roadstead_auth::AuthRefusal;
use roadstead_model::RefusalCause;
use roadstead_pki::{PathRefusal, Unfit, UnfitCertificate};

/// The word for a refused login.
pub fn of_auth(refusal: &AuthRefusal) -> RefusalCause {
    match refusal {
        AuthRefusal::NoCredentials => RefusalCause::NoCredentials,
        AuthRefusal::Token(_) => RefusalCause::BadToken,
        AuthRefusal::Expired(_) => RefusalCause::TokenExpired,
        AuthRefusal::Scope { .. } => RefusalCause::WrongAudience,
        AuthRefusal::Signature { .. } | AuthRefusal::DevicesKey { .. } => RefusalCause::WrongKey,
        AuthRefusal::KeyName { .. }
        | AuthRefusal::NoPolicyNamed
        | AuthRefusal::NoSuchPolicy { .. }
        | AuthRefusal::PolicyLacks { .. }
        | AuthRefusal::Bearer(_)
        | AuthRefusal::RoleLacks { .. } => RefusalCause::WrongPolicy,
        AuthRefusal::Means { .. } => RefusalCause::WrongMeans,
        AuthRefusal::Certificate { .. } => RefusalCause::BadCertificate,
        AuthRefusal::Unfit(unfit) => of_unfit(unfit),
        AuthRefusal::Thumbprint { .. } => RefusalCause::WrongCertificate,
        AuthRefusal::CommonName { .. } | AuthRefusal::NoCommonName(_) => RefusalCause::WrongCommonName,
        AuthRefusal::Path(path) => of_path(path),
        AuthRefusal::NotThrough { .. } => RefusalCause::UntrustedPath,
        AuthRefusal::DeviceDisabled { .. } => RefusalCause::DeviceDisabled,
    }
}

fn of_path(refusal: &PathRefusal) -> RefusalCause {
    match refusal {
        PathRefusal::NoCertificate => RefusalCause::NoCredentials,
        PathRefusal::TooMany { .. } | PathRefusal::TooLarge { .. } | PathRefusal::Unreadable { .. } => {
            RefusalCause::BadCertificate
        }
        PathRefusal::Unfit(unfit) => of_unfit(unfit),
        PathRefusal::CommonName { .. } => RefusalCause::WrongCommonName,
        PathRefusal::SelfSigned { .. }
        | PathRefusal::UnknownIssuer { .. }
        | PathRefusal::NameEncoding { .. }
        | PathRefusal::UnknownRoot { .. }
        | PathRefusal::Unverified { .. } => RefusalCause::UnknownIssuer,
        PathRefusal::Issuer { .. }
        | PathRefusal::Signature { .. }
        | PathRefusal::TooLong { .. }
        | PathRefusal::OverBudget { .. } => RefusalCause::UntrustedPath,
    }
}

fn of_unfit(unfit: &UnfitCertificate) -> RefusalCause {
    match unfit.fault {
        Unfit::Expired { .. } | Unfit::NotYetValid { .. } => RefusalCause::CertificateExpired,
        _ => RefusalCause::BadCertificate,
    }
}
