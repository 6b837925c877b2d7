// A player, and text in pieces that follows it: what is said now is lit and kept in view until the reader scrolls;
// the text is searched and walked with keys.
//
// A subclass builds its page from the parts made here and from a `list` of its own, sets `starts` (where each piece
// begins, null where that is not known), and answers itemOf(index), setTabStop(index), focusOn(index),
// matchesOf(pattern), lightMatch(match, isHere) and firstMatchInView().

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const SKIP_SECONDS = 5;
const SEARCH_DELAY_MS = 120;
const READING_HEIGHT = 0.32; // where the current piece stands in the list, from its top
// Elements of the page that have their own use for keys; elsewhere ours work without clicking into the component first.
const TAKES_KEYS =
  "input, textarea, select, button, a, summary, video, audio, [contenteditable], [role=button], [role=slider], " +
  "[role=tab], [role=combobox], [role=listbox], [role=menu], [role=dialog], [role=grid]";

// Streamlit calls a component at every render, with the same parentElement as long as it lives: it is made once, and
// takes up the difference from then on.
function showIn(Component, living, { parentElement, ...given }) {
  let one = living.get(parentElement);
  if (!one) {
    one = new Component(parentElement);
    living.set(parentElement, one);
  }
  one.show(given.data, given);
  // Streamlit also calls this for a render that a newer one overtook: only what has left the page is let go.
  return () => setTimeout(() => one.leaveIfGone(), 0);
}

class Playback {
  constructor() {
    this.starts = [];
    this.current = -1; // the piece that is said now
    this.cursor = -1; // where J and K step from: the current piece, or where they have been since
    this.focused = 0; // the piece that Tab reaches
    this.isFollowing = true;
    this.hasPlayed = false;
    this.matches = []; // [{index, ...}]
    this.match = -1;
  }

  // ---- parts ----------------------------------------------------------------------------------------------

  // `root` is the whole component. It can hold the focus, so that a click into it does not leave the focus on the page.
  buildRoot(parent, className, label) {
    this.root = element("section", className, { "aria-label": label, tabindex: "-1" });
    const shelf = element("div", "shelf"); // what the component measures itself by
    shelf.append(this.root);
    parent.append(shelf);
  }

  buildStage(...keys) {
    this.stage = element("div", "stage");
    this.player = new Media({
      onTick: () => this.tick(),
      onElement: (media) => this.listenToMedia(media),
      otherwise: "the transcript works all the same",
    });
    this.screen = this.player.root;
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
      shortcut("Space", "play"), shortcut("← →", `${SKIP_SECONDS} s`), ...keys, shortcut("/", "search"), shortcut("< >", "speed"),
    );
    this.controls = element("div", "controls");
    this.controls.append(this.back, this.forth, this.speed, this.help);
    this.stage.append(this.screen, this.player.notice, this.controls);
    return this.stage;
  }

  buildFind(label) {
    this.find = element("input", "find", {
      type: "search", placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/",
    });
    this.count = element("span", "count", { role: "status" });
    this.previous = iconButton("previous", "Previous match", "Shift+Enter", "m6 15 6-6 6 6");
    this.next = iconButton("next", "Next match", "Enter", "m6 9 6 6 6-6");
    this.previous.hidden = this.next.hidden = true;
    const bar = element("div", "bar", { role: "search" });
    bar.append(icon("M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14m5 12 4 4"), this.find, this.count, this.previous, this.next);
    return bar;
  }

  // What scrolls, holding the given elements, and the way back to what is said now.
  buildScroller(...held) {
    this.scroller = element("div", "scroller");
    this.scroller.append(...held);
    this.now = element("button", "now", { type: "button" });
    this.now.append(icon("M12 5v14m0 0 6-6m-6 6-6-6"), document.createTextNode("Back to now"));
    this.now.hidden = true;
    return [this.scroller, this.now];
  }

  buildGrowing(words) {
    this.growing = element("p", "growing");
    this.growing.append(element("i"), element("i"), element("i"), document.createTextNode(words));
    return this.growing;
  }

  on(target, type, listener, options = {}) {
    this.leaving ??= new AbortController();
    target.addEventListener(type, listener, { signal: this.leaving.signal, ...options });
  }

  listen() {
    this.on(this.scroller, "touchmove", () => this.stopFollowing(), { passive: true });
    this.on(this.scroller, "wheel", (event) => Math.abs(event.deltaY) > Math.abs(event.deltaX) && this.stopFollowing(), { passive: true });
    this.on(this.scroller, "pointerdown", (event) => {
      if (event.target === this.scroller) this.stopFollowing(); // the scroll bar
    });
    this.on(this.scroller, "keydown", (event) => {
      if (["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"].includes(event.key)) this.stopFollowing();
    });
    this.on(this.now, "click", () => this.follow());
    this.on(this.back, "click", () => this.skip(-SKIP_SECONDS));
    this.on(this.forth, "click", () => this.skip(SKIP_SECONDS));
    this.on(this.speed, "change", () => this.setSpeed(Number(this.speed.value)));
    this.on(this.find, "input", () => {
      clearTimeout(this.searching);
      this.searching = setTimeout(() => this.search(), SEARCH_DELAY_MS);
    });
    this.on(this.find, "keydown", (event) => this.onFindKey(event));
    this.on(this.previous, "click", () => this.toMatch(this.match - 1));
    this.on(this.next, "click", () => this.toMatch(this.match + 1));
    this.on(document, "keydown", (event) => this.onKey(event));
  }

  leaveIfGone() {
    if (this.root.isConnected) return;
    this.leaving.abort();
    this.player.leave();
  }

  // ---- media ----------------------------------------------------------------------------------------------

  showMedia(data) {
    const { kind, startAt } = data;
    this.root.dataset.kind = kind;
    if (this.player.show(data)) this.startAt = undefined;
    this.controls.hidden = !this.media;
    if (this.media && this.startAt !== startAt) {
      this.startAt = startAt;
      if (startAt > 0 && !this.hasPlayed) this.media.currentTime = startAt;
    }
  }

  // What plays; null where nothing does.
  get media() {
    return this.player.element;
  }

  listenToMedia(media) {
    media.addEventListener("play", () => {
      this.hasPlayed = true;
    });
    media.addEventListener("ratechange", () => this.showSpeed());
  }

  isPlaying() {
    return this.player.isPlaying;
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

  // ---- time -----------------------------------------------------------------------------------------------

  // The piece that is said now: the last one that has begun. None before the first play or seek.
  tick() {
    if (!this.media || !this.starts.length) return;
    const time = this.media.currentTime;
    const index = this.hasPlayed || time > 0 ? lastBegun(this.starts, time + 0.05) : -1;
    if (index === this.current) return;
    this.itemOf(this.current)?.removeAttribute("aria-current");
    this.itemOf(index)?.setAttribute("aria-current", "true");
    this.current = this.cursor = index;
    if (!this.list.contains(this.list.getRootNode().activeElement)) this.setTabStop(index);
    if (this.isFollowing) this.keepInView(index);
    this.showNow();
  }

  // What Python asks for: a second, once for each number that comes with it.
  showSeek(seek) {
    if (!seek || seek[1] === this.sought) return;
    this.sought = seek[1];
    this.seekTo(seek[0]);
  }

  seekTo(seconds) {
    this.isFollowing = true;
    if (this.media) {
      this.hasPlayed = true;
      this.media.currentTime = seconds;
      this.tick();
      this.screen.scrollIntoView({ block: "nearest" });
    }
    this.keepInView(Math.max(0, lastBegun(this.starts, seconds + 0.05)), { always: true });
    this.showNow();
  }

  // Stands at the start of a piece; false where there is nothing to play, or no time is known.
  seek(index) {
    const start = this.starts[index] ?? null;
    if (!this.media || start === null) return false;
    this.hasPlayed = true;
    this.isFollowing = true;
    this.media.currentTime = start;
    this.tick();
    this.showNow();
    return true;
  }

  play(index) {
    if (this.seek(index)) this.media.play().catch(() => {}); // a media error says so itself
  }

  step(by) {
    this.goTo(Math.max(0, Math.min(this.starts.length - 1, this.cursor + by)));
  }

  goTo(index, { isFocusing = true } = {}) {
    if (!(index in this.starts)) return;
    this.setTabStop(index);
    if (isFocusing) this.focusOn(index);
    if (this.isPlaying()) this.play(index);
    else this.seek(index);
    this.cursor = index;
    this.keepInView(index);
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

  // Pieces far away have estimated heights until they are drawn: a second look a frame later sets them right.
  keepInView(index, { always = false, item = this.reveal(index), left = 0 } = {}) {
    if (!item) return;
    const place = () => {
      const list = this.scroller.getBoundingClientRect();
      const box = item.getBoundingClientRect();
      const from = box.top - list.top - this.coveredHeight();
      const height = list.height - this.coveredHeight();
      const isNear = from > height * 0.1 && from + box.height < height * 0.75;
      if (isNear && !always) return 0;
      return from - height * READING_HEIGHT;
    };
    const distance = place();
    if (!distance && !left) return;
    const isFar = Math.abs(distance) > this.scroller.clientHeight * 1.5;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scroller.scrollBy({ top: distance, left, behavior: isFar || isCalm ? "instant" : "smooth" });
    if (isFar) requestAnimationFrame(() => this.scroller.scrollBy({ top: place(), behavior: "instant" }));
  }

  // The element of a piece that is to be seen now.
  reveal(index) {
    return this.itemOf(index);
  }

  // What stands still over the top of what scrolls.
  coveredHeight() {
    return 0;
  }

  isSelecting() {
    const selection = this.root.getRootNode().getSelection?.() ?? document.getSelection();
    return Boolean(selection && !selection.isCollapsed);
  }

  // ---- keys -----------------------------------------------------------------------------------------------

  // What a key does, by its name: "j", "Shift+ArrowLeft", "Mod+z" (Ctrl, or Cmd). An act that gives false leaves the
  // key to the page. `target` is what has the focus; what goes with Ctrl is ours only inside the component.
  keys(target) {
    return {
      " ": () => this.player.toggle(),
      ArrowLeft: () => this.skip(-SKIP_SECONDS),
      ArrowRight: () => this.skip(SKIP_SECONDS),
      j: () => this.step(1),
      k: () => this.step(-1),
      "/": () => this.find.focus(),
      "<": () => this.changeSpeed(-1),
      ">": () => this.changeSpeed(1),
    };
  }

  onKey(event) {
    if (!this.root.isConnected || event.defaultPrevented || event.isComposing) return;
    const target = event.composedPath()[0];
    const isOurs = this.root.contains(target);
    const key = nameOfKey(event);
    if (!isOurs && (target.closest(TAKES_KEYS) || key.startsWith("Mod+"))) return;
    if (isOurs && target.matches("input, select, textarea")) return;
    if (isOurs && [" ", "Enter"].includes(key) && target.matches("button:not(.time)")) return; // it presses the button
    const act = this.keys(target)[key];
    if (!act || act() === false) return;
    event.preventDefault();
    event.stopPropagation();
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
      this.focusOn(this.focused);
    } else {
      return;
    }
    event.preventDefault();
  }

  // ---- search ---------------------------------------------------------------------------------------------

  search({ keepPlace = false } = {}) {
    const pattern = this.patternFor(this.find.value);
    const place = keepPlace ? this.match : -1;
    this.searched = this.find.value;
    this.match = -1;
    this.matches = this.matchesOf(pattern);
    this.previous.hidden = this.next.hidden = !this.matches.length;
    if (!this.matches.length) this.count.textContent = pattern ? "No match" : "";
    else if (place >= 0) this.showMatch(Math.min(place, this.matches.length - 1));
    else this.toMatch(this.firstMatchInView());
  }

  patternFor(query) {
    return patternOf(query);
  }

  toMatch(at) {
    if (!this.matches.length) return;
    this.showMatch((at + this.matches.length) % this.matches.length);
    const { index } = this.matches[this.match];
    this.isFollowing = false;
    this.keepMatchInView(this.matches[this.match]);
    this.setTabStop(index);
    this.showNow();
  }

  keepMatchInView({ index }) {
    this.keepInView(index);
  }

  showMatch(at) {
    if (this.matches[this.match]) this.lightMatch(this.matches[this.match], false);
    this.match = at;
    this.lightMatch(this.matches[at], true);
    this.count.textContent = `${at + 1} of ${this.matches.length}`;
  }
}

function nameOfKey(event) {
  const isLetter = event.key.length === 1; // shift is in it already
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Mod");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && (!isLetter || parts.length)) parts.push("Shift");
  return [...parts, isLetter && parts.length ? event.key.toLowerCase() : event.key].join("+");
}

// The index of the last start at or before the time; pieces without a time are passed over.
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
