// The grid: a row per stretch of time, a cell per model, and one player for all of them.
//
// The first call builds the elements; later ones take up the difference. Only what is near the eye is drawn: rows stand
// in blocks, and a block gets its rows when it comes close. Names and texts are a stranger's: they enter the page
// through textContent and text nodes only.

const BLOCK_ROWS = 10; // drawn at once: more would be seen as a hitch in scrolling
const [SAME, DIFFERS, EXTRA, MISSING] = [0, 1, 2, 3]; // as Python numbers the marks
const MARK_CLASSES = ["", "differs", "extra", "missing"];
const MARK_ASIDES = ["", "differs: ", "only here: ", "left out: "]; // for ears: colour and line are for eyes alone
const STATE_GLYPHS = { done: "m6 12.5 4 4 8-9", failed: "m7 7 10 10M17 7 7 17", stopped: "M7 12h10", waiting: "", going: "" };
const LETTER_WIDTH = 7.2; // of an average letter, in pixels: for the height of rows that are not drawn yet
const LINE_HEIGHT = 23;
const ROW_PADDING = 14;
const CELL_PADDING = 30;
const NARROWEST = 192; // as in the styles
const FALLBACK_WIDTH = 1000;
const CONFIRM_MS = 15_000; // how long a press may stand before Python has it among what is taken
const grids = new WeakMap();

export default function (given) {
  return showIn(Grid, grids, given);
}

class Grid extends Playback {
  constructor(parent) {
    super();
    this.columns = []; // [{name, state, tone, isBlind}]
    this.hidden = new Set(); // columns that are switched off, as on a phone
    this.rows = []; // [{source, start, end, isDifferent, cells, runs, found, item}]
    this.shown = []; // indices of the rows that are not left out
    this.blocks = []; // [{box, rows, isDrawn}], in the order of what is shown
    this.differences = []; // indices of the rows that differ
    this.taken = new Map();
    this.presses = []; // what is still to be sent, one at a time: a second would overtake the first
    this.build(parent);
    this.listen();
  }

  // ---- building -------------------------------------------------------------------------------------------

  build(parent) {
    this.buildRoot(parent, "compare", "Player and grid of models");
    this.buildStage(shortcut("N P", "differences"), shortcut("J K", "rows"));

    this.only = element("button", "only", { type: "button", role: "switch", "aria-checked": "false" });
    this.only.append(element("i"), document.createTextNode("Only differences"));
    this.walk = element("div", "walk", { role: "group", "aria-label": "Differences" });
    this.before = iconButton("before", "Previous difference", "P", "m14 6-6 6 6 6");
    this.after = iconButton("after", "Next difference", "N", "m10 6 6 6-6 6");
    this.where = element("span", "where");
    this.walk.append(this.before, this.where, this.after);
    this.explain = element("button", "explain", { type: "button", "aria-expanded": "false" }); // where there is little room
    this.explain.textContent = "What the marks mean";
    const tools = element("div", "tools");
    tools.append(this.controls, this.walk, this.only, this.explain);
    this.legend = element("p", "legend");
    this.legend.append(
      meaning(DIFFERS, "word", "differs from most"), meaning(EXTRA, "word", "only here"), meaning(MISSING, "word", "left out here"),
    );
    this.offer = element("span", "meaning");
    this.offer.append(element("i", "ring"), "take this row");
    this.rule = element("span", "rule");
    this.legend.append(this.offer, this.rule);
    const desk = element("div", "desk");
    desk.append(tools, this.buildFind("Search the rows"), this.legend, this.help);
    const top = element("div", "top");
    top.append(this.stage, desk);

    this.chips = element("div", "chips", { role: "group", "aria-label": "Models shown" });
    this.head = element("div", "row head", { role: "row", "aria-rowindex": "1" });
    this.corner = element("div", "corner", { role: "columnheader" });
    this.corner.textContent = "Time";
    this.list = element("div", "table", { role: "table", "aria-label": "What each model says" });
    const header = element("div", "header", { role: "rowgroup" });
    header.append(this.head);
    this.list.append(header);
    this.empty = element("p", "empty");
    const sheet = element("div", "sheet");
    sheet.append(...this.buildScroller(this.list, this.empty, this.buildGrowing("More is coming")));
    this.root.append(top, this.chips, sheet);
  }

  listen() {
    super.listen();
    this.on(this.list, "click", (event) => this.onClick(event));
    this.on(this.list, "focusin", (event) => {
      const index = this.indexOf(event.target);
      if (index >= 0) this.setTabStop(index);
    });
    this.on(this.chips, "click", (event) => this.onChip(event));
    this.on(this.explain, "click", () => this.showLegend(this.explain.ariaExpanded !== "true"));
    this.on(this.only, "click", () => this.showOnly(!this.isOnly));
    this.on(this.before, "click", () => this.toDifference(-1, { isFocusing: false }));
    this.on(this.after, "click", () => this.toDifference(1, { isFocusing: false }));
    this.near = new IntersectionObserver((seen) => this.drawSeen(seen), { root: this.scroller, rootMargin: "120% 0px" });
    this.leaving.signal.addEventListener("abort", () => this.near.disconnect());
  }

  // ---- what Python sends ----------------------------------------------------------------------------------

  show(data, { setTriggerValue }) {
    this.send = setTriggerValue;
    const wasAtEnd = this.rows.length > 0 && this.isAtEnd();
    this.showMedia(data);
    this.showColumns(data.columns, data.canTake);
    this.showRows(data.rows);
    this.showTaken(data.taken);
    this.showWords(data.normalisation);
    if (this.isGrowing && wasAtEnd && !this.isPlaying()) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.tick();
    this.showSeek(data.seek);
  }

  showColumns(columns, canTake) {
    const asText = JSON.stringify([columns, canTake, this.player.kind]);
    if (asText === this.columnsText) return;
    this.columnsText = asText;
    const were = this.columns;
    this.columns = columns.map(([name, state, tone, isBlind]) => ({ name, state, tone, isBlind }));
    this.canTake = canTake;
    this.isGrowing = this.columns.some(isComing);
    this.root.style.setProperty("--columns", this.columns.length);
    this.root.classList.toggle("alone", this.columns.length < 2);
    if (were.length !== this.columns.length) this.hidden.clear();
    this.list.setAttribute("aria-colcount", this.columns.length + 1);
    this.head.replaceChildren(this.corner, ...this.columns.map(buildHeading));
    this.chips.replaceChildren(...this.columns.map(buildChip));
    this.showHidden();
    this.rows.forEach((row, index) => row.item && this.fillRow(index));
  }

  showRows(sources) {
    const drawn = [];
    let hasChanged = this.rows.length !== sources.length;
    sources.forEach((source, index) => {
      const row = this.rows[index];
      if (row?.source === source) return;
      hasChanged = true;
      const [start, end, isDifferent, ...cells] = JSON.parse(source);
      this.rows[index] = { source, start, end, isDifferent: isDifferent === 1, cells, runs: [], found: null, item: row?.item };
      if (row?.item) drawn.push(index);
    });
    this.rows.length = sources.length;
    if (!hasChanged) return;
    this.starts = this.rows.map((row) => row.start);
    this.differences = this.rows.flatMap((row, index) => (row.isDifferent ? [index] : []));
    this.list.setAttribute("aria-rowcount", this.rows.length + 1);
    this.list.classList.toggle("long", this.starts.at(-1) >= 3600);
    this.current = Math.min(this.current, this.rows.length - 1);
    this.cursor = Math.min(this.cursor, this.rows.length - 1);
    for (const index of drawn) this.fillRow(index);
    this.arrange();
    this.setTabStop(Math.min(this.focused, this.rows.length - 1));
    if (this.find.value) this.search({ keepPlace: true });
  }

  showWords(normalisation) {
    this.rule.textContent = normalisation;
    this.offer.hidden = !this.canTake;
    this.growing.hidden = !this.isGrowing;
    this.empty.hidden = this.shown.length > 0;
    this.empty.textContent = this.rows.length
      ? "The models agree in every row."
      : this.isGrowing
        ? "The first rows appear here as they come."
        : "There are no rows to show.";
    this.showWhere();
  }

  showLegend(isShown) {
    this.explain.setAttribute("aria-expanded", String(isShown));
    this.legend.classList.toggle("asked", isShown);
  }

  // ---- blocks ---------------------------------------------------------------------------------------------

  // Puts the rows that are shown into blocks; a block that holds the same rows as before stays as it is.
  arrange() {
    this.shown = this.isOnly ? this.differences : this.rows.map((_, index) => index);
    const count = Math.ceil(this.shown.length / BLOCK_ROWS);
    for (const block of this.blocks.splice(count)) {
      this.near.unobserve(block.box);
      block.box.remove();
    }
    while (this.blocks.length < count) {
      const block = { box: element("div", "block", { role: "rowgroup" }), rows: [], isDrawn: false };
      this.blocks.push(block);
      this.list.append(block.box);
      this.near.observe(block.box);
    }
    const heightOf = this.heights();
    this.blocks.forEach((block, at) => {
      const rows = this.shown.slice(at * BLOCK_ROWS, (at + 1) * BLOCK_ROWS);
      if (rows.length === block.rows.length && rows.every((index, place) => index === block.rows[place])) return;
      block.rows = rows;
      const height = rows.reduce((sum, index) => sum + heightOf(this.rows[index]), 0);
      block.box.style.setProperty("--height", `${Math.round(height)}px`);
      if (block.isDrawn) this.fillBlock(block);
    });
  }

  // How high a row will be, guessed from how much is said in it.
  heights() {
    const isStacked = this.isStacked();
    const width = this.scroller.clientWidth || FALLBACK_WIDTH;
    const cellWidth = isStacked ? width : Math.max(NARROWEST, width / (this.columns.length + 0.4));
    const linesOf = (cell) => Math.ceil((lettersIn(cell) * LETTER_WIDTH) / (cellWidth - CELL_PADDING));
    return ({ cells, isDifferent }) => {
      const lines = cells.map((cell) => Math.max(1, linesOf(cell)));
      const seen = isStacked && isDifferent ? lines.reduce((sum, each) => sum + each + 1, 1) : Math.max(...lines) + (isStacked ? 2 : 0);
      return ROW_PADDING + LINE_HEIGHT * seen;
    };
  }

  // Whether the cells of a row stand below each other, as on a phone, where there is no head.
  isStacked() {
    return !this.head.offsetHeight;
  }

  drawSeen(seen) {
    for (const { target, isIntersecting } of seen) {
      const block = isIntersecting && this.blocks.find(({ box }) => box === target);
      if (block) this.draw(block);
    }
  }

  draw(block) {
    if (!block || block.isDrawn) return;
    block.isDrawn = true;
    block.box.classList.add("drawn");
    this.near.unobserve(block.box);
    this.fillBlock(block);
  }

  // Rows that stand where they stood are not moved: to move one is to lose its focus and what is selected in it.
  fillBlock(block) {
    const items = block.rows.map((index) => this.rows[index].item ?? this.buildRow(index));
    for (const child of [...block.box.children]) if (!items.some(({ line }) => line === child)) child.remove();
    items.forEach(({ line }, at) => {
      if (block.box.children[at] !== line) block.box.insertBefore(line, block.box.children[at] ?? null);
    });
  }

  // Where a row stands among those shown; one that is left out stands with the last shown before it.
  placeOf(index) {
    let low = 0;
    let high = this.shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shown[middle] <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  // ---- rows -----------------------------------------------------------------------------------------------

  buildRow(index) {
    const line = element("div", "row", { role: "row", "aria-rowindex": index + 2 });
    const when = element("div", "when", { role: "rowheader" });
    const time = element("button", "time", { type: "button", tabindex: "-1" });
    when.append(time);
    line.append(when);
    line.dataset.index = index;
    this.rows[index].item = { line, time, cells: [] };
    this.fillRow(index);
    return this.rows[index].item;
  }

  fillRow(index) {
    const row = this.rows[index];
    const { line, time, cells } = row.item;
    time.textContent = clock(row.start);
    const differing = row.isDifferent ? ", the models differ" : "";
    time.setAttribute("aria-label", `${this.media ? "Play from " : ""}${clock(row.start)}${differing}`);
    line.classList.toggle("different", row.isDifferent);
    line.classList.toggle("at", index === this.cursor);
    if (index === this.current) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
    while (cells.length < this.columns.length) {
      cells.push(buildCell(cells.length));
      line.append(cells.at(-1).cell);
    }
    for (const { cell } of cells.splice(this.columns.length)) cell.remove();
    cells.forEach((parts, column) => {
      parts.who.textContent = this.columns[column].name;
      parts.cell.classList.toggle("off", this.hidden.has(column));
      parts.take.hidden = !this.canTake;
      this.fillCell(index, column);
    });
    this.paintTaken(index);
    this.setTabIndex(index, index === this.focused ? 0 : -1);
  }

  fillCell(index, column) {
    const row = this.rows[index];
    const { said, cell } = row.item.cells[column];
    const runs = this.runsOf(row, column);
    const isComingHere = isComing(this.columns[column]);
    cell.classList.toggle("bare", !runs.length);
    if (!runs.length) said.replaceChildren(aside(isComingHere ? "not there yet" : "nothing here"), silent(isComingHere ? "…" : "—"));
    else said.replaceChildren(...drawRuns(runs, row.found?.get(column) ?? [], this.hereIn(index, column)));
  }

  runsOf(row, column) {
    return (row.runs[column] ??= runsOf(row.cells[column] ?? ""));
  }

  itemOf(index) {
    return this.rows[index]?.item?.line;
  }

  reveal(index) {
    const place = Math.max(0, this.placeOf(index));
    const at = Math.floor(place / BLOCK_ROWS);
    for (const near of [at - 1, at, at + 1]) this.draw(this.blocks[near]);
    return this.itemOf(this.shown[place]);
  }

  coveredHeight() {
    return this.head.offsetHeight;
  }

  indexOf(target) {
    return Number(target.closest?.(".row")?.dataset.index ?? -1);
  }

  // One row at a time can be reached with Tab.
  setTabStop(index) {
    this.setTabIndex(this.focused, -1);
    this.focused = this.shown[Math.max(0, this.placeOf(Math.max(0, index)))] ?? 0;
    this.draw(this.blocks[Math.floor(this.placeOf(this.focused) / BLOCK_ROWS)]);
    this.setTabIndex(this.focused, 0);
  }

  setTabIndex(index, value) {
    const item = this.rows[index]?.item;
    if (!item) return;
    for (const button of [item.time, ...item.cells.map(({ take }) => take)]) button.tabIndex = value;
  }

  focusOn(index) {
    this.reveal(index);
    this.rows[index]?.item?.time.focus({ preventScroll: true });
  }

  onClick(event) {
    const index = this.indexOf(event.target);
    if (index < 0) return;
    const take = event.target.closest(".take");
    if (take) this.take(index, Number(take.dataset.column));
    else if (event.target.closest("button") || !this.isSelecting()) this.play(index);
  }

  // ---- differences ----------------------------------------------------------------------------------------

  keys() {
    return { ...super.keys(), n: () => this.toDifference(1), p: () => this.toDifference(-1) };
  }

  tick() {
    const was = this.cursor;
    super.tick();
    if (this.cursor !== was) this.showWhere();
  }

  // J and K step over what is left out.
  step(by) {
    const place = this.cursor < 0 ? -1 : this.placeOf(this.cursor);
    this.goTo(this.shown[Math.max(0, Math.min(this.shown.length - 1, place + by))]);
  }

  goTo(index, options) {
    super.goTo(index, options);
    this.showWhere();
  }

  toDifference(by, options) {
    const { differences, cursor } = this;
    if (!differences.length) return;
    const next = by > 0 ? differences.find((index) => index > cursor) : differences.findLast((index) => index < cursor);
    this.goTo(next ?? (by > 0 ? differences[0] : differences.at(-1)), options);
  }

  showWhere() {
    this.itemOf(this.marked)?.classList.remove("at");
    this.itemOf(this.cursor)?.classList.add("at");
    this.marked = this.cursor;
    const { length } = this.differences;
    const at = this.differences.indexOf(this.cursor);
    const noun = element("span", "noun");
    noun.textContent = "Difference ";
    if (at >= 0) this.where.replaceChildren(noun, `${at + 1} of ${length}`);
    else this.where.textContent = length === 1 ? "1 difference" : `${length || "No"} differences`;
    this.before.disabled = this.after.disabled = !length;
  }

  // The row that stands on top, or the lit one while it is followed, keeps its place.
  showOnly(isOnly) {
    const kept = this.isFollowing && this.current >= 0 ? this.current : this.firstInView();
    const was = this.topOf(kept);
    this.isOnly = isOnly;
    this.only.setAttribute("aria-checked", String(isOnly));
    this.arrange();
    this.empty.hidden = this.shown.length > 0;
    this.reveal(kept);
    this.scroller.scrollTop += this.topOf(kept) - was;
    this.setTabStop(kept);
    if (this.find.value) this.search({ keepPlace: true });
  }

  topOf(index) {
    return this.reveal(index)?.getBoundingClientRect().top ?? 0;
  }

  firstInView() {
    const top = this.scroller.getBoundingClientRect().top + this.coveredHeight();
    const isBelow = (node) => node.getBoundingClientRect().bottom > top + 1;
    const block = this.blocks.find(({ box }) => isBelow(box));
    if (!block) return 0;
    this.draw(block);
    return block.rows.find((index) => isBelow(this.itemOf(index))) ?? block.rows[0];
  }

  // ---- columns --------------------------------------------------------------------------------------------

  onChip(event) {
    const chip = event.target.closest(".chip");
    if (!chip) return;
    const column = Number(chip.dataset.column);
    const left = this.columns.length - this.hidden.size;
    if (this.hidden.has(column)) this.hidden.delete(column);
    else if (left > 1) this.hidden.add(column);
    this.showHidden();
    for (const { item } of this.rows) item?.cells.forEach(({ cell }, at) => cell.classList.toggle("off", this.hidden.has(at)));
    if (this.find.value) this.search({ keepPlace: true });
  }

  showHidden() {
    [...this.chips.children].forEach((chip, column) => chip.setAttribute("aria-pressed", String(!this.hidden.has(column))));
    this.root.classList.toggle("single", this.columns.length - this.hidden.size < 2);
  }

  // ---- taking ---------------------------------------------------------------------------------------------

  // What the user sees: what Python says, and over it what is pressed and on its way.
  takenIn(index) {
    const pressed = this.presses.findLast(({ row }) => row === index);
    return pressed ? pressed.column : (this.taken.get(index) ?? null);
  }

  take(index, column) {
    this.presses.push({ row: index, column: this.takenIn(index) === column ? null : column });
    this.paintTaken(index);
    this.sendPress();
  }

  sendPress() {
    if (this.isSending || !this.presses.length) return;
    this.isSending = true;
    const { row, column } = this.presses[0];
    this.send("taken", { row, column });
    this.waiting = setTimeout(() => this.endPress(), CONFIRM_MS); // Python may have its reasons not to take it
  }

  endPress() {
    clearTimeout(this.waiting);
    this.isSending = false;
    const [{ row }] = this.presses.splice(0, 1);
    this.paintTaken(row);
    this.sendPress();
  }

  showTaken(pairs) {
    const were = this.taken;
    this.taken = new Map(pairs);
    for (const index of new Set([...were.keys(), ...this.taken.keys()])) this.paintTaken(index);
    const [press] = this.presses;
    if (this.isSending && (this.taken.get(press.row) ?? null) === press.column) this.endPress();
  }

  paintTaken(index) {
    const row = this.rows[index];
    if (!row?.item) return;
    const column = this.takenIn(index);
    const alike = this.alikeIn(index);
    row.item.line.classList.toggle("alike", alike > 1);
    row.item.cells.forEach(({ cell, take, all }, at) => {
      all.textContent = alike === this.columns.length ? "All alike" : `${alike} alike`;
      const isTaken = at === column;
      cell.classList.toggle("taken", isTaken);
      take.setAttribute("aria-pressed", String(isTaken));
      take.setAttribute("aria-label", `Take this row from ${this.columns[at].name}, ${clock(row.start)}`);
      take.title = isTaken ? "Taken. Press again to give it back" : "Take this row";
    });
  }

  // How many models say the same in a row, so that a phone shows it once; none where the user has chosen among them.
  alikeIn(index) {
    const { isDifferent, cells } = this.rows[index];
    return isDifferent || this.takenIn(index) !== null ? 0 : cells.filter((cell) => cell.length > 0).length;
  }

  // ---- search ---------------------------------------------------------------------------------------------

  matchesOf(pattern) {
    const matches = [];
    for (const row of this.rows) {
      row.hadFound = row.found !== null;
      row.found = null;
    }
    const isStacked = this.isStacked();
    for (const index of pattern ? this.shown : []) {
      const row = this.rows[index];
      for (const column of this.seenIn(index, isStacked)) {
        const places = [...saidIn(this.runsOf(row, column)).matchAll(pattern)].map((found) => [found.index, found[0].length]);
        if (places.length) (row.found ??= new Map()).set(column, places);
        places.forEach((_, nth) => matches.push({ index, column, nth }));
      }
    }
    this.rows.forEach((row, index) => {
      if (!row.item || !(row.found || row.hadFound)) return;
      row.item.cells.forEach((_, column) => this.fillCell(index, column));
    });
    return matches;
  }

  // The columns whose cells are seen in a row.
  seenIn(index, isStacked) {
    const seen = this.columns.map((_, column) => column).filter((column) => !this.hidden.has(column));
    if (!isStacked || this.alikeIn(index) < 2) return seen;
    return seen.filter((column) => this.rows[index].cells[column].length > 0).slice(0, 1);
  }

  // Which match in a cell is the one the search stands at; -1 when it stands elsewhere.
  hereIn(index, column) {
    const match = this.matches[this.match];
    return match?.index === index && match.column === column ? match.nth : -1;
  }

  lightMatch({ index, column, nth }, isHere) {
    const cell = this.rows[index]?.item?.cells[column]?.said;
    for (const mark of cell?.querySelectorAll(`mark[data-nth="${nth}"]`) ?? []) mark.classList.toggle("here", isHere);
  }

  firstMatchInView() {
    const first = this.firstInView();
    return Math.max(0, this.matches.findIndex(({ index }) => index >= first));
  }

  keepMatchInView({ index, column }) {
    const line = this.reveal(index);
    const { cell } = this.rows[index].item.cells[column];
    const item = cell.getClientRects().length ? cell : line; // it may have gone out of sight since it was found
    const box = item.getBoundingClientRect();
    const sheet = this.scroller.getBoundingClientRect();
    const left = Math.min(0, box.left - sheet.left - this.corner.offsetWidth) || Math.max(0, box.right - sheet.right);
    this.keepInView(index, { item, left });
  }
}

// ---- columns ------------------------------------------------------------------------------------------------

function isComing({ tone }) {
  return tone === "waiting" || tone === "going";
}

function buildHeading(column, at) {
  const heading = element("div", "heading", { role: "columnheader", "aria-colindex": at + 2 });
  heading.append(nameOf(column), stateOf(column));
  return heading;
}

// On a phone the models are chips: each switches its cells on and off.
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

// ---- cells --------------------------------------------------------------------------------------------------
// A cell as Python packs it is a text that is the same as the others', or texts and marks in turn.

function buildCell(column) {
  const cell = element("div", "cell", { role: "cell", "aria-colindex": column + 2 });
  const who = element("span", "who", { dir: "auto" });
  const all = element("span", "all");
  const said = element("div", "said", { dir: "auto" });
  const take = element("button", "take", { type: "button", tabindex: "-1" });
  take.dataset.column = column;
  cell.append(take, who, all, said); // the text flows around the button
  return { cell, who, all, said, take };
}

// Runs of text with one mark each. A space belongs to neither of two marks that it parts.
function runsOf(cell) {
  const pieces = typeof cell === "string" ? [cell, SAME] : cell;
  const runs = [];
  const add = (text, mark) => {
    if (runs.at(-1)?.mark === mark) runs.at(-1).text += text;
    else runs.push({ text, mark });
  };
  for (let at = 0; at < pieces.length; at += 2) {
    const [text, mark] = [pieces[at], pieces[at + 1]];
    if (!text) continue;
    const last = runs.at(-1);
    if (last && needsSpace(last.text, text)) add(" ", last.mark === mark ? mark : SAME);
    add(text, mark);
  }
  return runs;
}

// Between words of scripts that part them, and not in front of what closes a phrase.
const UNPARTED = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}";
const ENDS_UNPARTED = new RegExp(`[${UNPARTED}、。，！？]$`, "u");
const BEGINS_UNPARTED = new RegExp(`^[${UNPARTED}]`, "u");

function needsSpace(before, after) {
  if (/\s$/.test(before) || /^[\s,.;:!?%)\]}»”’…、。，！？]/.test(after)) return false;
  return !(ENDS_UNPARTED.test(before) && BEGINS_UNPARTED.test(after));
}

function saidIn(runs) {
  return runs.map(({ text, mark }) => (mark === MISSING ? "" : text)).join("");
}

// What is found may run through several marks: each piece of it is a mark element of its own, with its number.
function drawRuns(runs, places, here) {
  let at = 0;
  return runs.map(({ text, mark }) => {
    const from = at;
    if (mark !== MISSING) at += text.length;
    const pieces = mark === MISSING ? [text] : lit(text, from, places, here);
    if (mark === SAME) return pieces;
    const marked = element("span", MARK_CLASSES[mark]);
    marked.append(aside(MARK_ASIDES[mark]), ...pieces);
    return [marked];
  }).flat();
}

function lit(text, from, places, here) {
  const pieces = [];
  let done = 0;
  places.forEach(([start, length], nth) => {
    const begin = Math.max(done, start - from);
    const end = Math.min(text.length, start + length - from);
    if (begin >= end) return;
    const mark = element("mark", nth === here ? "here" : "");
    mark.dataset.nth = nth;
    mark.textContent = text.slice(begin, end);
    pieces.push(text.slice(done, begin), mark);
    done = end;
  });
  pieces.push(text.slice(done));
  return pieces.filter((piece) => piece !== "");
}

function lettersIn(cell) {
  return typeof cell === "string" ? cell.length : cell.reduce((sum, piece) => sum + (piece.length ?? 0) + 0.5, 0);
}

// ---- words for ears and for eyes ----------------------------------------------------------------------------

function aside(words) {
  const hidden = element("span", "aside");
  hidden.textContent = words;
  return hidden;
}

function silent(words) {
  const shown = element("span", "silent", { "aria-hidden": "true" });
  shown.textContent = words;
  return shown;
}

function meaning(mark, example, words) {
  const shown = element("span", "meaning");
  const sample = element("span", MARK_CLASSES[mark], { "aria-hidden": "true" });
  sample.textContent = example;
  shown.append(sample, ` ${words}`);
  return shown;
}
