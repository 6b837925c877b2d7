// The lines: drawn in blocks, one of them reached by Tab, each found again when other lines come or go around it.
// A cue is [start, end, text, speaker, timedBy, isEdited]; start is null for a line whose time is not known.

const BLOCK_LINES = 50; // lines drawn or left out together: the browser keeps an account of each block, not each line
const PENCIL = "m4 20 1-4L16 5l3 3L8 19l-4 1M13.5 7.5l3 3";

class Lines extends Playback {
  constructor() {
    super();
    this.lines = []; // [{cue, item, button, text}]; an item knows its index as `at`
  }

  buildLines() {
    this.list = element("div", "lines", { role: "list", "aria-label": "Lines" });
    this.empty = element("p", "empty");
    return this.buildScroller(this.list, this.empty, this.buildGrowing("More lines are coming"));
  }

  listen() {
    super.listen();
    this.on(this.list, "focusin", (event) => {
      const index = this.indexOf(event.target);
      if (index >= 0) this.setTabStop(index);
    });
  }

  // Takes up the difference to what is shown. A line that is `pinned`, as one that is written in, stays that line.
  showLines(cues, { language, timedBy, growing }, pinned = null) {
    const wasAtEnd = this.isAtEnd();
    this.timedBy = timedBy;
    this.list.lang = language;
    const hasChanged = this.takeUp(cues, pinned);
    this.growing.hidden = !growing;
    this.empty.textContent = growing ? "The first lines appear here as they come." : "There are no lines to show.";
    this.empty.hidden = this.lines.length > 0;
    if (growing && wasAtEnd && !this.isPlaying()) this.scroller.scrollTop = this.scroller.scrollHeight;
    if (hasChanged) this.onLinesChange();
  }

  // Only between what both begin and end with.
  takeUp(cues, pinned) {
    let first = 0;
    let last = 0;
    const shorter = Math.min(cues.length, this.lines.length);
    while (first < shorter && isSame(this.lines[first].cue, cues[first])) first += 1;
    while (last < shorter - first && isSame(this.lines.at(-1 - last).cue, cues.at(-1 - last))) last += 1;
    const end = this.lines.length - last;
    const endOfNew = cues.length - last;
    if (first === end && first === endOfNew) return false;
    const at = pinned ? pinned.item.at : -1;
    const found = at >= first && at < end ? cues.findIndex((cue) => isSameLine(cue, pinned.cue)) : -1;
    if (found >= first && found < endOfNew) {
      this.splice(at + 1, end - at - 1, cues.slice(found + 1, endOfNew));
      this.splice(at, 1, [cues[found]]);
      this.splice(first, at - first, cues.slice(first, found));
    } else {
      this.splice(first, end - first, cues.slice(first, endOfNew));
    }
    return true;
  }

  // Puts other cues in the place of some lines. Elements are used again, so that focus and scroll stay.
  splice(at, count, cues) {
    const lit = this.itemOf(this.current);
    const kept = Math.min(count, cues.length);
    for (let place = 0; place < kept; place += 1) fillLine(this.lines[at + place], this.timedBy, cues[place]);
    const fresh = cues.slice(kept).map((cue) => buildLine(this.timedBy, cue));
    for (const line of this.lines.splice(at + kept, count - kept, ...fresh)) line.item.remove();
    if (count !== cues.length || !this.lines.length) this.arrange(at);
    this.starts.splice(at, count, ...cues.map((cue) => cue[0]));
    const last = Math.max(...this.starts.slice(-BLOCK_LINES));
    this.list.classList.toggle("long", last >= 3600);
    this.current = lit?.isConnected ? lit.at : -1;
    this.cursor = Math.min(this.cursor, this.lines.length - 1);
    this.setTabStop(Math.min(this.focused, this.lines.length - 1));
  }

  // Puts the lines from an index on into their blocks, and tells each its index.
  arrange(from) {
    const blocks = Math.max(1, Math.ceil(this.lines.length / BLOCK_LINES));
    while (this.list.childElementCount < blocks) this.list.append(element("div", "block"));
    while (this.list.childElementCount > blocks) this.list.lastChild.remove();
    for (let index = from; index < this.lines.length; index += 1) {
      const { item } = this.lines[index];
      const block = this.list.children[Math.floor(index / BLOCK_LINES)];
      const there = block.children[index % BLOCK_LINES];
      item.at = index;
      if (there !== item) block.insertBefore(item, there ?? null);
    }
  }

  onLinesChange() {
    if (this.find.value) this.search({ keepPlace: true });
    this.tick();
  }

  // ---- place ----------------------------------------------------------------------------------------------

  itemOf(index) {
    return this.lines[index]?.item;
  }

  indexOf(target) {
    return target.closest?.(".line")?.at ?? -1;
  }

  focusOn(index) {
    this.lines[index]?.button.focus({ preventScroll: true });
  }

  // To the line of an index, or the last there is.
  focusNear(index) {
    this.focusOn(Math.max(0, Math.min(index, this.lines.length - 1)));
  }

  // One line at a time can be reached with Tab: nobody wants to tab through ten thousand.
  setTabStop(index) {
    if (this.tabStop) this.tabStop.tabIndex = -1;
    this.focused = Math.max(0, index);
    this.tabStop = this.lines[this.focused]?.button;
    if (this.tabStop) this.tabStop.tabIndex = 0;
  }

  // ---- search ---------------------------------------------------------------------------------------------

  matchesOf(pattern) {
    const matches = [];
    this.lines.forEach((line, index) => {
      const places = pattern ? [...line.cue[2].matchAll(pattern)].map((found) => [found.index, found[0].length]) : [];
      if (places.length || line.isMarked) markLine(line, places);
      line.item.querySelectorAll("mark").forEach((mark) => matches.push({ index, mark }));
    });
    return matches;
  }

  lightMatch({ mark }, isHere) {
    mark.classList.toggle("here", isHere);
  }

  firstMatchInView() {
    const top = this.scroller.getBoundingClientRect().top;
    const isBelow = (node) => node.getBoundingClientRect().bottom > top;
    const block = Math.max(0, [...this.list.children].findIndex(isBelow));
    const lines = this.lines.slice(block * BLOCK_LINES, (block + 1) * BLOCK_LINES);
    const first = block * BLOCK_LINES + Math.max(0, lines.findIndex(({ item }) => isBelow(item)));
    return Math.max(0, this.matches.findIndex(({ index }) => index >= first));
  }
}

function buildLine(timedBy, cue) {
  const item = element("div", "line", { role: "listitem" });
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
  const isSet = source === "edited"; // a person put it there
  const time = start === null ? "" : clock(start);
  line.button.textContent = time;
  line.button.disabled = start === null;
  line.button.classList.toggle("guess", isGuess);
  line.button.classList.toggle("claim", isClaim);
  line.button.classList.toggle("set", isSet);
  const label = `Play from ${isGuess ? "about " : ""}${time}${isSet ? `, ${timedBy[source]}` : ""}`;
  line.button.setAttribute("aria-label", time ? label : "No time yet");
  line.button.title = time ? (timedBy[source] ?? "") : "";
  line.speaker = speaker;
  markLine(line, []);
  return line;
}

function markLine(line, places) {
  const said = line.cue[2];
  const pieces = [];
  if (line.speaker) {
    const name = element("b", "speaker", { dir: "auto" }); // a direction of its own: the line's is that of its words
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
  if (line.cue[5]) pieces.push(editedMark());
  line.text.replaceChildren(...pieces);
  line.isMarked = places.length > 0;
}

function editedMark() {
  const mark = element("span", "edited", { role: "img", "aria-label": "edited by hand", title: "Edited by hand" });
  mark.append(icon(PENCIL));
  return mark;
}

function isSame(one, other) {
  return one.every((value, at) => value === other[at]);
}

// The same line to whoever sees it, though its time may have become exact.
function isSameLine(one, other) {
  return one[2] === other[2] && Math.abs(one[0] - other[0]) < 2;
}
