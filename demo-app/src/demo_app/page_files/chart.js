// The last minute of requests, one bar per second: successes above the line, failures below it.

import { drawn, set } from "./dom.js";

const SECONDS = 60;
const HEIGHT = 56;
const LEAST = 6; // requests a second that fill the height at least: quiet traffic looks quiet
const GAP = 0.25;

/** A drawing of 60 bars; `show(history)` takes counts per second by status, the newest last. */
export function requestChart() {
  const bars = drawn("g");
  const line = drawn("line", { x1: 0, x2: SECONDS, class: "chart-line" });
  const hatch = drawn("pattern", { id: "hatch", width: 0.5, height: 4, patternUnits: "userSpaceOnUse" },
    drawn("rect", { width: 0.5, height: 4, class: "chart-timeout-back" }), drawn("rect", { width: 0.5, height: 2, class: "chart-timeout" }));
  const node = drawn("svg", { viewBox: `0 0 ${SECONDS} ${HEIGHT}`, preserveAspectRatio: "none", class: "chart", role: "img" },
    drawn("defs", {}, hatch), bars, line);
  return {
    node,
    show({ success = [], error = [], timeout = [] }) {
      const failed = success.map((_, second) => (error[second] ?? 0) + (timeout[second] ?? 0));
      const [up, down] = [Math.max(0, ...success), Math.max(0, ...failed)];
      const unit = HEIGHT / Math.max(LEAST, up + down);
      const base = HEIGHT - down * unit - (down ? 0 : 1);
      const rects = [];
      const bar = (second, y, count, kind) => {
        if (count) rects.push(drawn("rect", { x: SECONDS - success.length + second, y, width: 1 - GAP, height: count * unit, class: `chart-${kind}`, fill: kind === "late" ? "url(#hatch)" : null }));
      };
      success.forEach((count, second) => {
        bar(second, base - count * unit, count, "success");
        bar(second, base, error[second] ?? 0, "error");
        bar(second, base + (error[second] ?? 0) * unit, timeout[second] ?? 0, "late");
      });
      bars.replaceChildren(...rects);
      set(line, "y1", base);
      set(line, "y2", base);
      const sum = (counts) => counts.reduce((total, count) => total + count, 0);
      set(node, "aria-label", `Requests of the last ${success.length} seconds: ${sum(success)} succeeded, ${sum(error)} failed, ${sum(timeout)} timed out`);
    },
  };
}
