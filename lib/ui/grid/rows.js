// Rows: what all models say in a stretch of time. They are drawn, taken up as they change, reached, taken and searched.

class Rows extends Playback {
  constructor() {
    super();
    this.rows = []; // [{source, start, end, isDifferent, cells, runs, found, item}]
    this.differences = []; // indices of the rows that differ
    this.isOnly = false; // whether the others are left out
    this.taking = new Taking((index) => this.paintTaken(index));
  }

  buildTable() {
    this.columns = new Columns(this.root);
    this.list = element("div", "table", { role: "table", "aria-label": "What each model says" });
    const header = element("div", "header", { role: "rowgroup" });
    header.append(this.columns.head);
    this.list.append(header);
    this.empty = element("p", "empty");
    const sheet = element("div", "sheet");
    sheet.append(...this.buildScroller(this.list, this.empty, this.buildGrowing("More is coming")));
    this.blocks = new Blocks(this);
    return sheet;
  }

  listen() {
    super.listen();
    this.on(this.list, "click", (event) => this.onClick(event));
    this.on(this.list, "focusin", (event) => {
      const index = this.indexOf(event.target);
      if (index >= 0) this.setTabStop(index);
    });
    this.leaving.signal.addEventListener("abort", () => this.blocks.leave());
  }

  // ---- what Python sends ----------------------------------------------------------------------------------

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

  arrange() {
    this.blocks.arrange(this.isOnly ? this.differences : this.rows.map((_, index) => index));
  }

  // ---- drawing --------------------------------------------------------------------------------------------

  // Whether the cells of a row stand below each other, as on a phone, where there is no head.
  get isStacked() {
    return !this.columns.head.offsetHeight;
  }

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
      parts.who.textContent = this.columns.all[column].name;
      parts.cell.classList.toggle("off", this.columns.hidden.has(column));
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
    const isComingHere = isComing(this.columns.all[column]);
    cell.classList.toggle("bare", !runs.length);
    if (!runs.length) said.replaceChildren(aside(isComingHere ? "not there yet" : "nothing here"), silent(isComingHere ? "…" : "—"));
    else said.replaceChildren(...drawRuns(runs, row.found?.get(column) ?? [], this.hereIn(index, column)));
  }

  runsOf(row, column) {
    return (row.runs[column] ??= runsOf(row.cells[column] ?? ""));
  }

  paintTaken(index) {
    const row = this.rows[index];
    if (!row?.item) return;
    const column = this.taking.columnOf(index);
    const alike = this.alikeIn(index);
    row.item.line.classList.toggle("alike", alike > 1);
    row.item.cells.forEach(({ cell, take, all }, at) => {
      all.textContent = alike === this.columns.length ? "All alike" : `${alike} alike`;
      const isTaken = at === column;
      cell.classList.toggle("taken", isTaken);
      take.setAttribute("aria-pressed", String(isTaken));
      take.setAttribute("aria-label", `Take this row from ${this.columns.all[at].name}, ${clock(row.start)}`);
      take.title = isTaken ? "Taken. Press again to give it back" : "Take this row";
    });
  }

  // How many models say the same in a row, so that a phone shows it once; none where the user has chosen among them.
  alikeIn(index) {
    const { isDifferent, cells } = this.rows[index];
    return isDifferent || this.taking.columnOf(index) !== null ? 0 : cells.filter((cell) => cell.length > 0).length;
  }

  // ---- place ----------------------------------------------------------------------------------------------

  itemOf(index) {
    return this.rows[index]?.item?.line;
  }

  reveal(index) {
    const place = Math.max(0, this.blocks.placeOf(index));
    this.blocks.drawAround(place, 1);
    return this.itemOf(this.blocks.shown[place]);
  }

  coveredHeight() {
    return this.columns.head.offsetHeight;
  }

  indexOf(target) {
    return Number(target.closest?.(".row")?.dataset.index ?? -1);
  }

  // One row at a time can be reached with Tab.
  setTabStop(index) {
    this.setTabIndex(this.focused, -1);
    this.focused = this.blocks.shown[Math.max(0, this.blocks.placeOf(Math.max(0, index)))] ?? 0;
    this.blocks.drawAround(this.blocks.placeOf(this.focused));
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

  // With what is shown there: columns may go, and rows move, before Python hears of it.
  take(index, column) {
    this.taking.press(index, column, [this.rows[index].start, this.columns.all[column].name]);
  }

  // ---- search ---------------------------------------------------------------------------------------------

  matchesOf(pattern) {
    const matches = [];
    for (const row of this.rows) {
      row.hadFound = row.found !== null;
      row.found = null;
    }
    const { isStacked } = this;
    for (const index of pattern ? this.blocks.shown : []) {
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
    const seen = this.columns.all.map((_, column) => column).filter((column) => !this.columns.hidden.has(column));
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
    const first = this.blocks.firstInView();
    return Math.max(0, this.matches.findIndex(({ index }) => index >= first));
  }

  keepMatchInView({ index, column }) {
    const line = this.reveal(index);
    const { cell } = this.rows[index].item.cells[column];
    const item = cell.getClientRects().length ? cell : line; // it may have gone out of sight since it was found
    const box = item.getBoundingClientRect();
    const sheet = this.scroller.getBoundingClientRect();
    const left = Math.min(0, box.left - sheet.left - this.columns.corner.offsetWidth) || Math.max(0, box.right - sheet.right);
    this.keepInView(index, { item, left });
  }
}
