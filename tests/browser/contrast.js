// The contrast of every text that can be seen, against the worst colour that may lie behind it (WCAG 2, 1.4.3).
// Returns the texts below `least` with what was found.
(least) => {
  const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = ([r, g, b, a], back) => [r, g, b].map((value, index) => value * a + back[index] * (1 - a));

  /** Every colour that may lie behind an element: of its own, else of what it stands in. */
  const behind = (node) => {
    if (!node) return [[255, 255, 255]];
    const style = getComputedStyle(node);
    const stops = style.backgroundImage.match(/rgba?\([^)]*\)/g);
    const own = stops ? stops.map(parse) : [parse(style.backgroundColor)];
    if (own.every((colour) => colour[3] === 1)) return own;
    const backs = behind(node.parentElement);
    return own.flatMap((colour) => backs.map((back) => over(colour, back)));
  };
  const dimmed = (node) => (node ? Number(getComputedStyle(node).opacity) * dimmed(node.parentElement) : 1);

  const found = [];
  const judge = (node, text, colour) => {
    const own = parse(colour);
    own[3] *= dimmed(node);
    const worst = Math.min(...behind(node).map((back) => ratio(over(own, back), back)));
    found.push({ text, ratio: worst });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    const seen = node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && !node.closest(".unseen, datalist, option, noscript");
    if (text && seen) judge(node, text, getComputedStyle(node).color);
  }
  for (const node of document.querySelectorAll("input, select")) {
    if (!node.checkVisibility() || ["checkbox", "range"].includes(node.type)) continue;
    judge(node, `value of ${node.id}`, getComputedStyle(node).color);
    if (node.placeholder) judge(node, node.placeholder, getComputedStyle(node, "::placeholder").color);
  }
  return { judged: found.length, low: found.filter((each) => each.ratio < least) };
}
