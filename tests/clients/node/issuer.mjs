// An OpenID provider: `oidc-provider` as it is, with the login pages that it brings along. Whoever logs in is who they say.
//
// node issuer.mjs PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI...     without a secret, "", it is a public client
URL.parse ??= (text) => (URL.canParse(text) ? new URL(text) : null); // Node.js 20 has none yet
const { Provider } = await import("oidc-provider");

const [port, clientId, clientSecret, ...redirectUris] = process.argv.slice(2);
const proof = clientSecret ? { client_secret: clientSecret } : { token_endpoint_auth_method: "none" };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: clientId, redirect_uris: redirectUris, ...proof }],
  claims: { openid: ["sub"], profile: ["preferred_username", "name"], email: ["email", "email_verified"] },
  conformIdTokenClaims: false, // names belong into the ID token, too
  cookies: { keys: ["test"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: `${id}@example.com`, name: id }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
