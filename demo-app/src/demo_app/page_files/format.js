// Figures as people read them.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const NONE = "–";

/** Whole seconds as a clock shows them: 0:07, 4:58, 1:00:00. */
export function clock(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / HOUR), Math.floor((whole % HOUR) / MINUTE)];
  return hours ? `${hours}:${two(minutes)}:${two(whole % MINUTE)}` : `${minutes}:${two(whole % MINUTE)}`;
}

/** A stretch of time in its largest two units: 12 s, 5 min, 1 h 30 min. */
export function stretch(seconds) {
  if (!Number.isFinite(seconds)) return NONE;
  if (seconds < MINUTE) return `${Number(seconds.toFixed(seconds < 10 && seconds % 1 ? 1 : 0))} s`;
  const units = [[DAY, "d"], [HOUR, "h"], [MINUTE, "min"], [1, "s"]];
  const start = units.findIndex(([size]) => seconds >= size);
  const [[large, name], [small, smallName]] = units.slice(start, start + 2);
  const [first, rest] = [Math.floor(seconds / large), Math.floor((seconds % large) / small)];
  return rest ? `${first} ${name} ${rest} ${smallName}` : `${first} ${name}`;
}

/** A number with at most three digits after the point. */
export function number(value) {
  return Number.isFinite(value) ? value.toLocaleString("en-GB", { maximumFractionDigits: 3 }) : NONE;
}

/** A share of 0 to 1 in percent. Only all is 100 %, and only nothing is 0 %. */
export function percent(share) {
  if (!Number.isFinite(share)) return NONE;
  const rounded = (share * 100).toFixed(share > 0.1 && share < 0.99 ? 0 : 1);
  if (share < 1 && rounded === "100.0") return "99.9 %";
  return `${Number(rounded)} %`;
}

/** A number of bytes in the unit that suits it. */
export function bytes(value) {
  if (!Number.isFinite(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${number(Number((value / 1024 ** power).toFixed(1)))} ${units[power]}`;
}

/** Seconds since the epoch as a time of day. */
export function timeOfDay(timestamp) {
  return new Date(timestamp * 1000).toLocaleTimeString("en-GB");
}

/** `dead_letters` as "Dead letters". */
export function title(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What an unknown field holds, by its name's ending. */
export function anything(name, value) {
  if (value === null || value === undefined) return NONE;
  if (typeof value === "boolean") return value ? "✓ yes" : "✗ no";
  if (typeof value !== "number") return String(value);
  if (name.endsWith("timestamp_seconds")) return value ? timeOfDay(value) : NONE;
  if (name.endsWith("_seconds")) return stretch(value);
  if (name.endsWith("_bytes")) return bytes(value);
  if (name.endsWith("_ratio")) return percent(value);
  return number(value);
}
