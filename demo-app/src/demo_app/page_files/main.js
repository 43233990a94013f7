// Polls the app, shows its answers, and sends the user's changes.

import { call, RefusedError } from "./client.js";
import { badge, element, write } from "./dom.js";
import { faultCard } from "./faults.js";
import { stretch } from "./format.js";
import { systemView } from "./system.js";
import * as token from "./token.js";

const POLL_MS = 1000;
const TICK_MS = 250;
const part = (id) => document.getElementById(id);

const system = systemView(part("system"));
const cards = new Map();
const groups = new Map();
let tokenRequired = false;
let uptime = Infinity; // Infinity: list the faults again, it may be another app
let lastAnswer = new Date();
let changes = 0; // started or ended; an answer from before the last of them is outdated
let changing = 0;
let lost = false;

function announce(text) {
  write(part("announcer"), text);
}

// --- Faults ---

function build({ faults, groups: order, duration_seconds: limits, token_required: required }) {
  tokenRequired = required;
  showToken();
  const shown = [...cards.keys()].join();
  if (shown !== faults.map((fault) => fault.name).join()) {
    cards.clear();
    groups.clear();
    const sections = [];
    for (const name of order) groups.set(name, []);
    for (const fault of faults) {
      const card = faultCard(fault, limits, { start, stop });
      cards.set(fault.name, card);
      groups.get(fault.group).push(card);
    }
    for (const [name, members] of groups) {
      sections.push(element("section", { class: "group", "data-group": name },
        element("h3", {}, name), element("div", { class: "grid" }, ...members.map((card) => card.node))));
    }
    part("fault-groups").replaceChildren(...sections);
    const select = part("filter-group");
    const chosen = select.value;
    select.replaceChildren(element("option", { value: "" }, "all parts"), ...[...groups.keys()].map((name) => element("option", { value: name }, name)));
    select.value = groups.has(chosen) ? chosen : "";
  }
  showFaults(Object.fromEntries(faults.filter((fault) => fault.active).map((fault) => [fault.name, { intensity: fault.intensity, remaining: fault.remaining_seconds }])));
}

function showFaults(active) {
  for (const [name, card] of cards) {
    const was = card.active;
    card.update(active[name] ?? null);
    if (was !== card.active) announce(`${card.heading}: ${card.active ? "active" : "ended"}`);
  }
  const count = Object.keys(active).length;
  write(part("active-count"), count ? `${count} ${count === 1 ? "fault" : "faults"} active` : "no faults active");
  part("active-count").toggleAttribute("data-some", count > 0);
  showTitle();
  filter();
}

function showTitle() {
  const count = [...cards.values()].filter((card) => card.active).length;
  document.title = lost ? "no answer: demo-app" : count ? `${count} active: demo-app` : "demo-app";
}

function filter() {
  const words = part("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [group, onlyActive] = [part("filter-group").value, part("filter-active").checked];
  let count = 0;
  for (const section of part("fault-groups").children) {
    let some = false;
    for (const card of groups.get(section.dataset.group)) {
      const fits = card.matches(words) && (!group || card.group === group) && (!onlyActive || card.active);
      card.node.hidden = !fits;
      some ||= fits;
      count += fits;
    }
    section.hidden = !some;
  }
  write(part("filter-count"), count === cards.size ? `${count} faults` : `${count} of ${cards.size} faults`);
}

// --- Changes ---

async function change(method, path, body = null) {
  if (tokenRequired && !token.known() && !(await token.ask())) throw new Error("Nothing was changed: a token is needed.");
  changing += 1;
  changes += 1;
  try {
    for (;;) {
      try {
        return await call(path, { method, body, token: token.known() });
      } catch (error) {
        if (!(error instanceof RefusedError)) throw new Error("Nothing was changed: the app does not answer.", { cause: error });
        if (error.status !== 401) throw error;
        token.forget();
        tokenRequired = true;
        if (!(await token.ask(error.message))) throw new Error("Nothing was changed: a token is needed.", { cause: error });
      }
    }
  } finally {
    changing -= 1;
    changes += 1;
    showToken();
  }
}

function take(fault) {
  cards.get(fault.name)?.update(fault.active ? { intensity: fault.intensity, remaining: fault.remaining_seconds } : null);
}

async function start(fault, order) {
  const given = Object.fromEntries(Object.entries(order).filter(([, value]) => value !== null));
  take(await change("POST", `faults/${encodeURIComponent(fault.name)}`, given));
  announce(`${cards.get(fault.name).heading}: active`);
}

async function stop(fault) {
  take(await change("DELETE", `faults/${encodeURIComponent(fault.name)}`));
  announce(`${cards.get(fault.name).heading}: ended`);
}

async function clearAll() {
  try {
    build(await change("DELETE", "faults"));
    announce("All faults have ended");
    part("problem").hidden = true;
  } catch (error) {
    write(part("problem"), error.message);
    part("problem").hidden = false;
  }
}

// --- State ---

function showHealth(state) {
  const down = state.workers.filter((worker) => !worker.healthy).length;
  const open = state.breakers.filter((breaker) => breaker.state !== "closed").length;
  const problems = [
    down && `${down} of ${state.workers.length} workers down`,
    open && `${open} ${open === 1 ? "breaker" : "breakers"} open`,
    ...state.caches.filter((cache) => !cache.up).map((cache) => `cache ${cache.name} down`),
    !state.database.up && "database down",
    !state.bus.up && "message bus down",
    state.backup.last_result === "failure" && "last backup failed",
  ].filter(Boolean);
  health.show(problems.length ? "bad" : "good", problems.length ? "✗" : "✓", problems.join(", ") || "all parts are up");
}

function showOutage(away) {
  if (away === lost) return;
  lost = away;
  const banner = part("outage");
  banner.hidden = !away;
  banner.textContent = away ? `No answer since ${lastAnswer.toLocaleTimeString("en-GB")}. The page shows the state at that time and keeps trying.` : "";
  showTitle();
  if (away) health.show("bad", "✗", "no answer");
  else announce("The app is answering again");
}

function showToken() {
  part("forget-token").hidden = !(tokenRequired && token.known());
}

async function poll() {
  const before = changes;
  let state;
  let listed = null;
  try {
    state = await call("state");
    const unknown = Object.keys(state.faults).some((name) => !cards.has(name));
    if (lost || unknown || state.uptime_seconds < uptime) listed = await call("faults");
  } catch {
    showOutage(true);
    return;
  }
  uptime = state.uptime_seconds;
  lastAnswer = new Date();
  showOutage(false);
  system.update(state);
  showHealth(state);
  write(part("uptime"), `Up for ${stretch(Math.floor(uptime))}.`);
  if (listed) build(listed);
  else if (!changing && before === changes) {
    const left = state.faults_remaining_seconds;
    showFaults(Object.fromEntries(Object.entries(state.faults).map(([name, intensity]) => [name, { intensity, remaining: left[name] }])));
  }
}

const health = (() => {
  const shown = badge();
  shown.node.id = "health";
  part("health").replaceWith(shown.node);
  shown.show("neutral", "…", "waiting for the first answer");
  return shown;
})();

async function pollForever() {
  for (;;) {
    const began = performance.now();
    await poll();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, POLL_MS - (performance.now() - began))));
  }
}

part("filter").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["filter-text", "filter-group", "filter-active"]) part(id).addEventListener("input", filter);
part("clear-all").addEventListener("click", clearAll);
part("forget-token").addEventListener("click", () => { token.forget(); showToken(); });
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement && !["checkbox", "range"].includes(event.target.type);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    part("filter-text").focus();
  }
});
setInterval(() => { if (!lost) for (const card of cards.values()) card.tick(); }, TICK_MS);
pollForever();
