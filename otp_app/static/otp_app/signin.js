// Everything here is on top of pages that work without it: forms are ordinary forms, and the server has the last word.
const ENDING = 30; // seconds before the end at which it is told: 20 to act in (WCAG 2.2, 2.2.1), and some to be heard
const ASK_EVERY = 4000; // milliseconds between questions after the message, ten times; then five times as many
const PATIENCE = 12000; // milliseconds until a form may be sent again; the service gives a provider ten seconds
const $ = (id) => document.getElementById(id);
const now = () => performance.now() / 1000;

// Only what is new: a screen reader would say it again.
function say(id, text) {
  if ($(id) && $(id).textContent !== text) $(id).textContent = text;
}

// Safari before 16 has no requestSubmit.
function submit(form, by) {
  const button = by ?? form.querySelector("button");
  if (form.requestSubmit) form.requestSubmit(by);
  else if (button) button.click();
  else form.submit();
}

// Forms: sent once, and not into the void.
// Browsers tell of no network also where the service is on this very machine: then it is asked.
const answers = () => fetch(location.href, { method: "HEAD", cache: "no-store" }).then(() => true, () => false);

async function isOffline() {
  const offline = !navigator.onLine && !(await answers()) && !navigator.onLine; // it may be back by then
  $("offline").hidden = !offline;
  $("offline").textContent = offline ? $("offline").dataset.text : "";
  return offline;
}

async function onSubmit(event) {
  const form = event.target;
  const submitter = event.submitter;
  const button = submitter ?? form.querySelector("button");
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (!navigator.onLine && !form.dataset.answered) {
    event.preventDefault();
    if (await isOffline()) return;
    form.dataset.answered = "1";
    submit(form, submitter);
    return;
  }
  form.dataset.sent = "1";
  delete form.dataset.answered;
  if (form.dataset.busy && button) {
    button.dataset.text = button.textContent;
    button.textContent = form.dataset.busy;
    button.setAttribute("aria-busy", "true");
  }
  setTimeout(restore, PATIENCE, form);
}

// As it was: after the back button, or when no answer has come for longer than the service would take.
function restore(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-busy]")) {
    button.textContent = button.dataset.text;
    button.removeAttribute("aria-busy");
  }
}

function onReturn(event) {
  if (event.persisted) [...document.forms].forEach(restore);
}

// The phone: grouped as in its country, which is named beside it.
function grouped(digits, groups) {
  const parts = [];
  for (const size of groups) {
    if (!digits) break;
    parts.push(digits.slice(0, size));
    digits = digits.slice(size);
  }
  return (parts.join(" ") + digits).trim();
}

function countryOf(countries, digits, home) {
  const codes = [1, 2, 3].map((length) => digits.slice(0, length));
  const isHome = ([regions]) => regions.split(" ").includes(home);
  const code = home ? Object.keys(countries).find((one) => countries[one].some(isHome)) : codes.find((one) => countries[one]);
  if (!code) return null;
  const national = home ? digits : digits.slice(code.length);
  const known = countries[code].find(([, , lead]) => lead && new RegExp(`^(?:${lead})`).test(national));
  const [regions, groups] = known ?? countries[code].find(isHome) ?? countries[code][0];
  const length = [...groups].reduce((sum, size) => sum + Number(size), 0);
  return { code, regions: regions.split(" "), text: grouped(national, groups), length };
}

// The page brings names in a language that not every browser has; a browser would answer in another one then.
function nameOf({ code, regions }, brought) {
  const language = document.documentElement.lang;
  const own = Intl.DisplayNames.supportedLocalesOf(language).length && new Intl.DisplayNames(language, { type: "region", fallback: "none" });
  const flag = regions.length > 1 ? "" : String.fromCodePoint(...[...regions[0]].map((letter) => 127397 + letter.charCodeAt()));
  const name = regions.map((region) => brought[region] ?? (own && own.of(region))).filter(Boolean).join(" / ");
  return `${flag} ${name} +${code}`.replace(/ +/g, " ").trim();
}

async function helpWithPhone(form) {
  const { default: countries } = await import(form.dataset.countries);
  const input = $("phone");
  const names = JSON.parse($("names")?.textContent ?? "{}");
  const show = () => {
    const plain = /^\s*\+?[\d\s().-]*$/.test(input.value);
    const digits = input.value.replace(/\D/g, "");
    let national = !input.value.trim().startsWith("+");
    let found = plain && digits && countryOf(countries, digits, national ? form.dataset.home : "");
    if (national && found && digits.startsWith(found.code) && digits.length > found.length) {
      national = false; // the whole number, typed without its plus
      found = countryOf(countries, digits, "");
    }
    say("country", found ? nameOf(found, names) : "");
    // In the middle of a number the cursor would jump; there it is put in shape when the field is left.
    const atEnd = input.selectionStart === input.value.length || document.activeElement !== input;
    if (found && atEnd) input.value = (national ? "" : `+${found.code} `) + found.text;
  };
  const onInput = (event) => event.inputType?.startsWith("delete") || show();
  input.addEventListener("input", onInput);
  input.addEventListener("change", show);
  if (input.value) show();
}

// The code: from the message by itself where the browser can, and sent at once when it came in one go.
function helpWithCode(form) {
  const input = $("code");
  const length = Number(input.dataset.length);
  let before = "";
  const send = () => form.elements.phone?.value === "" || submit(form); // the number may have to be typed yet
  input.addEventListener("input", () => {
    const digits = input.value.replace(/[\s-]/g, "");
    const atOnce = digits.length === length && before.length < length - 1 && /^\d+$/.test(digits);
    before = digits;
    if (atOnce) send();
  });
  if ("OTPCredential" in window) {
    const stop = new AbortController();
    form.addEventListener("submit", () => stop.abort());
    navigator.credentials.get({ otp: { transport: ["sms"] }, signal: stop.signal }).then((found) => {
      input.value = found.code;
      send();
    }, () => {}); // refused or stopped: the person types
  }
}

// Times, counted from when the page came, by a clock that nobody can set. It may stand still while the phone sleeps, so
// the service is asked when somebody is back.
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
const ends = {};

function setEnds(expiresIn, resendIn, switchIn, sameFor) {
  ends.code = now() + expiresIn + 1; // the service counts whole seconds, rounded down
  ends.wait = now() + resendIn;
  ends.switch = now() + switchIn;
  ends.same = now() + sameFor;
}

// As in resends.py: which sentence is true of a wait.
function kindOf(renews) {
  if (!$("open")) return "new";
  if (!renews) return "again";
  return ends.wait < ends.code ? "valid" : "sooner";
}

// The page anew, which tells that the code is of no more use, or leads on who has signed in meanwhile.
let coming = false;

function comeAgain() {
  const underWay = [...document.forms].some((form) => form.dataset.sent); // its answer must not be cut off
  if (coming || underWay || !navigator.onLine) return;
  coming = true;
  location.replace(location.href);
}

function tick() {
  const wait = Math.max(0, Math.ceil(ends.wait - now()));
  const left = ends.code - now();
  const renews = Math.max(now(), ends.wait) >= ends.same;
  const again = $("again");
  again.disabled = wait > 0;
  if (!again.hasAttribute("aria-busy")) again.textContent = renews ? again.dataset.new : again.dataset.again;
  // By another channel a new code waits as long as any.
  const elsewhere = now() < ends.same ? ends.switch : ends.wait;
  for (const button of $("resend").querySelectorAll("[name=channel]")) button.disabled = elsewhere > now();
  const text = $("resend").dataset[kindOf(renews)].replace("{left}", clock(Math.max(0, Math.floor(left))));
  $("wait").textContent = wait ? text.replace("{wait}", clock(wait)) : "";
  if (!$("open")) return;
  const ending = left <= ENDING;
  say("ending", ending ? $("ending").dataset.text : "");
  $("extend")?.classList.toggle("now", ending);
  if (left <= 0) comeAgain();
}

async function ask() {
  const open = $("open");
  if (!open) return;
  const answer = await fetch(open.dataset.state, { headers: { Accept: "application/json" } });
  if (answer.status === 404) comeAgain();
  if (!answer.ok) return;
  const told = await answer.json();
  say("told", told.text);
  setEnds(told.expires_in, told.resend_in, told.switch_in, told.same_for);
}

function keepAsking(times = 0) {
  setTimeout(async () => {
    if (!document.hidden && navigator.onLine) await ask().catch(() => {}); // the next one may get through
    if ($("open")) keepAsking(times + 1);
  }, times < 10 ? ASK_EVERY : 5 * ASK_EVERY);
}

// More time without losing what was typed.
async function onExtend(event) {
  const form = event.target;
  if (form.dataset.sent) return;
  event.preventDefault();
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  if (!answer?.ok) {
    if (!(await isOffline())) form.submit(); // what is wrong is told by the page
    return;
  }
  await ask().catch(() => {});
  say("more", $("more").dataset.text);
  form.remove();
  $("code").focus();
}

async function prove(form) {
  try {
    const { solve } = await import(form.dataset.solver);
    $("unable").hidden = true;
    $("proof").value = await solve(JSON.parse($("task").textContent));
    submit(form);
  } catch {
    form.querySelector("progress").hidden = true;
    $("unable").hidden = false;
  }
}

document.documentElement.classList.add("scripted");
addEventListener("submit", onSubmit);
addEventListener("pageshow", onReturn);
addEventListener("online", isOffline);
addEventListener("offline", isOffline);
if ($("phone")) helpWithPhone($("phone").form);
if ($("code-form")) helpWithCode($("code-form"));
if ($("proof-form")) prove($("proof-form"));
if ($("extend")) $("extend").addEventListener("submit", onExtend);
if ($("resend")) {
  const { resendIn, switchIn, sameFor } = $("resend").dataset;
  setEnds(Number($("open")?.dataset.left ?? 0), Number(resendIn), Number(switchIn), Number(sameFor));
  tick();
  setInterval(tick, 250);
  keepAsking();
  addEventListener("visibilitychange", () => document.hidden || ask().catch(() => {}));
}
