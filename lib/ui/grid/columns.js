// Columns: the models, as headings above their cells, or on a phone as chips that switch their cells on and off.

const STATE_GLYPHS = { done: "m6 12.5 4 4 8-9", failed: "m7 7 10 10M17 7 7 17", stopped: "M7 12h10", waiting: "", going: "" };

class Columns {
  constructor(root) {
    this.root = root;
    this.all = []; // [{name, state, tone, isBlind}]
    this.hidden = new Set(); // those that are switched off
    this.chips = element("div", "chips", { role: "group", "aria-label": "Models shown" });
    this.head = element("div", "row head", { role: "row", "aria-rowindex": "1" });
    this.corner = element("div", "corner", { role: "columnheader" });
    this.corner.textContent = "Time";
  }

  get length() {
    return this.all.length;
  }

  get isGrowing() {
    return this.all.some(isComing);
  }

  show(columns) {
    const were = this.length;
    this.all = columns.map(([name, state, tone, isBlind]) => ({ name, state, tone, isBlind }));
    if (were !== this.length) this.hidden.clear();
    this.root.style.setProperty("--columns", this.length);
    this.root.classList.toggle("alone", this.length < 2);
    this.head.replaceChildren(this.corner, ...this.all.map(buildHeading));
    this.chips.replaceChildren(...this.all.map(buildChip));
    this.showHidden();
  }

  // Switches a column off or on again; the last one stays.
  toggle(column) {
    if (this.hidden.has(column)) this.hidden.delete(column);
    else if (this.length - this.hidden.size > 1) this.hidden.add(column);
    this.showHidden();
  }

  showHidden() {
    [...this.chips.children].forEach((chip, column) => chip.setAttribute("aria-pressed", String(!this.hidden.has(column))));
    this.root.classList.toggle("single", this.length - this.hidden.size < 2);
  }
}

function isComing({ tone }) {
  return tone === "waiting" || tone === "going";
}

function buildHeading(column, at) {
  const heading = element("div", "heading", { role: "columnheader", "aria-colindex": at + 2 });
  heading.append(nameOf(column), stateOf(column));
  return heading;
}

function buildChip(column, at) {
  const chip = element("button", "chip", { type: "button" });
  chip.dataset.column = at;
  chip.append(nameOf(column), stateOf(column));
  return chip;
}

function nameOf({ name, isBlind }) {
  const label = element("span", isBlind ? "name blind" : "name", { dir: "auto", title: isBlind ? `Model ${name}` : name });
  if (isBlind) label.append(aside("Model "));
  label.append(name);
  return label;
}

function stateOf({ state, tone }) {
  const words = element("span", `state ${tone}`, { title: state });
  words.hidden = !tone;
  if (!tone) return words;
  const dot = element("i", "dot");
  if (STATE_GLYPHS[tone]) dot.append(icon(STATE_GLYPHS[tone]));
  const said = element("span");
  said.textContent = state;
  words.append(dot, said);
  return words;
}
