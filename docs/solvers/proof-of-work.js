// Solve the proof of work of send-otp where there is no WebCrypto, for example in React Native. Copy this file.
//
//   const proof = await solve(problem.altcha);   // problem: the body of the 403 proof_required
//
// An engine without a compiler (Hermes) needs a minute and more. Give it a native derivation as the second argument:
// derive(password, salt, rounds, length) takes and returns Uint8Array, or a promise of one.

const W = new Int32Array(64), K = new Int32Array(64), START = new Int32Array(8);
for (let number = 2, found = 0; found < 64; number++) {
  if (![...Array(number).keys()].some((divisor) => divisor > 1 && number % divisor === 0)) {
    if (found < 8) START[found] = (Math.sqrt(number) % 1) * 2 ** 32;
    K[found++] = (Math.cbrt(number) % 1) * 2 ** 32;
  }
}

// One block of SHA-256 (FIPS 180-4 §6.2.2) for a state. Rotations are written out: calls are dear without a compiler.
function compress(state, block, into) {
  W.set(block);
  for (let i = 16; i < 64; i++) {
    const p = W[i - 15], q = W[i - 2];
    const s = ((p >>> 7) | (p << 25)) ^ ((p >>> 18) | (p << 14)) ^ (p >>> 3);
    W[i] = W[i - 16] + s + W[i - 7] + (((q >>> 17) | (q << 15)) ^ ((q >>> 19) | (q << 13)) ^ (q >>> 10));
  }
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i++) {
    const u = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const v = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const s = (h + u + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const t = (v + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + s) | 0; d = c; c = b; b = a; a = (s + t) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => { into[i] = state[i] + word; });
}

// The last block of an HMAC's message, which follows 64 bytes of key.
function lastBlock(bytes) {
  const view = new DataView(new ArrayBuffer(64));
  [...bytes, 0x80].forEach((byte, i) => view.setUint8(i, byte));
  view.setUint32(60, (64 + bytes.length) * 8);
  return Int32Array.from({ length: 16 }, (_, i) => view.getInt32(4 * i));
}

// PBKDF2-HMAC-SHA256 (RFC 8018 §5.2) for a password of at most 64 bytes, a salt of at most 51 and a key of at most 32.
function pbkdf2(password, salt, rounds, length) {
  const keyed = (pad) => {
    const block = new DataView(new Uint8Array(64).map((_, i) => (password[i] ?? 0) ^ pad).buffer);
    const state = new Int32Array(8);
    compress(START, Int32Array.from({ length: 16 }, (_, i) => block.getInt32(4 * i)), state);
    return state;
  };
  const inner = keyed(0x36), outer = keyed(0x5c), block = lastBlock(new Uint8Array(32)), key = new Int32Array(8);
  const first = new Int32Array(8);
  compress(inner, lastBlock([...salt, 0, 0, 0, 1]), first);
  block.set(first);
  for (let round = 0; round < rounds; round++) {
    if (round) compress(inner, block, block);
    compress(outer, block, block);
    for (let i = 0; i < 8; i++) key[i] ^= block[i];
  }
  return Uint8Array.from({ length }, (_, i) => key[i >> 2] >>> (24 - 8 * (i & 3)));
}

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const base64 = (ascii) => ascii.match(/.{1,3}/g).map((part) => {
  const bits = [0, 1, 2].reduce((sum, i) => (sum << 8) | (part.charCodeAt(i) || 0), 0);
  return [18, 12, 6, 0].map((by, i) => (i > part.length ? "=" : LETTERS[(bits >> by) & 63])).join("");
}).join("");

export async function solve(challenge, derive = pbkdf2) {
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  for (let counter = 0; ; counter++) {
    const count = [24, 16, 8, 0].map((by) => (counter >>> by) & 255);
    const derivedKey = hexOf(await derive(Uint8Array.of(...bytesOf(nonce), ...count), bytesOf(salt), cost, keyLength));
    if (derivedKey.startsWith(keyPrefix)) return base64(JSON.stringify({ challenge, solution: { counter, derivedKey } }));
    if (counter % 8 === 0) await new Promise((done) => setTimeout(done)); // let the app draw
  }
}
