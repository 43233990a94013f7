// The state of the system, part by part. A field of GET /state that has no card of its own gets a plain one.

import { requestChart } from "./chart.js";
import { badge, card, element, meter, set, stat, table, upOrDown, write } from "./dom.js";
import { anything, clock, number, percent, stretch, title } from "./format.js";
import { busCard, jobsCard, machineCard, usersCard } from "./parts.js";

function requestsCard() {
  const chart = requestChart();
  const stats = {
    success: stat("succeeded", "✓", "good"), error: stat("failed", "✗", "bad"),
    timeout: stat("timed out", "◷", "warn"), waiting: stat("in flight", "→", "plain"),
  };
  const note = element("p", { class: "soft" });
  return {
    node: card("Requests in the last minute", element("dl", { class: "stats" }, ...Object.values(stats).map((each) => each.node)), chart.node, note),
    update(state) {
      const { counts, history, seconds } = state.recent_requests;
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
      for (const [status, each] of Object.entries(stats)) {
        const count = status === "waiting" ? state.waiting : counts[status] ?? 0;
        write(each.value, number(count));
        if (status === "error" || status === "timeout") set(each.node, "data-none", count ? null : "");
      }
      chart.show(history);
      const rate = seconds > 0 ? `${number(Number((total / seconds).toFixed(1)))} a second` : "less than a second so far";
      const lost = state.traffic.lost ? `; ${number(state.traffic.lost)} lost on the way since the start` : "";
      write(note, `${rate}, ${total ? percent((counts.success ?? 0) / total) : "none"} succeeded${lost}`);
    },
  };
}

function workersCard() {
  const rows = table("Workers", "Worker", "State", "Queue", "Slots in use", "Restarts");
  const make = ({ name }) => {
    const [health, queue, slots, restarts] = [badge(), meter(`queue of ${name}`), meter(`slots of ${name} in use`), element("span")];
    return {
      cells: [name, health.node, queue.node, slots.node, restarts],
      update(worker) {
        if (worker.healthy) health.show("good", "✓", "healthy");
        else if (worker.alive) health.show("warn", "!", "silent");
        else health.show("bad", "✗", "down");
        queue.show(worker.queue_depth / worker.queue_capacity, `${worker.queue_depth} / ${worker.queue_capacity}`);
        slots.show(worker.running / worker.slots, `${worker.running} / ${worker.slots}`);
        write(restarts, number(worker.restarts));
      },
    };
  };
  return { node: card("Workers", rows.node), update: (state) => rows.rows(state.workers, (worker) => worker.name, make) };
}

const BREAKER_STATES = { closed: ["good", "✓", "closed"], half_open: ["warn", "◐", "half-open"], open: ["bad", "✗", "open"] };

function breakersCard() {
  const rows = table("Circuit breakers", "Dependency", "State", "For", "Failures in a row");
  const make = ({ name }) => {
    const [state, since, failures] = [badge(), element("span"), element("span")];
    return {
      cells: [name, state.node, since, failures],
      update(breaker) {
        state.show(...(BREAKER_STATES[breaker.state] ?? ["neutral", "?", breaker.state]));
        write(since, clock(breaker.state_seconds));
        write(failures, breaker.probe_in_seconds === null
          ? `${breaker.failures} of ${breaker.failure_limit}` : `probe in ${stretch(Math.ceil(breaker.probe_in_seconds))}`);
      },
    };
  };
  return { node: card("Circuit breakers", rows.node), update: (state) => rows.rows(state.breakers, (breaker) => breaker.name, make) };
}

function cachesCard() {
  const rows = table("Caches", "Cache", "State", "Hits, last minute", "Entries");
  const make = ({ name }) => {
    const [up, hits, entries] = [badge(), meter(`hit rate of ${name}`, { goodWhenFull: true }), element("span")];
    return {
      cells: [name, up.node, hits.node, entries],
      update(cache) {
        const { hits: hit = 0, misses = 0 } = cache.recent.counts;
        upOrDown(up, cache.up);
        hits.show(hit / (hit + misses), hit + misses ? percent(hit / (hit + misses)) : "no lookup");
        write(entries, `${cache.entries} / ${cache.capacity}`);
      },
    };
  };
  return { node: card("Caches", rows.node), update: (state) => rows.rows(state.caches, (cache) => cache.name, make) };
}

function storesCard() {
  const [database, pool] = [badge(), meter("connections of the database in use")];
  const [letters, size] = [element("span", { class: "soft" }), meter("dead letters")];
  return {
    node: card("Database and dead letters", element("div", { class: "pair" },
      element("div", {}, element("p", { class: "pair-head" }, "Database ", database.node), pool.node),
      element("div", {}, element("p", { class: "pair-head" }, "Dead letters ", letters), size.node))),
    update(state) {
      const { up, pool_in_use: used, pool_size: of } = state.database;
      upOrDown(database, up);
      pool.show(used / of, `${used} / ${of} in use`);
      const { size: count, capacity, oldest_age_seconds: age } = state.dead_letters;
      write(letters, age === null ? "none" : `oldest ${stretch(Math.floor(age))}`);
      size.show(count / capacity, `${number(count)} / ${number(capacity)}`);
    },
  };
}

const KNOWN = new Set([
  "uptime_seconds", "requests", "recent_requests", "submitted", "waiting", "dead", "workers", "queues", "breakers",
  "dead_letters", "caches", "database", "traffic", "faults", "faults_remaining_seconds",
  "bus", "sessions", "activity", "resources", "volume", "backup", "scan", "usage", "batch",
]);
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Any record as lines of name and figure; records and lists in it as tables below. */
function figures(value) {
  const plain = Object.entries(value).filter(([, each]) => typeof each !== "object" || each === null);
  const deep = Object.entries(value).filter(([, each]) => typeof each === "object" && each !== null);
  return [
    ...(plain.length ? [element("dl", { class: "figures" }, ...plain.map(([name, each]) =>
      element("div", {}, element("dt", {}, title(name.replace(/_(seconds|bytes|ratio)$/, ""))), element("dd", {}, anything(name, each)))))] : []),
    ...deep.map(([name, each]) => grid(name, each)),
  ];
}

function grid(name, value) {
  const items = Array.isArray(value) ? value.filter(isRecord)
    : Object.values(value).every(isRecord) ? Object.entries(value).map(([key, each]) => ({ name: key, ...each })) : null;
  if (!items) return element("div", {}, element("p", { class: "pair-head" }, title(name)), ...figures(value));
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))];
  return element("div", { class: "scroll", role: "group", "aria-label": title(name), tabindex: 0 }, element("table", {},
    element("thead", {}, element("tr", {}, ...columns.map((column) => element("th", { scope: "col" }, title(column))))),
    element("tbody", {}, ...items.map((item) => element("tr", {}, ...columns.map((column) => element("td", {}, anything(column, item[column]))))))));
}

function plainCard(name) {
  const content = element("div");
  return {
    node: card(title(name), content),
    update(state) {
      const value = state[name];
      content.replaceChildren(...(isRecord(value) ? figures(value) : Array.isArray(value) ? [grid(name, value)] : figures({ [name]: value })));
    },
  };
}

/** The cards of the system within `container`; `update(state)` shows an answer of GET /state. */
export function systemView(container) {
  const cards = new Map();
  const add = (name, made) => {
    cards.set(name, made);
    container.append(made.node);
  };
  return {
    update(state) {
      if (!cards.size) {
        const own = {
          requests: requestsCard, workers: workersCard, breakers: breakersCard, caches: cachesCard, stores: storesCard,
          bus: busCard, machine: machineCard, jobs: jobsCard, users: usersCard,
        };
        for (const [name, make] of Object.entries(own)) add(name, make());
      }
      for (const name of Object.keys(state)) {
        if (!KNOWN.has(name) && !cards.has(name)) add(name, plainCard(name));
      }
      for (const each of cards.values()) each.update(state);
    },
  };
}
