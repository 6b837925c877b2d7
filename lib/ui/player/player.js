// The reader: a player beside its lines.
//
// Streamlit calls the default export at every render, with the same parentElement as long as the component lives.
// The first call builds the elements; later ones take up the difference, so that playback, scroll, search and
// focus stay as they are. Lines are a stranger's text: they enter the page through textContent and text nodes only.

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const SKIP_SECONDS = 5;
const SEARCH_DELAY_MS = 120;
const BLOCK_LINES = 50; // lines drawn or left out together: the browser keeps an account of each block, not each line
const READING_HEIGHT = 0.32; // where the current line stands in the list, from its top
// Elements of the page that have their own use for keys; elsewhere ours work without clicking into the reader first.
const TAKES_KEYS =
  "input, textarea, select, button, a, summary, video, audio, [contenteditable], [role=button], [role=slider], " +
  "[role=tab], [role=combobox], [role=listbox], [role=menu], [role=dialog], [role=grid]";
const readers = new WeakMap();

export default function ({ parentElement, data }) {
  let reader = readers.get(parentElement);
  if (!reader) {
    reader = new Reader(parentElement);
    readers.set(parentElement, reader);
  }
  reader.show(data);
  // Streamlit also calls this for a render that a newer one overtook: only what has left the page is let go.
  return () => setTimeout(() => reader.leaveIfGone(), 0);
}

class Reader {
  constructor(parent) {
    this.lines = []; // [{cue, item, button, text}]
    this.current = -1; // the line that is said now
    this.cursor = -1; // where J and K step from: the current line, or where they have been since
    this.isFollowing = true;
    this.hasPlayed = false;
    this.focused = 0;
    this.matches = [];
    this.match = -1;
    this.build(parent);
    this.listen();
  }

  // ---- building -------------------------------------------------------------------------------------------

  build(parent) {
    // It can hold the focus, so that a click into it does not leave the focus on the page around it.
    this.root = element("section", "reader", { "aria-label": "Player and transcript", tabindex: "-1" });

    this.stage = element("div", "stage");
    this.screen = element("div", "screen");
    this.notice = element("p", "notice", { role: "status" });
    this.notice.hidden = true;
    this.speed = element("select", "speed", { "aria-label": "Speed", title: "Speed (< and >)" });
    for (const speed of SPEEDS) {
      const option = element("option");
      option.value = String(speed);
      option.textContent = `${speed}×`;
      option.selected = speed === 1;
      this.speed.append(option);
    }
    this.back = iconButton("back", `Back ${SKIP_SECONDS} seconds`, "←", "M11 5 4 12l7 7M20 5l-7 7 7 7");
    this.forth = iconButton("forth", `Forward ${SKIP_SECONDS} seconds`, "→", "m13 5 7 7-7 7M4 5l7 7-7 7");
    this.help = element("p", "keys");
    this.help.append(
      shortcut("Space", "play"), shortcut("← →", "5 s"), shortcut("J K", "lines"), shortcut("/", "search"),
      shortcut("< >", "speed"),
    );
    this.timeline = element("div", "timeline", { role: "group", "aria-label": "Places to look at" });
    this.playhead = element("i", "playhead");
    this.controls = element("div", "controls");
    this.controls.append(this.back, this.forth, this.speed, this.help);
    this.stage.append(this.screen, this.timeline, this.notice, this.controls);

    this.find = element("input", "find", {
      type: "search", placeholder: "Search the lines", "aria-label": "Search the lines", autocomplete: "off",
      spellcheck: "false", "aria-keyshortcuts": "/",
    });
    this.count = element("span", "count", { role: "status" });
    this.previous = iconButton("previous", "Previous match", "Shift+Enter", "m6 15 6-6 6 6");
    this.next = iconButton("next", "Next match", "Enter", "m6 9 6 6 6-6");
    this.previous.hidden = this.next.hidden = true;
    const bar = element("div", "bar", { role: "search" });
    bar.append(icon("M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14m5 12 4 4"), this.find, this.count, this.previous, this.next);

    this.list = element("div", "lines", { role: "list", "aria-label": "Lines" });
    this.empty = element("p", "empty");
    this.growing = element("p", "growing");
    this.growing.append(element("i"), element("i"), element("i"), document.createTextNode("More lines are coming"));
    this.scroller = element("div", "scroller");
    this.scroller.append(this.list, this.empty, this.growing);
    this.now = element("button", "now", { type: "button" });
    this.now.append(icon("M12 5v14m0 0 6-6m-6 6-6-6"), document.createTextNode("Back to now"));
    this.now.hidden = true;
    const text = element("div", "text");
    text.append(bar, this.scroller, this.now);

    this.root.append(this.stage, text);
    const shelf = element("div", "shelf"); // what the reader measures itself by
    shelf.append(this.root);
    parent.append(shelf);
  }

  listen() {
    this.leaving = new AbortController();
    const on = (target, type, listener, options = {}) =>
      target.addEventListener(type, listener, { signal: this.leaving.signal, ...options });

    on(this.list, "click", (event) => this.onClick(event));
    on(this.list, "focusin", (event) => {
      const index = this.indexOf(event.target);
      if (index >= 0) this.setTabStop(index);
    });
    for (const type of ["wheel", "touchmove"]) on(this.scroller, type, () => this.stopFollowing(), { passive: true });
    on(this.scroller, "pointerdown", (event) => {
      if (event.target === this.scroller) this.stopFollowing(); // the scroll bar
    });
    on(this.scroller, "keydown", (event) => {
      if (["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"].includes(event.key)) this.stopFollowing();
    });
    on(this.now, "click", () => this.follow());
    on(this.back, "click", () => this.skip(-SKIP_SECONDS));
    on(this.forth, "click", () => this.skip(SKIP_SECONDS));
    on(this.speed, "change", () => this.setSpeed(Number(this.speed.value)));
    on(this.find, "input", () => {
      clearTimeout(this.searching);
      this.searching = setTimeout(() => this.search(), SEARCH_DELAY_MS);
    });
    on(this.find, "keydown", (event) => this.onFindKey(event));
    on(this.previous, "click", () => this.toMatch(this.match - 1));
    on(this.next, "click", () => this.toMatch(this.match + 1));
    on(document, "keydown", (event) => this.onKey(event));
  }

  leaveIfGone() {
    if (this.root.isConnected) return;
    this.leaving.abort();
    cancelAnimationFrame(this.frame);
    this.media?.pause();
  }

  // ---- what Python sends ----------------------------------------------------------------------------------

  show(data) {
    const wasAtEnd = this.isAtEnd();
    this.timedBy = data.timedBy;
    this.showMedia(data);
    this.root.classList.toggle("alone", data.lines === null);
    this.showLines(data.lines ?? [], data.language);
    this.growing.hidden = !data.growing;
    this.empty.textContent = data.growing ? "The first lines appear here as they come." : "There are no lines to show.";
    this.empty.hidden = this.lines.length > 0;
    if (data.growing && wasAtEnd && !this.isPlaying()) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.showMarks(data.marks, data.duration);
    this.tick();
    if (data.seek && data.seek[1] !== this.sought) {
      this.sought = data.seek[1];
      this.seekTo(data.seek[0]);
    }
  }

  // A thin line of the whole, with what is to be looked at; without such places there is none.
  showMarks(marks, duration) {
    this.length = duration || this.media?.duration || 0;
    this.timeline.hidden = !marks.length || !this.length;
    const asText = JSON.stringify([marks, this.length]);
    if (this.timeline.hidden || asText === this.marked) return;
    this.marked = asText;
    const places = marks.map(([start, end, words]) => {
      const label = `${clock(start)}–${clock(end)}: ${words}`;
      const mark = element("button", "place", { type: "button", "aria-label": label, title: label });
      mark.style.left = `${(100 * start) / this.length}%`;
      mark.style.width = `${(100 * Math.max(0, Math.min(end, this.length) - start)) / this.length}%`;
      mark.addEventListener("click", () => this.seekTo(start));
      return mark;
    });
    this.timeline.replaceChildren(...places, this.playhead);
  }

  seekTo(seconds) {
    this.isFollowing = true;
    if (this.media) {
      this.hasPlayed = true;
      this.media.currentTime = seconds;
      this.tick();
    }
    this.keepInView(Math.max(0, lastBegun(this.starts ?? [], seconds + 0.05)), { always: true });
    this.showNow();
  }

  showMedia({ url, kind, title, notice, startAt }) {
    this.root.dataset.kind = kind;
    if (url !== this.url || kind !== this.kind) {
      this.media?.remove();
      this.media = kind === "none" ? null : this.buildMedia(kind, url);
      this.url = url;
      this.kind = kind;
      this.startAt = undefined;
      this.tell(notice);
    } else if (kind === "none") {
      this.tell(notice);
    }
    this.media?.setAttribute("aria-label", title);
    this.controls.hidden = !this.media;
    if (this.media && this.startAt !== startAt) {
      this.startAt = startAt;
      if (startAt > 0 && !this.hasPlayed) this.media.currentTime = startAt;
    }
  }

  buildMedia(kind, url) {
    const media = element(kind, "media", { controls: "", preload: "metadata", playsinline: "" });
    media.src = url;
    media.addEventListener("play", () => {
      this.hasPlayed = true;
      this.run();
    });
    for (const type of ["seeking", "seeked", "timeupdate", "pause"]) media.addEventListener(type, () => this.tick());
    media.addEventListener("ratechange", () => this.showSpeed());
    media.addEventListener("loadeddata", () => this.tell(""));
    media.addEventListener("error", () => {
      this.tell(
        media.error?.code === MediaError.MEDIA_ERR_NETWORK
          ? "The connection to the media broke. Reload the page to play on; the transcript works all the same."
          : "Your browser could not play this media; the transcript works all the same.",
      );
    });
    this.screen.append(media);
    return media;
  }

  tell(sentence) {
    this.notice.textContent = sentence;
    this.notice.hidden = !sentence;
  }

  showLines(cues, language) {
    this.list.lang = language;
    let hasChanged = false;
    cues.forEach((cue, index) => {
      const line = this.lines[index];
      if (!line) this.lines.push(buildLine(this.timedBy, cue, index));
      else if (!isSame(line.cue, cue)) fillLine(line, this.timedBy, cue);
      else return;
      hasChanged = true;
    });
    for (const line of this.lines.splice(cues.length)) {
      line.item.remove();
      hasChanged = true;
    }
    this.arrange();
    if (!hasChanged) return;
    this.starts = this.lines.map((line) => line.cue[0]);
    const last = Math.max(...this.starts.slice(-BLOCK_LINES));
    this.list.classList.toggle("long", last >= 3600);
    this.current = Math.min(this.current, this.lines.length - 1);
    this.setTabStop(Math.min(this.focused, this.lines.length - 1));
    if (this.find.value) this.search({ keepPlace: true });
  }

  // Puts new lines into blocks, the last of which may still be filling up.
  arrange() {
    while (this.list.childElementCount * BLOCK_LINES < this.lines.length) this.list.append(element("div", "block"));
    while ((this.list.childElementCount - 1) * BLOCK_LINES >= Math.max(1, this.lines.length)) this.list.lastChild.remove();
    let fresh = this.lines.length;
    while (fresh > 0 && !this.lines[fresh - 1].item.parentNode) fresh -= 1;
    for (; fresh < this.lines.length; fresh += 1) {
      this.list.children[Math.floor(fresh / BLOCK_LINES)].append(this.lines[fresh].item);
    }
  }

  // ---- time -----------------------------------------------------------------------------------------------

  isPlaying() {
    return Boolean(this.media && !this.media.paused && !this.media.ended);
  }

  run() {
    cancelAnimationFrame(this.frame);
    const step = () => {
      this.tick();
      if (this.isPlaying() && this.root.isConnected) this.frame = requestAnimationFrame(step);
    };
    step();
  }

  // The line that is said now: the last one that has begun. None before the first play or seek.
  tick() {
    if (!this.media) return;
    const time = this.media.currentTime;
    if (this.length) this.playhead.style.left = `${Math.min(100, (100 * time) / this.length)}%`;
    if (!this.lines.length) return;
    const index = this.hasPlayed || time > 0 ? lastBegun(this.starts, time + 0.05) : -1;
    if (index === this.current) return;
    this.lines[this.current]?.item.removeAttribute("aria-current");
    this.lines[index]?.item.setAttribute("aria-current", "true");
    this.current = this.cursor = index;
    if (!this.list.contains(this.list.getRootNode().activeElement)) this.setTabStop(index);
    if (this.isFollowing) this.keepInView(index);
    this.showNow();
  }

  play(index) {
    const start = this.lines[index]?.cue[0];
    if (!this.media || start === null || start === undefined) return;
    this.hasPlayed = true;
    this.isFollowing = true;
    this.media.currentTime = start;
    this.media.play().catch(() => {}); // a media error says so itself
    this.tick();
    this.showNow();
  }

  toggle() {
    if (!this.media) return;
    if (this.media.paused) this.media.play().catch(() => {});
    else this.media.pause();
  }

  skip(seconds) {
    if (!this.media) return;
    this.hasPlayed = true;
    this.media.currentTime = Math.max(0, Math.min(this.media.currentTime + seconds, this.media.duration || Infinity));
  }

  setSpeed(speed) {
    if (this.media) this.media.playbackRate = speed;
  }

  changeSpeed(step) {
    const at = SPEEDS.indexOf(Number(this.speed.value));
    this.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at + step))]);
  }

  showSpeed() {
    const speed = this.media.playbackRate;
    if (SPEEDS.includes(speed)) this.speed.value = String(speed);
  }

  // ---- place ----------------------------------------------------------------------------------------------

  isAtEnd() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 40;
  }

  stopFollowing() {
    this.isFollowing = false;
    this.showNow();
  }

  follow() {
    this.isFollowing = true;
    this.keepInView(this.current, { always: true });
    this.showNow();
  }

  showNow() {
    this.now.hidden = this.isFollowing || this.current < 0;
  }

  // Lines far away have estimated heights until they are drawn: a second look a frame later sets them right.
  keepInView(index, { always = false } = {}) {
    const line = this.lines[index];
    if (!line) return;
    const place = () => {
      const list = this.scroller.getBoundingClientRect();
      const item = line.item.getBoundingClientRect();
      const from = item.top - list.top;
      const isNear = from > list.height * 0.1 && from + item.height < list.height * 0.75;
      if (isNear && !always) return 0;
      return from - list.height * READING_HEIGHT;
    };
    const distance = place();
    if (!distance) return;
    const isFar = Math.abs(distance) > this.scroller.clientHeight * 1.5;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scroller.scrollBy({ top: distance, behavior: isFar || isCalm ? "instant" : "smooth" });
    if (isFar) requestAnimationFrame(() => this.scroller.scrollBy({ top: place(), behavior: "instant" }));
  }

  indexOf(target) {
    return Number(target.closest?.(".line")?.dataset.index ?? -1);
  }

  // One line at a time can be reached with Tab: nobody wants to tab through ten thousand.
  setTabStop(index) {
    if (this.lines[this.focused]) this.lines[this.focused].button.tabIndex = -1;
    this.focused = Math.max(0, index);
    if (this.lines[this.focused]) this.lines[this.focused].button.tabIndex = 0;
  }

  step(by) {
    const index = Math.max(0, Math.min(this.lines.length - 1, this.cursor + by));
    if (!this.lines[index]) return;
    this.cursor = index;
    this.setTabStop(index);
    this.lines[index].button.focus({ preventScroll: true });
    if (this.isPlaying()) this.play(index);
    else this.seek(index);
    this.keepInView(index);
  }

  seek(index) {
    const start = this.lines[index].cue[0];
    if (!this.media || start === null) return;
    this.hasPlayed = true;
    this.isFollowing = true;
    this.media.currentTime = start;
    this.tick();
    this.showNow();
  }

  onClick(event) {
    const index = this.indexOf(event.target);
    if (index < 0) return;
    const selection = this.root.getRootNode().getSelection?.() ?? document.getSelection();
    if (selection && !selection.isCollapsed && !event.target.closest("button")) return; // text is being selected
    this.play(index);
  }

  // ---- keys -----------------------------------------------------------------------------------------------

  onKey(event) {
    if (!this.root.isConnected || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    const isOurs = this.root.contains(target);
    if (!isOurs && target.closest(TAKES_KEYS)) return;
    if (isOurs && target.matches("input, select")) return;
    const isButton = isOurs && target.matches("button") && !this.list.contains(target);
    const act = {
      " ": isButton ? null : () => this.toggle(),
      ArrowLeft: () => this.skip(-SKIP_SECONDS),
      ArrowRight: () => this.skip(SKIP_SECONDS),
      j: () => this.step(1),
      k: () => this.step(-1),
      "/": () => this.find.focus(),
      "<": () => this.changeSpeed(-1),
      ">": () => this.changeSpeed(1),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  onFindKey(event) {
    event.stopPropagation(); // letters typed here are no shortcuts of the page
    if (event.key === "Enter") {
      clearTimeout(this.searching);
      if (this.searched !== this.find.value) this.search();
      else this.toMatch(this.match + (event.shiftKey ? -1 : 1));
    } else if (event.key === "Escape") {
      this.find.value = "";
      this.search();
      this.lines[this.focused]?.button.focus({ preventScroll: true });
    } else {
      return;
    }
    event.preventDefault();
  }

  // ---- search ---------------------------------------------------------------------------------------------

  search({ keepPlace = false } = {}) {
    const pattern = patternOf(this.find.value);
    this.searched = this.find.value;
    const place = keepPlace ? this.match : -1;
    this.matches = [];
    this.match = -1;
    this.lines.forEach((line, index) => {
      const places = pattern ? [...line.cue[2].matchAll(pattern)].map((found) => [found.index, found[0].length]) : [];
      if (places.length || line.isMarked) markLine(line, places);
      line.item.querySelectorAll("mark").forEach((mark) => this.matches.push({ index, mark }));
    });
    this.previous.hidden = this.next.hidden = !this.matches.length;
    if (this.matches.length) {
      if (place >= 0) this.showMatch(Math.min(place, this.matches.length - 1));
      else this.toMatch(this.firstMatchInView());
    } else {
      this.count.textContent = pattern ? "No match" : "";
    }
  }

  firstMatchInView() {
    const top = this.scroller.getBoundingClientRect().top;
    const isBelow = (node) => node.getBoundingClientRect().bottom > top;
    const block = Math.max(0, [...this.list.children].findIndex(isBelow));
    const lines = this.lines.slice(block * BLOCK_LINES, (block + 1) * BLOCK_LINES);
    const first = block * BLOCK_LINES + Math.max(0, lines.findIndex(({ item }) => isBelow(item)));
    return Math.max(0, this.matches.findIndex(({ index }) => index >= first));
  }

  toMatch(at) {
    if (!this.matches.length) return;
    this.showMatch((at + this.matches.length) % this.matches.length);
    const { index } = this.matches[this.match];
    this.isFollowing = false;
    this.keepInView(index);
    this.setTabStop(index);
    this.showNow();
  }

  showMatch(at) {
    this.matches[this.match]?.mark.classList.remove("here");
    this.match = at;
    this.matches[at].mark.classList.add("here");
    this.count.textContent = `${at + 1} of ${this.matches.length}`;
  }
}

// ---- lines --------------------------------------------------------------------------------------------------
// A cue is [start, end, text, speaker, timedBy]; start is null for a line whose time is not known.

function buildLine(timedBy, cue, index) {
  const item = element("div", "line", { role: "listitem" });
  item.dataset.index = index;
  const button = element("button", "time", { type: "button", tabindex: "-1" });
  const text = element("span", "said", { dir: "auto" });
  item.append(button, text);
  return fillLine({ item, button, text }, timedBy, cue);
}

function fillLine(line, timedBy, cue) {
  const [start, , , speaker, source] = cue;
  line.cue = cue;
  const isGuess = source === "part"; // its own line may be anywhere near
  const isClaim = source === "model"; // nobody heard it there
  const time = start === null ? "" : clock(start);
  line.button.textContent = time;
  line.button.disabled = start === null;
  line.button.classList.toggle("guess", isGuess);
  line.button.classList.toggle("claim", isClaim);
  line.button.setAttribute("aria-label", time ? `Play from ${isGuess ? "about " : ""}${time}` : "No time yet");
  line.button.title = time ? (timedBy[source] ?? "") : "";
  line.speaker = speaker;
  markLine(line, []);
  return line;
}

function markLine(line, places) {
  const said = line.cue[2];
  const pieces = [];
  if (line.speaker) {
    const name = element("b", "speaker");
    name.textContent = line.speaker;
    pieces.push(name, " ");
  }
  let from = 0;
  for (const [at, length] of places) {
    const mark = element("mark");
    mark.textContent = said.slice(at, at + length);
    pieces.push(said.slice(from, at), mark);
    from = at + length;
  }
  pieces.push(said.slice(from));
  line.text.replaceChildren(...pieces);
  line.isMarked = places.length > 0;
}

function isSame(one, other) {
  return one.every((value, at) => value === other[at]);
}

// The index of the last start at or before the time; lines without a time are passed over.
function lastBegun(starts, time) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    let at = middle;
    while (at >= low && starts[at] === null) at -= 1;
    if (at < low || starts[at] <= time) low = middle + 1;
    else high = at;
  }
  let index = low - 1;
  while (index >= 0 && starts[index] === null) index -= 1;
  return index;
}

// What is typed, found in any case and across any white space. One Latin letter is not worth a search.
function patternOf(query) {
  const words = query.trim();
  if (!words || /^[\x00-\x7f]$/.test(words)) return null;
  const escaped = words.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/\s+/g, "\\s+");
  return new RegExp(escaped, "giu");
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// ---- elements -----------------------------------------------------------------------------------------------

function element(tag, className = "", attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}

function iconButton(className, label, shortcut, path) {
  const button = element("button", `icon ${className}`, { type: "button", "aria-label": label, title: `${label} (${shortcut})` });
  button.append(icon(path));
  return button;
}

function shortcut(combination, meaning) {
  const pair = element("span");
  const key = element("kbd");
  key.textContent = combination;
  pair.append(key, ` ${meaning}`);
  return pair;
}
