// The tools of a line: they come to the line that is pointed at, tapped, or has the focus.

class LineTools {
  constructor(reader) {
    this.reader = reader;
    this.root = element("div", "tools", { role: "group", "aria-label": "Line tools" });
    this.edit = iconButton("edit", "Edit this line", "E", PENCIL);
    this.pick = iconButton("pick", "Select this line", "X", "M5 12l5 5 9-10");
    this.root.append(this.edit, this.pick);
    reader.on(this.edit, "click", () => reader.open(this.index));
    reader.on(this.pick, "click", (event) => reader.selection.pick(this.index, { isMore: event.shiftKey }));
    for (const type of ["pointerover", "focusin", "click"]) {
      reader.on(reader.list, type, (event) => this.comeTo(event.target.closest?.(".line")));
    }
  }

  get index() {
    return this.root.closest(".line").at;
  }

  comeTo(item) {
    if (!item || !this.reader.editing.isPossible || item === this.root.parentNode) return;
    if (this.root.contains(this.root.getRootNode().activeElement)) return; // nobody takes away what has the focus
    item.append(this.root);
    this.showPicked();
  }

  showPicked() {
    this.pick.setAttribute("aria-pressed", String(this.root.parentNode?.classList.contains("picked") ?? false));
  }
}
