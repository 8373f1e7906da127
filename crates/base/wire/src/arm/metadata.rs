//! How `az` learns where everything is. Source: `reference/arm-and-az.md` 2, measured with three versions of `az`

use serde_json::{Value, json};

/// This installation as a "cloud". `url` has no slash at its end: `https://localhost:8443`.
#[derive(Debug, Clone, Copy)]
pub struct Cloud<'a> {
    pub name: &'a str,
    pub url: &'a str,
    pub tenant: &'a str,
}

impl Cloud<'_> {
    /// `GET /metadata/endpoints`: three shapes, by API version. 2015-01-01 for az 2.66; 2019-05-01, a list, for
    /// `ARM_CLOUD_METADATA_URL`; every other version as 2022-09-01, one object, for az 2.77 and later.
    pub fn endpoints(&self, api_version: &str) -> Value {
        match api_version {
            "2015-01-01" => json!({
                "galleryEndpoint": self.url,
                "graphEndpoint": self.url,
                "portalEndpoint": self.url,
                "authentication": { "loginEndpoint": self.authority(), "audiences": [self.url] },
            }),
            "2019-05-01" => json!([self.document()]),
            _ => self.document(),
        }
    }

    fn document(&self) -> Value {
        json!({
            "name": self.name,
            "portal": self.url,
            "authentication": {
                "loginEndpoint": self.authority(),
                "audiences": [self.url],
                "tenant": self.tenant,
                "identityProvider": "ADFS",
            },
            "resourceManager": self.url,
            "graphAudience": self.url,
            "microsoftGraphResourceId": self.url,
            "gallery": self.url,
            "media": self.url,
            "batch": self.url,
            "suffixes": {},
        })
    }

    /// `GET /adfs/.well-known/openid-configuration`.
    pub fn openid_configuration(&self) -> Value {
        let authority = self.authority();
        json!({
            "issuer": authority,
            "authorization_endpoint": format!("{authority}/oauth2/authorize"),
            "token_endpoint": format!("{authority}/oauth2/token"),
            "device_authorization_endpoint": format!("{authority}/oauth2/devicecode"),
            "jwks_uri": format!("{authority}/discovery/keys"),
        })
    }

    /// `GET /{tenant}/v2.0/.well-known/openid-configuration`, as Entra has it: what `azure-identity` asks for, told the
    /// tenant and this host. MSAL for Node refuses an answer without any of these members, or with an issuer elsewhere.
    /// Source: msal-common `Authority.mjs`; msal (Python) `authority.py`
    pub fn tenant_openid_configuration(&self) -> Value {
        let tenant = format!("{}/{}", self.url, self.tenant);
        json!({
            "issuer": self.tenant_issuer(),
            "authorization_endpoint": format!("{tenant}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{tenant}/oauth2/v2.0/token"),
            "device_authorization_endpoint": format!("{tenant}/oauth2/v2.0/devicecode"),
            "jwks_uri": format!("{tenant}/discovery/v2.0/keys"),
        })
    }

    /// The issuer of the tokens that are asked for as of AD FS: `https://localhost:8443/adfs`.
    pub fn adfs_issuer(&self) -> String {
        self.authority()
    }

    /// The same, asked for as of Entra: `https://localhost:8443/7a0e…/v2.0`.
    pub fn tenant_issuer(&self) -> String {
        format!("{}/{}/v2.0", self.url, self.tenant)
    }

    /// Ends in `/adfs`, without a slash, so that MSAL does not ask the public cloud whether it exists.
    fn authority(&self) -> String {
        format!("{}/adfs", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOUD: Cloud<'static> = Cloud { name: "Roadstead", url: "https://localhost:8443", tenant: "T" };

    #[test]
    fn each_version_its_shape() {
        let old = CLOUD.endpoints("2015-01-01");
        assert_eq!(
            old["authentication"],
            json!({"loginEndpoint": "https://localhost:8443/adfs", "audiences": ["https://localhost:8443"]})
        );
        let new = CLOUD.endpoints("2022-09-01");
        assert_eq!((&new["name"], &new["suffixes"]), (&json!("Roadstead"), &json!({})));
        assert_eq!(new["authentication"]["loginEndpoint"], "https://localhost:8443/adfs");
        assert_eq!(CLOUD.endpoints("2019-05-01"), json!([new]));
        assert_eq!(CLOUD.endpoints(""), new);
        assert_eq!(CLOUD.openid_configuration()["token_endpoint"], "https://localhost:8443/adfs/oauth2/token");
        let tenant = CLOUD.tenant_openid_configuration();
        assert_eq!(tenant["token_endpoint"], "https://localhost:8443/T/oauth2/v2.0/token");
        assert_eq!(tenant["issuer"], "https://localhost:8443/T/v2.0");
    }
}
