//! A NATS server whose clients are told apart by signed accounts, as `nsc` makes them, with a user of the system account.
//! Must not know what is tested.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use nkeys::KeyPair;
use serde_json::{Value, json};

use super::test_server::NatsServer;

/// Starts a server that syncs each write, and returns it with the credentials of a user of its system account.
pub(super) fn start() -> (NatsServer, PathBuf) {
    let (operator, account, user) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_user());
    let (system, name) = (account.public_key(), user.public_key());
    let limits = json!({ "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1 });
    let operator_token = signed(
        &operator,
        &operator.public_key(),
        &json!({ "type": "operator", "version": 2, "system_account": system }),
    );
    let account_token = signed(&operator, &system, &json!({ "type": "account", "version": 2, "limits": limits }));
    let user_token =
        signed(&account, &name, &json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 }));
    let config = format!(
        "operator: {operator_token}\nsystem_account: {system}\nresolver: MEMORY\nresolver_preload: {{ {system}: \
         {account_token} }}\njetstream {{ sync_interval: always }}\n"
    );
    let server = NatsServer::start_with_file(&config);
    let credentials = server.file("creds");
    let seed = user.seed().unwrap();
    let text = format!(
        "-----BEGIN NATS USER JWT-----\n{user_token}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY \
         SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    );
    fs::write(&credentials, text).unwrap();
    (server, credentials)
}

/// Returns a token about `subject`, signed by `issuer`.
fn signed(issuer: &KeyPair, subject: &str, claims: &Value) -> String {
    let head = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let body = json!({ "jti": subject, "iat": 1_700_000_000, "iss": issuer.public_key(), "name": "test",
        "sub": subject, "nats": claims });
    let text = [head, body].map(|part| BASE64.encode(part.to_string())).join(".");
    let signature = issuer.sign(text.as_bytes()).unwrap();
    format!("{text}.{}", BASE64.encode(signature))
}
