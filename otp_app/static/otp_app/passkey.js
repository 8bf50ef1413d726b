// Answer by a passkey: the button asks the browser, and the form sends what the authenticator has made or signed.
const $ = (id) => document.getElementById(id);
const form = $("passkey-form");
const button = form.querySelector("[type=button]");
const options = JSON.parse($("passkey-options").textContent);
const shownAt = Date.now();

// Safari before 18.4 can neither parse options nor write an answer as JSON.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt());

function text(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte));
  return btoa(letters.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function parsed({ challenge, user, excludeCredentials, allowCredentials, ...others }) {
  const listed = (known = []) => known.map((each) => ({ ...each, id: bytes(each.id) }));
  const shared = { ...others, challenge: bytes(challenge) };
  if (!user) return { ...shared, allowCredentials: listed(allowCredentials) };
  return { ...shared, user: { ...user, id: bytes(user.id) }, excludeCredentials: listed(excludeCredentials) };
}

function written({ id, rawId, type, response }) {
  const answer = response.getTransports ? { transports: response.getTransports() } : {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) answer[name] = text(response[name]);
  }
  return JSON.stringify({ id, rawId: text(rawId), type, response: answer, clientExtensionResults: {} });
}

function say(failure) {
  $("passkey-failed").textContent = failure;
  $("passkey-failed").parentElement.hidden = !failure; // styles of the admin show a note that is hidden itself
}

// The challenge is as old as the page, and the service takes none that is older than the options say.
async function onClick() {
  if (Date.now() - shownAt > options.timeout) {
    location.replace(location.href);
    return;
  }
  button.disabled = true;
  say("");
  try {
    const ask = { publicKey: parsed(options) };
    const found = await (options.user ? navigator.credentials.create(ask) : navigator.credentials.get(ask));
    form.elements.passkey.value = written(found);
    if (form.requestSubmit) form.requestSubmit();
    else form.submit();
  } catch {
    say(form.dataset.failed); // also where the person has closed the browser's question
  }
  button.disabled = false;
}

// A passkey is of no use at an address that the settings do not name.
if (window.PublicKeyCredential && form.dataset.origins.split(" ").includes(location.origin)) {
  button.addEventListener("click", onClick);
  form.hidden = false;
  if ($("unable")) $("unable").hidden = true;
}
