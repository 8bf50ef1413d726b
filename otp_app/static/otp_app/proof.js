// Solve ALTCHA's task, version 2: count up until the key derived from the count begins with the wanted prefix. The
// browser's own PBKDF2 does the work, outside of the page's thread, so no library has to be loaded.
const LANES = 4; // derivations at once: browsers run them in threads of their own

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function derive({ nonce, salt, cost, keyLength }, counter) {
  const password = new Uint8Array([...bytes(nonce), 0, 0, 0, 0]);
  new DataView(password.buffer).setUint32(password.length - 4, counter);
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: cost };
  return hex(await crypto.subtle.deriveBits(algorithm, key, keyLength * 8));
}

// Return the solution in base64, as the service takes it. Throw where there is no crypto.subtle: on pages without TLS.
export async function solve({ parameters, signature }) {
  for (let from = 0; ; from += LANES) {
    const counters = Array.from({ length: LANES }, (_, lane) => from + lane);
    const keys = await Promise.all(counters.map((counter) => derive(parameters, counter)));
    const lane = keys.findIndex((key) => key.startsWith(parameters.keyPrefix));
    if (lane >= 0) {
      const solution = { counter: counters[lane], derivedKey: keys[lane] };
      return btoa(JSON.stringify({ challenge: { parameters, signature }, solution }));
    }
  }
}
