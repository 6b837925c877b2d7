// Lines that are selected together: to be merged, deleted or run again.

class Selection {
  constructor(reader) {
    this.reader = reader;
    this.editing = reader.editing;
    this.anchor = this.edge = null; // the lines between which, these included, all are selected
    this.build();
  }

  build() {
    this.bar = element("div", "selection", { role: "toolbar", "aria-label": "Selected lines" });
    this.words = element("span", "count", { role: "status" });
    this.merging = textButton("Merge", () => this.do((from, count) => this.editing.merge(from, count)));
    const clear = iconButton("clear", "Select nothing", "Escape", "M6 6l12 12M18 6 6 18");
    clear.addEventListener("click", () => this.clear());
    const acts = element("div", "acts");
    acts.append(
      textButton("Run again…", () => this.runAgain(), { isPrimary: true }),
      this.merging,
      textButton("Delete", () => this.do((from, count) => this.editing.remove(from, count))),
    );
    this.bar.append(this.words, acts, clear);
    this.bar.hidden = true;
  }

  get range() {
    if (!this.anchor?.item.isConnected || !this.edge?.item.isConnected) return null;
    const ends = [this.anchor.item.at, this.edge.item.at];
    return [Math.min(...ends), Math.max(...ends)];
  }

  // Selects a line alone, or all up to it; a line that is selected alone is let go.
  pick(index, { isMore = false } = {}) {
    const line = this.reader.lines[index];
    if (!this.editing.isPossible || !line) return;
    const range = this.range;
    if (isMore && range) this.edge = line;
    else if (range && range[0] === index && range[1] === index) this.anchor = this.edge = null;
    else this.anchor = this.edge = line;
    this.show();
  }

  clear() {
    if (!this.anchor) return false;
    this.anchor = this.edge = null;
    this.show();
    return true;
  }

  show() {
    const range = this.range;
    if (!range) this.anchor = this.edge = null;
    for (const line of this.shown ?? []) line.item.classList.remove("picked");
    this.shown = range ? this.reader.lines.slice(range[0], range[1] + 1) : [];
    for (const line of this.shown) line.item.classList.add("picked");
    this.bar.hidden = !range;
    if (range) {
      const [start, end] = this.stretch;
      const count = this.shown.length;
      this.words.textContent = `${count} ${count === 1 ? "line" : "lines"} · ${clock(start)}–${clock(end)}`;
      this.merging.hidden = count < 2;
    }
    this.reader.tools.showPicked();
  }

  get stretch() {
    const cues = this.shown.map((line) => line.cue);
    return [Math.min(...cues.map((cue) => cue[0])), Math.max(...cues.map((cue) => cue[1]))];
  }

  do(act) {
    const [from, to] = this.range;
    this.clear();
    act(from, to - from + 1);
    this.reader.focusNear(from);
  }

  runAgain() {
    const [start, end] = this.stretch;
    this.reader.post("again", { start, end, at: Date.now() });
  }
}
