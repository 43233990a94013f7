// One card per fault, as GET /faults lists them: what it breaks, a switch, its intensity, its duration, and which alerts must notice.

import { element, set, write } from "./dom.js";
import { clock, number, stretch, title } from "./format.js";

/** The step of a slider: whole numbers where the fault wants them, else fine enough for its range. */
function stepOf(fault) {
  const span = fault.maximum - fault.minimum;
  if (fault.whole || span > 60) return 1;
  return span > 2 ? 0.5 : 0.01;
}

function names(heading, list, empty) {
  return element("div", { class: "names" }, element("dt", {}, heading),
    element("dd", {}, ...(list.length ? list.map((name) => element("span", { class: "name" }, name)) : [element("span", { class: "soft" }, empty)])));
}

/** A slider and a field for the same number; `onchange` is called when the user has settled on one. */
function strength(fault, id, onchange) {
  const step = stepOf(fault);
  const limits = { min: fault.minimum, max: fault.maximum };
  // The value comes last: a browser rounds it to the limits and the step set before it.
  const slider = element("input", { type: "range", id: `${id}-slider`, ...limits, step, value: fault.default, "aria-label": `Intensity of ${title(fault.name)}, ${fault.unit}`, "aria-describedby": `${id}-range` });
  const field = element("input", { type: "number", ...limits, step: fault.whole ? 1 : "any", value: fault.default, "aria-label": `Intensity of ${title(fault.name)} as a number, ${fault.unit}`, inputmode: "decimal" });
  slider.addEventListener("input", () => { field.value = slider.value; });
  field.addEventListener("input", () => { if (field.value !== "") slider.value = field.value; });
  for (const each of [slider, field]) each.addEventListener("change", onchange);
  return {
    node: element("div", { class: "strength" },
      element("label", { class: "control-name", for: `${id}-slider` }, "Intensity"), slider, field,
      element("p", { class: "soft range", id: `${id}-range` }, `${fault.unit}: ${number(fault.minimum)} to ${number(fault.maximum)}, default ${number(fault.default)}`)),
    get value() { return field.value === "" ? null : Number(field.value); },
    set value(intensity) { field.value = slider.value = String(intensity); },
  };
}

function durationField(fault, limits, id, onchange) {
  const field = element("input", { type: "number", id: `${id}-duration`, min: limits.minimum, max: limits.maximum, step: 1, value: limits.default, list: "durations", inputmode: "numeric" });
  const words = element("span", { class: "soft" });
  const tell = () => write(words, field.value > 0 ? `= ${stretch(Number(field.value))}` : "");
  field.addEventListener("input", tell);
  field.addEventListener("change", onchange);
  tell();
  return {
    node: element("div", { class: "duration" }, element("label", { class: "control-name", for: `${id}-duration` }, "Duration", element("span", { class: "unseen" }, ` of ${title(fault.name)} in`)), field, element("span", { class: "unit" }, "seconds"), words),
    get value() { return field.value === "" ? null : Number(field.value); },
  };
}

/**
 * The card of a fault. `actions.start(fault, order)` and `actions.stop(fault)` return promises; what they are
 * rejected with is shown in the card.
 */
export function faultCard(fault, limits, actions) {
  const id = `fault-${fault.name}`;
  const heading = title(fault.name);
  const control = element("input", { type: "checkbox", role: "switch", id: `${id}-switch`, "aria-describedby": `${id}-text` });
  const status = element("span", { class: "fault-status" }, "off");
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  let active = null; // { intensity, endsAt } from the app's last answer

  let waiting = 0;
  let last = Promise.resolve();

  /** One change at a time, in the order in which the user made them. */
  function act(run) {
    waiting += 1;
    set(node, "aria-busy", "true");
    last = last.then(run).then(() => { problem.hidden = true; }, (error) => {
      write(problem, error.message);
      problem.hidden = false;
    }).then(() => {
      waiting -= 1;
      if (waiting) return;
      set(node, "aria-busy", null);
      control.checked = active !== null;
    });
  }
  /** What the user sees now is what is asked for, even if another change is still on its way. */
  const start = (seconds) => {
    const wanted = intensity?.value ?? null;
    act(() => actions.start(fault, { intensity: wanted, duration_seconds: seconds() }));
  };
  const chosen = () => duration.value;
  const remaining = () => (active ? Math.max(limits.minimum, (active.endsAt - performance.now()) / 1000) : chosen());

  const isSwitch = fault.minimum === fault.maximum;
  const intensity = isSwitch ? null : strength(fault, id, () => control.checked && start(remaining));
  const duration = durationField(fault, limits, id, () => control.checked && start(chosen));
  control.addEventListener("change", () => (control.checked ? start(chosen) : act(() => actions.stop(fault))));

  const node = element("article", { class: "card fault", id, "aria-labelledby": `${id}-title` },
    element("div", { class: "fault-head" },
      element("div", {}, element("h4", { id: `${id}-title` }, element("label", { for: `${id}-switch` }, heading)), element("code", {}, fault.name)),
      element("div", { class: "switch" }, status, control)),
    element("p", { id: `${id}-text` }, fault.description),
    element("div", { class: "controls" }, ...(intensity ? [intensity.node] : []), duration.node),
    problem,
    element("dl", { class: "notice" },
      names("Alerts", fault.alerts, "none"), names("SLAs", fault.slas, "none")),
    element("details", {}, element("summary", {}, fault.metrics.length === 1 ? "1 metric moves" : `${fault.metrics.length} metrics move`),
      element("ul", {}, ...fault.metrics.map((metric) => element("li", {}, element("code", {}, metric))))));

  const haystack = [fault.name, heading, fault.group, fault.description, ...fault.alerts, ...fault.slas, ...fault.metrics].join("\n").toLowerCase();
  return {
    node,
    group: fault.group,
    heading,
    get active() { return active !== null; },
    matches: (words) => words.every((word) => haystack.includes(word)),
    /** Show the app's state: the intensity and the seconds left, or null when it is not active. */
    update(now) {
      // An answer to a change that the user has made another after would take that one back.
      if (now && intensity && waiting < 2 && now.intensity !== active?.intensity) intensity.value = now.intensity;
      active = now && { intensity: now.intensity, endsAt: performance.now() + now.remaining * 1000 };
      if (!node.hasAttribute("aria-busy")) control.checked = active !== null;
      set(node, "data-active", active ? "" : null);
      this.tick();
    },
    /** Write the time that is left. */
    tick() {
      write(status, active ? `on, ${clock((active.endsAt - performance.now()) / 1000)} left` : "off");
    },
  };
}
