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

/** Write a text, only when it has changed: a text that is written anew loses its selection. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** What an attribute is to be; null takes it away. */
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

const HIGH = 0.7;
const FULL = 0.9;

/** A figure above a bar; `show(share, text)` sets both, `goodWhenFull` turns the colours round. */
export function meter(label, { goodWhenFull = false } = {}) {
  const figure = element("span", { class: "figure" });
  const bar = element("span", { class: "bar-fill" });
  const track = element("span", { class: "bar", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, bar);
  return {
    node: element("div", { class: "meter" }, figure, track),
    show(share, text) {
      const known = Number.isFinite(share);
      const shown = known ? Math.min(1, Math.max(0, share)) : 0;
      const strain = goodWhenFull ? 1 - shown : shown;
      write(figure, text);
      bar.style.width = `${(shown * 100).toFixed(1)}%`;
      set(track, "data-tone", !known ? "neutral" : strain >= FULL ? "bad" : strain >= HIGH ? "warn" : "plain");
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
