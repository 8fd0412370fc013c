// Who logs in, and how: each function makes what the client needs to know, to be used once.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

import { autobahn } from "./autobahn.mjs";

// The key of `dan`: the router knows the public half.
export const PRIVATE_KEY = "4d".repeat(32);

export const ann = () => ticket("ann", "secret-of-ann");
export const bea = () => wampcra("bea", "secret-of-bea");
export const cal = () => wampcra("cal", "secret-of-cal");
export const dan = () => cryptosign("dan", PRIVATE_KEY);
export const eve = () => scram("eve", "secret-of-eve");
export const guest = () => ({ authmethods: ["anonymous"] });

export function ticket(authid, secret) {
  return { authmethods: ["ticket"], authid, onchallenge: () => secret };
}

export function wampcra(authid, secret) {
  const { derive_key, sign } = autobahn.auth_cra;
  const onchallenge = (_session, _method, { challenge, salt, iterations, keylen }) => {
    return sign(salt ? derive_key(secret, salt, iterations, keylen) : secret, challenge);
  };
  return { authmethods: ["wampcra"], authid, onchallenge };
}

export function cryptosign(authid, key) {
  const { public_key, sign_challenge } = autobahn.auth_cryptosign;
  const pair = autobahn.nacl.sign.keyPair.fromSeed(autobahn.util.htob(key));
  const onchallenge = (_session, _method, extra) => sign_challenge(pair, extra);
  // The nulls are what the client's own function for such connections sends.
  const nulls = { trustroot: null, challenge: null, channel_binding: null };
  const authextra = { pubkey: public_key(pair), ...nulls };
  return { authmethods: ["cryptosign"], authid, authextra, onchallenge };
}

// The client knows nothing of SCRAM, but leaves challenges to the program: this is the method as
// the specification has it.
export function scram(authid, password) {
  const nonce = randomBytes(16).toString("base64");
  let proven;
  const onchallenge = (_session, _method, challenge) => {
    proven = scramProof(authid, password, nonce, challenge);
    const extra = { nonce: challenge.nonce, channel_binding: null, cbind_data: null };
    return [proven.client.toString("base64"), extra];
  };
  const authextra = { nonce, channel_binding: null };
  const isRouter = (welcome) => {
    const said = welcome.authextra.verifier.replace(/^v=/, "");
    return said === proven.router.toString("base64");
  };
  return { authmethods: ["wamp-scram"], authid, authextra, onchallenge, isRouter };
}

function scramProof(authid, password, clientNonce, { nonce, kdf, salt, iterations }) {
  if (kdf !== "pbkdf2") {
    throw new Error(`the key is derived by ${kdf}`);
  }
  const binding = Buffer.from("n,,").toString("base64");
  const first = `n=${authid},r=${clientNonce},r=${nonce},s=${salt},i=${iterations}`;
  const said = `${first},c=${binding},r=${nonce}`;
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), iterations, 32, "sha256");
  const clientKey = hmac(salted, "Client Key");
  const signature = hmac(createHash("sha256").update(clientKey).digest(), said);
  const client = clientKey.map((byte, index) => byte ^ signature[index]);
  return { client: Buffer.from(client), router: hmac(hmac(salted, "Server Key"), said) };
}

function hmac(key, text) {
  return createHmac("sha256", key).update(text).digest();
}
