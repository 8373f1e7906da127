//! `az login --service-principal -u ID --federated-token TOKEN`

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::Method;
use parking_lot::Mutex;
use roadstead_auth::issuer::IssuerKeys;
use roadstead_resources::federation::{IssuerPeople, Issuers, TrustedIssuer};
use serde_json::{Value, json};

use crate::world::{NOW, World};

pub const ISSUER: &str = "https://login.example/";
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// Of this server where people log in.
pub const CLIENT: &str = "portal";
/// Trusted for service principals only.
pub const WORKLOADS: &str = "https://workloads.example";

/// The configuration trusts one issuer, which changes its key when a test says so: those who ask hear of the new one when they
/// ask again.
pub struct OneIssuer {
    kept: Mutex<Arc<IssuerKeys>>,
    key: Mutex<EcdsaKeyPair>,
    asked: AtomicUsize,
    renewals: AtomicUsize,
    /// The configuration does not name it any more.
    gone: AtomicBool,
}

impl Default for OneIssuer {
    fn default() -> Self {
        let key = new_key();
        Self {
            kept: Mutex::new(Arc::new(jwks(&key))),
            key: Mutex::new(key),
            asked: AtomicUsize::new(0),
            renewals: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
        }
    }
}

#[async_trait::async_trait]
impl Issuers for OneIssuer {
    async fn find(&self, issuer: &str, renew: bool) -> Result<Option<TrustedIssuer>, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if renew {
            self.renewals.fetch_add(1, Ordering::SeqCst);
            *self.kept.lock() = Arc::new(jwks(&self.key.lock()));
        }
        let (client_id, user_claim) = (CLIENT.to_owned(), "preferred_username".to_owned());
        let people = (issuer == ISSUER).then_some(IssuerPeople { client_id, user_claim });
        let trusted = TrustedIssuer { audience: AUDIENCE.to_owned(), keys: self.kept.lock().clone(), people };
        Ok(([ISSUER, WORKLOADS].contains(&issuer) && !self.is_gone()).then_some(trusted))
    }

    fn lets_people_in(&self, issuer: &str) -> bool {
        issuer == ISSUER && !self.is_gone()
    }
}

fn new_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

/// The key's id is a part of it.
fn kid(key: &EcdsaKeyPair) -> String {
    URL_SAFE_NO_PAD.encode(&key.public_key().as_ref()[1..9])
}

fn jwks(key: &EcdsaKeyPair) -> IssuerKeys {
    let (point, encode) = (key.public_key().as_ref(), |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes));
    let key =
        json!({"kty": "EC", "crv": "P-256", "kid": kid(key), "x": encode(&point[1..33]), "y": encode(&point[33..])});
    IssuerKeys::parse(json!({"keys": [key]}).to_string().as_bytes()).unwrap()
}

impl OneIssuer {
    pub fn set_gone(&self, is_gone: bool) {
        self.gone.store(is_gone, Ordering::SeqCst);
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// How often its keys were asked for again.
    pub fn renewals(&self) -> usize {
        self.renewals.load(Ordering::SeqCst)
    }

    pub fn change_key(&self) {
        *self.key.lock() = new_key();
    }

    fn token(&self, changes: &Value) -> String {
        self.signed(json!({"alg": "ES256"}), changes)
    }

    /// Of a person, as it is now.
    pub fn id_token(&self, changes: &Value) -> String {
        let mut claims = json!({"aud": CLIENT, "sub": "f81d", "iat": NOW.seconds().0, "exp": NOW.seconds().0 + 3600,
            "preferred_username": "Lena@example.com", "nonce": "n"});
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.token(&claims)
    }

    pub fn signed(&self, mut head: Value, changes: &Value) -> String {
        let key = self.key.lock();
        head["kid"] = json!(kid(&key));
        let mut claims = json!({"iss": ISSUER, "sub": "repo:plant", "aud": AUDIENCE, "exp": NOW.seconds().0 + 60});
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(head), part(claims));
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[tokio::test]
async fn an_issuers_word_counts_where_configuration_and_owner_say_so() {
    let world = World::empty().await;
    let issuer = &world.issuer;
    let (id, _) = world.service(&[]).await;
    let credentials = format!("/v1.0/servicePrincipals/{id}/federatedIdentityCredentials");
    let body = |name: &str, issuer: &str| json!({"name": name, "issuer": issuer, "subject": "repo:plant"});
    let log_in = async |id: &str, token: String| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_assertion_type", kind),
            ("client_assertion", &token),
        ];
        let answer = world.form("/adfs/oauth2/token", &fields).await;
        (answer.status, answer.body)
    };
    let id = id.to_string();
    let good = || issuer.token(&json!({}));
    assert_eq!(log_in(&id, good()).await.0, 401, "no owner said so");
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 0, "strangers send this server nowhere");
    assert_eq!(world.post(&credentials, body("ci", ISSUER)).await.status, 201);
    assert_eq!(world.post(&credentials, body("CI", ISSUER)).await.refusal().1, "InvalidParameter");
    assert_eq!(world.post(&credentials, body("else", "https://elsewhere.example")).await.status, 201);
    assert_eq!(world.get(&credentials).await.body["value"][0]["subject"], "repo:plant");

    let (status, given) = log_in(&id, good()).await;
    assert_eq!(status, 200, "{given}");
    let token = given["access_token"].as_str().unwrap();
    assert_eq!(world.ask_as(token, Method::GET, "/v1.0/me", None, Value::Null).await.body["id"], id);
    for (changes, text) in [
        (json!({"sub": "repo:other"}), "unknown client id, or wrong client secret, or one that expired"),
        (json!({"aud": "x"}), "the token is of another issuer, or not for this server (iss, aud)"),
        (json!({"exp": 1}), "the token is not in date; get a new one, or correct the clock of its issuer"),
        (
            json!({"iss": "https://elsewhere.example"}),
            "the issuer `https://elsewhere.example` cannot be asked: the configuration does not trust it",
        ),
    ] {
        let (status, refusal) = log_in(&id, issuer.token(&changes)).await;
        assert_eq!((status, &refusal["error_description"]), (401, &json!(text)));
    }
    assert_eq!(log_in(&id, "a.b.c".to_owned()).await.0, 401);
    assert_eq!(log_in(&id.replace('-', ""), good()).await.0, 401);

    issuer.change_key();
    assert_eq!(log_in(&id, good()).await.0, 200, "a new key is asked for");
    assert_eq!(world.delete(&format!("{credentials}/ci")).await.status, 204);
    assert_eq!(world.ask_as(token, Method::GET, "/v1.0/me", None, Value::Null).await.status, 401);
    assert_eq!(log_in(&id, good()).await.0, 401);
}
