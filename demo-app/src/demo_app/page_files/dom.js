// Elements made from text and attributes. Data becomes text nodes and never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (null and false are left out) and children, which are nodes or text. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for a part of a drawing. */
export function drawn(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/** Write a text, only when it has changed: text that is written again loses its selection. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute; null removes it. */
export function set(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

/** A word with a sign and a colour, for a state; `show(tone, sign, word)` changes it. */
export function badge() {
  const node = element("span", { class: "badge" });
  return {
    node,
    show(tone, sign, word) {
      set(node, "data-tone", tone);
      write(node, `${sign} ${word}`);
    },
  };
}

/** Show whether something is up. */
export function upOrDown(mark, up) {
  if (up) mark.show("good", "✓", "up");
  else mark.show("bad", "✗", "down");
}

/** A part of the page with a heading and a frame. */
export function card(heading, ...content) {
  return element("section", { class: "card" }, element("h3", {}, heading), ...content);
}

/** A large figure with its name and a sign; write into `value`. */
export function stat(label, sign, tone) {
  const value = element("dd");
  return { node: element("div", { class: "stat", "data-tone": tone }, element("dt", {}, element("span", { "aria-hidden": "true" }, sign), ` ${label}`), value), value };
}

const HIGH = 0.7;
const FULL = 0.9;
const NEAR = 0.1;

function toneOf(share, goodWhenFull, mark) {
  if (mark !== null) return share > mark ? "bad" : mark > 0.5 && share > mark - NEAR ? "warn" : "plain";
  const strain = goodWhenFull ? 1 - share : share;
  return strain >= FULL ? "bad" : strain >= HIGH ? "warn" : "plain";
}

/**
 * A figure above a bar; `show(share, text)` sets both. `goodWhenFull` turns the colours round. `mark` draws a line
 * at the share above which it is bad, and a figure beyond it gets a sign.
 */
export function meter(label, { goodWhenFull = false, mark = null } = {}) {
  const figure = element("span", { class: "figure" });
  const bar = element("span", { class: "bar-fill" });
  const track = element("span", { class: "bar", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, bar);
  const line = mark === null ? [] : [element("span", { class: "bar-mark" })];
  for (const each of line) each.style.left = `${mark * 100}%`;
  return {
    node: element("div", { class: mark === null ? "meter" : "meter marked" }, figure, element("span", { class: "bar-frame" }, track, ...line)),
    show(share, text) {
      const known = Number.isFinite(share);
      const shown = known ? Math.min(1, Math.max(0, share)) : 0;
      write(figure, mark !== null && share > mark ? `✗ ${text}` : text);
      bar.style.width = `${(shown * 100).toFixed(1)}%`;
      set(track, "data-tone", !known ? "neutral" : toneOf(shown, goodWhenFull, mark));
      set(track, "aria-valuenow", Math.round(shown * 100));
      set(track, "aria-valuetext", text);
    },
  };
}

/** A table with a head; `rows(items, key, make)` keeps one row an item: `make()` gives its cells and update. */
export function table(caption, ...heads) {
  const body = element("tbody");
  const kept = new Map();
  return {
    node: element("table", {}, element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))), body),
    rows(items, key, make) {
      const names = new Set(items.map(key));
      for (const [name, row] of kept) {
        if (!names.has(name)) { row.node.remove(); kept.delete(name); }
      }
      for (const item of items) {
        const name = key(item);
        let row = kept.get(name);
        if (!row) {
          const { cells, update } = make(item);
          const [first, ...rest] = cells;
          row = { update, node: element("tr", {}, element("th", { scope: "row" }, first), ...rest.map((cell) => element("td", {}, cell))) };
          kept.set(name, row);
          body.append(row.node);
        }
        row.update(item);
      }
    },
  };
}
