// The editor: one line opened to be written in, with its times and its speaker below. Tab goes on to the next line.

const DRAFT_MS = 250; // what is typed is sent this often: a crash loses no more
const NUDGE_SECONDS = 0.1;
const HINT = "Enter keeps, Escape leaves, Tab goes to the next line, Shift+Enter splits at the cursor.";

class Editor {
  constructor(reader) {
    this.reader = reader;
    this.editing = reader.editing;
    this.line = null;
    this.build();
    this.listen((...what) => reader.on(...what));
  }

  get isOpen() {
    return this.line !== null;
  }

  get index() {
    return this.line.item.at;
  }

  // A line that was put in and has no word yet is known to this window only.
  get isUnsent() {
    return this.isOpen && this.isNew && !this.isSent;
  }

  // ---- building -------------------------------------------------------------------------------------------

  build() {
    this.form = element("form", "editor");
    this.form.noValidate = true;
    this.words = element("textarea", "words", { rows: "1", spellcheck: "true", dir: "auto", "aria-describedby": "hint" });
    this.start = this.timeField("Start", "start");
    this.end = this.timeField("End", "end");
    this.times = element("div", "fields");
    this.times.append(this.start.root, this.end.root);

    this.speaker = element("input", "field", { type: "text", list: "speakers", autocomplete: "off", "aria-label": "Speaker" });
    this.speakers = element("datalist", "", { id: "speakers" });
    this.everywhere = textButton("", () => this.nameSpeaker(true));
    this.here = textButton("Only here", () => this.nameSpeaker(false));
    this.who = element("div", "fields who");
    const label = element("span", "label");
    label.textContent = "Speaker";
    this.who.append(label, this.speaker, this.speakers, this.everywhere, this.here);

    const acts = element("div", "acts");
    this.merging = textButton("Merge with next", () => this.merge());
    this.others = element("div", "acts"); // for a line that there is already
    this.others.append(
      textButton("Play", () => this.play()),
      textButton("Split", () => this.split()),
      this.merging,
      textButton("Insert below", () => this.insertBelow()),
      textButton("Delete", () => this.remove()),
    );
    acts.append(
      textButton("Keep", () => this.keep(), { isPrimary: true }),
      textButton("Leave", () => this.leave()),
      this.others,
    );
    this.hint = element("p", "hint", { id: "hint" });
    this.hint.textContent = HINT;
    this.form.append(this.words, this.times, this.who, acts, this.hint);
  }

  timeField(name, edge) {
    const root = element("div", "time-field", { role: "group", "aria-label": name });
    const input = element("input", "field", {
      type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-label": `${name} time`,
      title: "Arrow up and down: a tenth of a second",
    });
    const label = element("span", "label");
    label.textContent = name;
    const less = iconButton("less", `${name} 0.1 seconds earlier`, "", "M6 12h12");
    const more = iconButton("more", `${name} 0.1 seconds later`, "", "M6 12h12M12 6v12");
    less.addEventListener("click", () => this.nudge(edge, -NUDGE_SECONDS));
    more.addEventListener("click", () => this.nudge(edge, NUDGE_SECONDS));
    input.addEventListener("change", () => this.typeTime(edge));
    input.addEventListener("keydown", (event) => {
      const by = { ArrowUp: NUDGE_SECONDS, ArrowDown: -NUDGE_SECONDS }[event.key];
      if (!by) return;
      event.preventDefault();
      this.nudge(edge, by);
    });
    root.append(label, input, less, more);
    return { root, input };
  }

  listen(on) {
    on(this.words, "input", () => {
      this.fit();
      this.drafting ??= setTimeout(() => this.draft(), DRAFT_MS);
    });
    on(this.words, "keydown", (event) => this.onWordsKey(event));
    on(this.speaker, "input", () => this.showSpeakerButtons());
    on(this.form, "submit", (event) => event.preventDefault());
    on(this.form, "keydown", (event) => {
      event.stopPropagation(); // letters typed here are no shortcuts of the page
      if (event.key === "Escape") this.leave();
      else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.keep();
      else if (event.key === "Enter" && event.target === this.speaker) this.nameSpeaker(!this.everywhere.hidden);
      else if (event.key === "Enter" && event.target.matches("input")) this.typeTime(event.target === this.start.input ? "start" : "end");
      else return;
      event.preventDefault();
    });
    // A click elsewhere keeps what was typed, as closing a notebook does.
    on(document, "pointerdown", (event) => {
      if (this.isOpen && !event.composedPath().includes(this.form)) this.keep({ focus: false });
    });
    on(window, "pagehide", () => this.isOpen && this.draft());
  }

  onWordsKey(event) {
    if (event.isComposing || event.altKey) return;
    const { selectionStart, selectionEnd, value } = this.words;
    const isPlain = !event.ctrlKey && !event.metaKey;
    const isAtStart = selectionStart === 0 && selectionEnd === 0;
    const isAtEnd = selectionStart === value.length && selectionEnd === value.length;
    if (event.key === "Enter" && event.shiftKey) this.split();
    else if (event.key === "Enter") this.keep();
    else if (event.key === "Tab" && isPlain) this.goOn(event.shiftKey ? -1 : 1);
    else if (event.key === "Backspace" && isPlain && isAtStart && this.index > 0) this.mergeWithBefore();
    else if (event.key === "Delete" && isPlain && isAtEnd && this.editing.cue(this.index + 1)) this.merge();
    else if (event.key === " " && !isPlain) this.play();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- opening and closing --------------------------------------------------------------------------------

  // `at` is where the cursor stands, the end of the text by default; `field` is what gets the focus.
  open(index, { at, field = "words" } = {}) {
    if (!this.editing.isPossible || !this.editing.cue(index)) return;
    if (this.isOpen) this.keep({ focus: false });
    const line = this.reader.lines[Math.min(index, this.reader.lines.length - 1)];
    this.line = line;
    this.cue = line.cue; // as it was before anything was typed
    this.isSent = this.isNew = this.isMixed = false;
    this.writing = this.editing.gesture("write");
    this.reader.isFollowing = false;
    this.reader.setTabStop(this.index);
    line.item.classList.add("editing");
    line.item.append(this.form);
    this.words.value = line.cue[2];
    this.showLine();
    this.reader.keepInView(this.index);
    const focused = { words: this.words, times: this.start.input, speaker: this.speaker }[field];
    focused.focus({ preventScroll: true });
    if (field === "words") this.words.setSelectionRange(at ?? this.words.value.length, at ?? this.words.value.length);
    else focused.select();
  }

  // A line that is put in before an index, opened at once.
  openNew(index) {
    const before = this.editing.makeRoom(index);
    this.open(index);
    this.isNew = true;
    this.before = before;
    this.showLine();
  }

  showLine() {
    const [start, end, , speaker] = this.line.cue;
    this.form.setAttribute("aria-label", `Edit the line at ${clock(start)}`);
    this.words.setAttribute("aria-label", `Text of the line at ${clock(start)}`);
    this.start.input.value = exactClock(start);
    this.end.input.value = exactClock(end);
    this.speaker.value = speaker;
    this.speakers.replaceChildren(...this.editing.speakers().map(([name]) => {
      const option = element("option");
      option.value = name;
      return option;
    }));
    this.times.hidden = this.who.hidden = this.others.hidden = this.isUnsent;
    this.merging.hidden = !this.editing.cue(this.index + 1);
    this.showSpeakerButtons();
    this.fit();
  }

  showSpeakerButtons() {
    const known = this.line.cue[3];
    const isOther = oneLine(this.speaker.value) !== known;
    const count = this.editing.speakers().find(([name]) => name === known)?.[1] ?? 0;
    this.everywhere.hidden = !isOther || count < 2;
    this.everywhere.textContent = `Rename in ${count} lines`;
    this.here.hidden = !isOther;
    this.here.textContent = count < 2 ? "Name" : "Only here";
  }

  fit() {
    this.words.style.height = "auto";
    this.words.style.height = `${this.words.scrollHeight}px`;
  }

  close({ focus }) {
    const { line } = this;
    clearTimeout(this.drafting);
    this.drafting = undefined;
    this.line = null;
    line.item.classList.remove("editing");
    this.form.remove();
    if (focus) this.reader.focusNear(line.item.isConnected ? line.item.at : this.reader.focused);
  }

  // The line is no longer there: what was typed is given back, to be shown where it is not lost.
  lose() {
    const words = oneLine(this.words.value);
    this.close({ focus: false });
    return words;
  }

  // Plays the line from its start, and stays at it.
  play() {
    this.reader.play(this.index);
    this.reader.stopFollowing();
  }

  // ---- text -----------------------------------------------------------------------------------------------

  // Sends what has been typed so far; an emptied line waits for its first word.
  draft({ isKept = false } = {}) {
    clearTimeout(this.drafting);
    this.drafting = undefined;
    const words = oneLine(this.words.value);
    if (!words || (words === this.line.cue[2] && !(isKept && this.isSent))) return;
    const { index, writing, isNew, isSent, before } = this;
    this.isSent = true;
    if (!isNew || isSent) {
      this.editing.write(index, words, writing, { isKept });
      return;
    }
    this.editing.insert(index, before, words, writing, { isKept });
    this.showLine();
  }

  keep({ focus = true } = {}) {
    const isBlank = !oneLine(this.words.value);
    if (this.isNew && isBlank) {
      this.leave({ focus });
      return;
    }
    this.draft({ isKept: true });
    const { index } = this;
    this.close({ focus: focus && !isBlank });
    if (!isBlank) return;
    this.editing.remove(index);
    if (focus) this.reader.focusNear(index);
  }

  leave({ focus = true } = {}) {
    const { index, cue, isNew, isSent, isMixed, before, writing } = this;
    this.close({ focus: false });
    if (isNew) {
      if (isSent) this.editing.takeBack(index, null, writing);
      else this.editing.show(index, 1, []);
      if (before) this.editing.show(index - 1, 1, [before]);
    } else if (isSent && isMixed) {
      this.editing.write(index, cue[2], this.editing.gesture("write"));
    } else if (isSent) {
      this.editing.takeBack(index, cue, writing);
    }
    if (focus) this.reader.focusNear(isNew ? index - 1 : index);
  }

  goOn(by) {
    const to = this.index + by;
    const count = this.reader.lines.length;
    this.keep();
    // A line that was left blank is gone, and the next has come in its place.
    const next = by > 0 ? to - (count - this.reader.lines.length) : to;
    if (this.editing.cue(next)) this.open(next, { at: 0 });
  }

  // ---- lines ----------------------------------------------------------------------------------------------

  // What else is done to the line: what was typed is kept first.
  settle() {
    this.draft({ isKept: true });
    return this.index;
  }

  split() {
    if (this.isUnsent) return;
    const typed = this.words.value.slice(0, this.words.selectionStart);
    const index = this.settle();
    const position = oneLine(typed).length;
    this.close({ focus: false });
    if (this.editing.split(index, position)) this.open(index + 1, { at: 0 });
    else this.open(index, { at: position });
  }

  merge() {
    if (this.isUnsent) return;
    const index = this.settle();
    const join = this.editing.cue(index)[2].length;
    this.close({ focus: false });
    this.editing.merge(index);
    this.open(index, { at: join });
  }

  mergeWithBefore() {
    if (this.isUnsent) {
      this.leave();
      return;
    }
    const index = this.settle();
    const join = this.editing.cue(index - 1)[2].length;
    this.close({ focus: false });
    this.editing.merge(index - 1);
    this.open(index - 1, { at: join });
  }

  insertBelow() {
    if (this.isUnsent) return;
    const index = this.settle();
    this.close({ focus: false });
    this.openNew(index + 1);
  }

  remove() {
    if (this.isUnsent) {
      this.leave();
      return;
    }
    const { index } = this;
    this.close({ focus: false });
    this.editing.remove(index);
    this.reader.focusNear(index);
  }

  // ---- times and speaker ----------------------------------------------------------------------------------

  nudge(edge, by) {
    if (this.isUnsent) return;
    this.isMixed ||= this.isSent;
    this.editing.nudge(this.index, edge, by);
    this.showLine();
  }

  typeTime(edge) {
    if (!this.isOpen || this.isUnsent) return;
    const { input } = this[edge];
    const seconds = readTime(input.value);
    input.setAttribute("aria-invalid", String(seconds === null));
    if (seconds === null) {
      this.hint.textContent = "Write a time like 1:23.4 or 83.4.";
      return;
    }
    this.hint.textContent = HINT;
    const [start, end] = this.line.cue;
    this.isMixed ||= this.isSent;
    this.editing.setTimes(this.index, edge === "start" ? seconds : start, edge === "end" ? seconds : end);
    this.showLine();
  }

  nameSpeaker(isEverywhere) {
    if (this.isUnsent) return;
    this.isMixed ||= this.isSent;
    this.editing.nameSpeaker(this.index, this.speaker.value, isEverywhere);
    this.showLine();
    this.words.focus({ preventScroll: true });
  }
}
