// The timeline: a thin line of the whole, with its chapters and with what is to be looked at; without any of these
// there is none.

class Timeline {
  constructor(reader) {
    this.reader = reader;
    this.chapters = [];
    this.root = element("div", "timeline", { role: "group", "aria-label": "Timeline" });
    this.playhead = element("i", "playhead");
    this.build();
  }

  build() {
    this.button = element("button", "small chapters-button", { type: "button", "aria-expanded": "false" });
    this.now = element("span", "chapter-now");
    this.button.append(icon("M4 6h16M4 12h16M4 18h10"), element("span"));
    this.list = element("ol", "chapters", { "aria-label": "Chapters" });
    this.list.hidden = true;
    this.titles = element("div", "titles");
    this.titles.append(this.button, this.now, this.list);
    this.reader.on(this.button, "click", () => this.open(this.list.hidden));
    this.reader.on(this.list, "keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.open(false);
      this.button.focus();
    });
  }

  open(isOpen) {
    this.list.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
  }

  show(marks, chapters, duration) {
    const asText = JSON.stringify([marks, chapters, duration]);
    if (asText === this.shown) return;
    this.shown = asText;
    this.length = duration;
    this.chapters = chapters;
    this.root.hidden = !duration || !(marks.length || chapters.length);
    this.root.classList.toggle("chaptered", chapters.length > 0);
    this.root.replaceChildren(
      ...chapters.map((chapter, at) => this.tick(chapter, chapters[at + 1]?.[0] ?? duration)),
      ...marks.map((mark) => this.place(mark)),
      this.playhead,
    );
    this.titles.hidden = !chapters.length;
    this.button.lastChild.textContent = `Chapters (${chapters.length})`;
    this.list.replaceChildren(...chapters.map((chapter) => this.entry(chapter)));
    if (!chapters.length) this.open(false);
    this.chapter = undefined;
  }

  tick([start, title], end) {
    const tick = this.stretch("tick", start, end, `Chapter at ${clock(start)}: ${title}`);
    tick.title = `${clock(start)} ${title}`;
    return tick;
  }

  place([start, end, words]) {
    return this.stretch("place", start, end, `${clock(start)}–${clock(end)}: ${words}`);
  }

  stretch(className, start, end, label) {
    const button = element("button", className, { type: "button", "aria-label": label, title: label });
    const share = (seconds) => `${(100 * seconds) / this.length}%`;
    button.style.left = share(Math.min(start, this.length));
    button.style.width = share(Math.max(0, Math.min(end, this.length) - start));
    button.addEventListener("click", () => this.reader.seekTo(start));
    return button;
  }

  entry([start, title]) {
    const item = element("li");
    const button = element("button", "chapter", { type: "button" });
    const time = element("span", "chapter-time");
    time.textContent = clock(start);
    const name = element("span", "", { dir: "auto" });
    name.textContent = title;
    button.append(time, name);
    button.addEventListener("click", () => this.reader.seekTo(start));
    item.append(button);
    return item;
  }

  moveTo(time) {
    if (!this.length) return;
    this.playhead.style.left = `${Math.min(100, (100 * time) / this.length)}%`;
    const at = this.chapters.findLastIndex(([start]) => start <= time + 0.05);
    if (at === this.chapter) return;
    this.list.children[this.chapter]?.firstChild.removeAttribute("aria-current");
    this.list.children[at]?.firstChild.setAttribute("aria-current", "true");
    this.chapter = at;
    this.now.textContent = this.chapters[at]?.[1] ?? "";
  }
}
