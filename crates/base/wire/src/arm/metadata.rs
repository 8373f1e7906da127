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
    }
}
