// The cards of the message bus, the users, the machine and the app's own jobs.

import { badge, card, element, meter, set, stat, table, upOrDown, write } from "./dom.js";
import { bytes, number, percent, stretch, timeOfDay } from "./format.js";

const BACKLOG_ALERT = 100; // waiting messages of a topic: above this, MessageBusBacklogGrowing goes pending
const MEMORY_ALERT = 0.9; // shares of a limit, as in HighMemoryUsage, HighCPUUsage and DiskSpaceLow
const CPU_ALERT = 0.8;
const DISK_ALERT = 0.9;
const EVENTS = 5;

/** A count of something that should not happen: with a sign and a colour as soon as it does. */
function badCount() {
  const node = element("span", { class: "count-of-bad" });
  return {
    node,
    show(count) {
      set(node, "data-some", count ? "" : null);
      write(node, count ? `✗ ${number(count)}` : "0");
    },
  };
}

export function busCard() {
  const [up, lately] = [badge(), element("span", { class: "soft" })];
  const rows = table("Topics of the message bus", "Topic", "Waiting", "Under way", "Dropped");
  const make = ({ name, capacity }) => {
    const waiting = meter(`waiting messages of ${name}`, { mark: BACKLOG_ALERT / capacity });
    const [underWay, dropped] = [element("span"), badCount()];
    return {
      cells: [name, waiting.node, underWay, dropped.node],
      update(topic) {
        waiting.show(topic.backlog / topic.capacity, `${number(topic.backlog)} / ${number(topic.capacity)}`);
        write(underWay, number(topic.under_way));
        dropped.show(topic.dropped);
      },
    };
  };
  return {
    node: card("Message bus", element("p", { class: "lead" }, up.node, lately), rows.node),
    update({ bus }) {
      const { delivered = 0, dropped = 0 } = bus.recent.counts;
      upOrDown(up, bus.up);
      write(lately, `last minute: ${number(delivered)} delivered, ${number(dropped)} dropped`);
      const topics = Object.entries(bus.topics).map(([name, topic]) => ({ name, capacity: bus.capacity, ...topic }));
      rows.rows(topics, (topic) => topic.name, make);
    },
  };
}

export function machineCard() {
  const rows = table("Machine", "Resource", "In use", "Amount", "Alert above");
  const make = ({ name, alert }) => {
    const [use, amount] = [meter(`${name} in use`, { mark: alert }), element("span")];
    return {
      cells: [name, use.node, amount, percent(alert)],
      update(resource) {
        use.show(resource.share, percent(resource.share));
        write(amount, resource.amount);
      },
    };
  };
  const note = element("p", { class: "soft note" });
  return {
    node: card("Machine", rows.node, note),
    update({ resources, volume }) {
      const { memory_used_bytes: memory, memory_limit_bytes: ofMemory, cpu_used_ratio: cpu, cpu_limit_cores: cores } = resources;
      const { used_bytes: disk, capacity_bytes: ofDisk } = volume;
      rows.rows([
        { name: "Memory", alert: MEMORY_ALERT, share: memory / ofMemory, amount: `${bytes(memory)} of ${bytes(ofMemory)}` },
        { name: "CPU", alert: CPU_ALERT, share: cpu, amount: `${(cpu * cores).toFixed(2)} of ${number(cores)} cores` },
        { name: "Disk", alert: DISK_ALERT, share: disk / ofDisk, amount: `${bytes(disk)} of ${bytes(ofDisk)}` },
      ], (resource) => resource.name, make);
      write(note, `The app's own limits; CPU over the last 10 s; ${number(resources.open_files)} open files.`);
    },
  };
}

const ago = (seconds) => `${stretch(Math.floor(seconds))} ago`;
const BACKUPS = { success: ["good", "✓", "good"], failure: ["bad", "✗", "failed"] };

/** Each job: its state, what it did last, and figures. */
const JOBS = {
  Backup({ backup }) {
    const { last_success_age_seconds: age, size_bytes: size, runs } = backup;
    return {
      state: BACKUPS[backup.last_result] ?? ["neutral", "…", "not yet"],
      last: age === null ? "no good copy" : `good copy ${ago(age)}`,
      figures: `${size === null ? "" : `${bytes(size)}; `}${number(runs.success)} good, ${number(runs.failure)} failed`,
    };
  },
  Scan({ scan }) {
    const gap = scan.components - scan.scanned;
    return {
      state: gap ? ["bad", "✗", `${number(gap)} missed`] : scan.changed.length ? ["warn", "!", `${number(scan.changed.length)} changed`] : ["good", "✓", "complete"],
      last: ago(scan.last_run_age_seconds),
      figures: `${number(scan.scanned)} of ${number(scan.components)} components`,
    };
  },
  Batch({ batch }) {
    return {
      state: batch.waiting ? ["warn", "→", "busy"] : ["neutral", "–", "idle"],
      last: `${number(batch.waiting)} tasks waiting`,
      figures: `${number(batch.done)} done, ${number(batch.refused)} refused`,
    };
  },
};

export function jobsCard() {
  const rows = table("Own jobs", "Job", "State", "Last");
  const make = ({ name }) => {
    const [state, last, figures] = [badge(), element("span", { class: "line" }), element("span", { class: "line soft" })];
    return {
      cells: [name, state.node, element("div", {}, last, figures)],
      update(job) {
        state.show(...job.state);
        write(last, job.last);
        write(figures, job.figures);
      },
    };
  };
  const note = element("p", { class: "soft note" });
  return {
    node: card("Own jobs", rows.node, note),
    update(state) {
      rows.rows(Object.entries(JOBS).map(([name, read]) => ({ name, ...read(state) })), (job) => job.name, make);
      write(note, `Usage figures are kept for ${stretch(state.usage.retention_seconds)}.`);
    },
  };
}

export function usersCard() {
  const stats = { active: stat("open now", "→", "plain"), begun: stat("started", "+", "plain"), ended: stat("ended", "−", "plain") };
  const list = element("ol", { class: "activity", "aria-label": "Newest activity" });
  const note = element("p", { class: "soft note" });
  let shown = null;
  return {
    node: card("Users: sessions and newest activity", element("dl", { class: "stats thirds" }, ...Object.values(stats).map((each) => each.node)), list, note),
    update({ sessions, activity, bus }) {
      for (const [name, each] of Object.entries(stats)) write(each.value, number(sessions[name]));
      const newest = activity.last.slice(0, EVENTS);
      const key = JSON.stringify(newest);
      if (key !== shown) { // text that is written again loses its selection
        shown = key;
        list.replaceChildren(...newest.map(({ at, text }) =>
          element("li", {}, element("time", { datetime: new Date(at * 1000).toISOString() }, timeOfDay(at)), element("span", {}, text))));
      }
      write(note, !bus.up ? "No newer events while the message bus is down." : newest.length ? "" : "Nothing has happened yet.");
      note.hidden = !note.textContent;
    },
  };
}
