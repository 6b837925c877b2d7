// The grid: a row per stretch of time, a cell per model, and one player for all of them. Its rooms are the files beside
// this one, joined in the order of __init__.py.
//
// The first call builds the elements; later ones take up the difference. Names and texts are a stranger's: they enter
// the page through textContent and text nodes only.

const grids = new WeakMap();

export default function (given) {
  return showIn(Grid, grids, given);
}

class Grid extends Rows {
  constructor(parent) {
    super();
    this.build(parent);
    this.listen();
  }

  // ---- building -------------------------------------------------------------------------------------------

  build(parent) {
    this.buildRoot(parent, "compare", "Player and grid of models");
    this.buildStage(shortcut("N P", "differences"), shortcut("J K", "rows"));
    const desk = element("div", "desk");
    desk.append(this.buildTools(), this.buildFind("Search the rows"), this.buildLegend(), this.help);
    const top = element("div", "top");
    top.append(this.stage, desk);
    const sheet = this.buildTable();
    this.root.append(top, this.columns.chips, sheet);
  }

  buildTools() {
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
    return tools;
  }

  buildLegend() {
    this.legend = element("p", "legend");
    this.legend.append(
      meaning(DIFFERS, "word", "differs from most"), meaning(EXTRA, "word", "only here"), meaning(MISSING, "word", "left out here"),
    );
    this.offer = element("span", "meaning");
    this.offer.append(element("i", "ring"), "take this row");
    this.rule = element("span", "rule");
    this.legend.append(this.offer, this.rule);
    return this.legend;
  }

  listen() {
    super.listen();
    this.on(this.columns.chips, "click", (event) => this.onChip(event));
    this.on(this.explain, "click", () => this.showLegend(this.explain.ariaExpanded !== "true"));
    this.on(this.only, "click", () => this.showOnly(!this.isOnly));
    this.on(this.before, "click", () => this.toDifference(-1, { isFocusing: false }));
    this.on(this.after, "click", () => this.toDifference(1, { isFocusing: false }));
  }

  keys() {
    return { ...super.keys(), n: () => this.toDifference(1), p: () => this.toDifference(-1) };
  }

  // ---- what Python sends ----------------------------------------------------------------------------------

  show(data, { setTriggerValue }) {
    const wasAtEnd = this.rows.length > 0 && this.isAtEnd();
    this.showMedia(data);
    this.showColumns(data.columns, data.canTake);
    this.showRows(data.rows);
    this.taking.show(data.taken, (press) => setTriggerValue("taken", press));
    this.showWords(data.normalisation);
    if (this.columns.isGrowing && wasAtEnd && !this.isPlaying()) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.tick();
    this.showSeek(data.seek);
  }

  showColumns(columns, canTake) {
    const asText = JSON.stringify([columns, canTake, this.player.kind]);
    if (asText === this.columnsText) return;
    this.columnsText = asText;
    this.canTake = canTake;
    this.columns.show(columns);
    this.list.setAttribute("aria-colcount", this.columns.length + 1);
    this.rows.forEach((row, index) => row.item && this.fillRow(index));
  }

  showWords(normalisation) {
    const { isGrowing } = this.columns;
    this.rule.textContent = normalisation;
    this.offer.hidden = !this.canTake;
    this.growing.hidden = !isGrowing;
    this.empty.hidden = this.blocks.shown.length > 0;
    this.empty.textContent = this.rows.length
      ? "The models agree in every row."
      : isGrowing
        ? "The first rows appear here as they come."
        : "There are no rows to show.";
    this.showWhere();
  }

  showLegend(isShown) {
    this.explain.setAttribute("aria-expanded", String(isShown));
    this.legend.classList.toggle("asked", isShown);
  }

  onChip(event) {
    const chip = event.target.closest(".chip");
    if (!chip) return;
    this.columns.toggle(Number(chip.dataset.column));
    const { hidden } = this.columns;
    for (const { item } of this.rows) item?.cells.forEach(({ cell }, at) => cell.classList.toggle("off", hidden.has(at)));
    if (this.find.value) this.search({ keepPlace: true });
  }

  // ---- differences ----------------------------------------------------------------------------------------

  tick() {
    const was = this.cursor;
    super.tick();
    if (this.cursor !== was) this.showWhere();
  }

  // J and K step over what is left out.
  step(by) {
    const { shown } = this.blocks;
    const place = this.cursor < 0 ? -1 : this.blocks.placeOf(this.cursor);
    this.goTo(shown[Math.max(0, Math.min(shown.length - 1, place + by))]);
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
    const kept = this.isFollowing && this.current >= 0 ? this.current : this.blocks.firstInView();
    const was = this.topOf(kept);
    this.isOnly = isOnly;
    this.only.setAttribute("aria-checked", String(isOnly));
    this.arrange();
    this.empty.hidden = this.blocks.shown.length > 0;
    this.reveal(kept);
    this.scroller.scrollTop += this.topOf(kept) - was;
    this.setTabStop(kept);
    if (this.find.value) this.search({ keepPlace: true });
  }

  topOf(index) {
    return this.reveal(index)?.getBoundingClientRect().top ?? 0;
  }
}
