// Find and replace: a second row below the search, which says how much there is to replace before it does so.

class Replacing {
  constructor(reader) {
    this.reader = reader;
    this.build();
    reader.on(this.opening, "click", () => this.open(this.root.hidden));
    reader.on(this.root, "keydown", (event) => this.onKey(event));
    reader.on(this.matchesCase, "change", () => reader.search());
    reader.on(this.all, "click", () => this.replace());
  }

  build() {
    this.opening = iconButton("opening", "Find and replace", "R", "M4 8h13l-3-3M20 16H7l3 3");
    this.opening.setAttribute("aria-expanded", "false");
    this.text = element("input", "find", {
      type: "text", placeholder: "Replace with", "aria-label": "Replace with", autocomplete: "off", spellcheck: "false",
    });
    this.matchesCase = element("input", "", { type: "checkbox" });
    const matching = element("label", "check");
    matching.append(this.matchesCase, "Match case");
    this.all = textButton("Replace all", () => {}, { isPrimary: true });
    this.root = element("div", "bar replacing", { role: "group", "aria-label": "Replace" });
    this.root.append(this.text, matching, this.all);
    this.root.hidden = true;
  }

  get isMatchingCase() {
    return this.matchesCase.checked && !this.root.hidden;
  }

  open(isOpen) {
    const { reader } = this;
    if (isOpen && !reader.editing.isPossible) return false;
    this.root.hidden = !isOpen;
    this.opening.setAttribute("aria-expanded", String(isOpen));
    reader.search({ keepPlace: true });
    if (isOpen) (reader.find.value ? this.text : reader.find).focus();
    return true;
  }

  onKey(event) {
    event.stopPropagation(); // letters typed here are no shortcuts of the page
    if (event.key === "Escape") {
      this.open(false);
      this.reader.find.focus();
    } else if (event.key === "Enter" && event.target === this.text) {
      this.replace();
    } else {
      return;
    }
    event.preventDefault();
  }

  show() {
    const { matches, editing } = this.reader;
    this.opening.hidden = !editing.isPossible;
    const lines = new Set(matches.map(({ index }) => index)).size;
    this.all.disabled = !lines;
    this.all.textContent = lines
      ? `Replace ${matches.length} in ${lines} ${lines === 1 ? "line" : "lines"}`
      : "Replace all";
  }

  replace() {
    if (this.all.disabled) return;
    this.reader.editing.replaceAll(this.reader.find.value, this.text.value, this.matchesCase.checked);
    this.all.disabled = true; // until the lines have come back
  }
}
