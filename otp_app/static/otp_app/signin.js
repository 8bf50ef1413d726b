// Improve pages that work without this script: their forms are ordinary forms, and the server decides.
const WARN_BEFORE_END_SECONDS = 30; // 20 to act (WCAG 2.2, 2.2.1), and some for a screen reader to speak
const POLL_MS = 4000; // between requests for the message's state, ten times; then five times as long
const RESUBMIT_AFTER_MS = 12000; // the service gives a provider ten seconds
const $ = (id) => document.getElementById(id);
const now = () => performance.now() / 1000;

// Set a text only if it changes: a screen reader would speak it again.
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

// Forms are sent once, and not while the browser is offline.
// A browser without a network says it is offline also where the service runs on the same machine, so ask the service.
const serviceAnswers = () => fetch(location.href, { method: "HEAD", cache: "no-store" }).then(() => true, () => false);

async function isOffline() {
  const offline = !navigator.onLine && !(await serviceAnswers()) && !navigator.onLine; // it may be online again by then
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
  setTimeout(restore, RESUBMIT_AFTER_MS, form);
}

// Enable a form again: after the back button, or when the service should have answered long ago.
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

// The phone number: group its digits as its country does, and name the country beside it.
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

// The page brings names in a language that not every browser knows: such a browser would use another language.
function nameOf({ code, regions }, namesOfPage) {
  const language = document.documentElement.lang;
  const own = Intl.DisplayNames.supportedLocalesOf(language).length && new Intl.DisplayNames(language, { type: "region", fallback: "none" });
  const flag = regions.length > 1 ? "" : String.fromCodePoint(...[...regions[0]].map((letter) => 127397 + letter.charCodeAt()));
  const name = regions.map((region) => namesOfPage[region] ?? (own && own.of(region))).filter(Boolean).join(" / ");
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
    // Within a number the cursor would jump, so such a change is formatted when the person leaves the field.
    const atEnd = input.selectionStart === input.value.length || document.activeElement !== input;
    if (found && atEnd) input.value = (national ? "" : `+${found.code} `) + found.text;
  };
  const onInput = (event) => event.inputType?.startsWith("delete") || show();
  input.addEventListener("input", onInput);
  input.addEventListener("change", show);
  if (input.value) show();
}

// The code: fill it in from the message where the browser can, and send it at once when it was filled in or pasted.
function helpWithCode(form) {
  const input = $("code");
  const length = Number(input.dataset.length);
  let before = "";
  const send = () => form.elements.phone?.value === "" || submit(form); // the person may not have typed the number yet
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

// Times are counted from the load of the page, by a clock that nobody can set. It may stop while the phone sleeps, so ask
// the service when the person is back.
const minutesAndSeconds = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
const ends = {};

function setEnds(expiresIn, resendIn, switchIn, sameFor) {
  ends.code = now() + expiresIn + 1; // the service counts whole seconds, rounded down
  ends.wait = now() + resendIn;
  ends.switch = now() + switchIn;
  ends.same = now() + sameFor;
}

// Return which sentence is true of a wait, as ResendTiming.wait_kind does in resend_timing.py.
function waitKind(renews) {
  if (!$("open")) return "new";
  if (!renews) return "again";
  return ends.wait < ends.code ? "valid" : "sooner";
}

// Load the page again: it says that the code cannot be used any more, or leads on a person who has signed in meanwhile.
let reloading = false;

function reloadPage() {
  const underWay = [...document.forms].some((form) => form.dataset.sent); // a reload would cut off its answer
  if (reloading || underWay || !navigator.onLine) return;
  reloading = true;
  location.replace(location.href);
}

function tick() {
  const wait = Math.max(0, Math.ceil(ends.wait - now()));
  const left = ends.code - now();
  const renews = Math.max(now(), ends.wait) >= ends.same;
  const again = $("again");
  again.disabled = wait > 0;
  if (!again.hasAttribute("aria-busy")) again.textContent = renews ? again.dataset.new : again.dataset.again;
  // A new code by another channel has the same wait as by this one.
  const otherChannels = now() < ends.same ? ends.switch : ends.wait;
  for (const button of $("resend").querySelectorAll("[name=channel]")) button.disabled = otherChannels > now();
  const text = $("resend").dataset[waitKind(renews)].replace("{left}", minutesAndSeconds(Math.max(0, Math.floor(left))));
  $("wait").textContent = wait ? text.replace("{wait}", minutesAndSeconds(wait)) : "";
  if (!$("open")) return;
  const ending = left <= WARN_BEFORE_END_SECONDS;
  say("ending", ending ? $("ending").dataset.text : "");
  $("extend")?.classList.toggle("now", ending);
  if (left <= 0) reloadPage();
}

async function fetchState() {
  const open = $("open");
  if (!open) return;
  const answer = await fetch(open.dataset.state, { headers: { Accept: "application/json" } });
  if (answer.status === 404) reloadPage();
  if (!answer.ok) return;
  const told = await answer.json();
  say("told", told.text);
  setEnds(told.expires_in, told.resend_in, told.switch_in, told.same_for);
}

function keepPolling(times = 0) {
  setTimeout(async () => {
    if (!document.hidden && navigator.onLine) await fetchState().catch(() => {}); // the next request may succeed
    if ($("open")) keepPolling(times + 1);
  }, times < 10 ? POLL_MS : 5 * POLL_MS);
}

// Extend the code without losing what was typed.
async function onExtend(event) {
  const form = event.target;
  if (form.dataset.sent) return;
  event.preventDefault();
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  if (!answer?.ok) {
    if (!(await isOffline())) form.submit(); // the page says what is wrong
    return;
  }
  await fetchState().catch(() => {});
  say("more", $("more").dataset.text);
  form.remove();
  $("code").focus();
}

async function solveProofOfWork(form) {
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
if ($("proof-form")) solveProofOfWork($("proof-form"));
if ($("extend")) $("extend").addEventListener("submit", onExtend);
if ($("resend")) {
  const { resendIn, switchIn, sameFor } = $("resend").dataset;
  setEnds(Number($("open")?.dataset.left ?? 0), Number(resendIn), Number(switchIn), Number(sameFor));
  tick();
  setInterval(tick, 250);
  keepPolling();
  addEventListener("visibilitychange", () => document.hidden || fetchState().catch(() => {}));
}
