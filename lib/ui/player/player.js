// The reader: a player beside its lines.
//
// The first call builds the elements; later ones take up the difference, so that playback, scroll, search and
// focus stay as they are. Lines are a stranger's text: they enter the page through textContent and text nodes only.

const BLOCK_LINES = 50; // lines drawn or left out together: the browser keeps an account of each block, not each line
const readers = new WeakMap();

export default function (given) {
  return showIn(Reader, readers, given);
}

class Reader extends Playback {
  constructor(parent) {
    super();
    this.lines = []; // [{cue, item, button, text}]
    this.build(parent);
    this.listen();
  }

  // ---- building -------------------------------------------------------------------------------------------

  build(parent) {
    this.buildRoot(parent, "reader", "Player and transcript");
    this.timeline = element("div", "timeline", { role: "group", "aria-label": "Places to look at" });
    this.playhead = element("i", "playhead");
    this.buildStage(shortcut("J K", "lines"));
    this.screen.after(this.timeline);

    this.list = element("div", "lines", { role: "list", "aria-label": "Lines" });
    this.empty = element("p", "empty");
    const text = element("div", "text");
    text.append(
      this.buildFind("Search the lines"),
      ...this.buildScroller(this.list, this.empty, this.buildGrowing("More lines are coming")),
    );
    this.root.append(this.stage, text);
  }

  listen() {
    super.listen();
    this.on(this.list, "click", (event) => this.onClick(event));
    this.on(this.list, "focusin", (event) => {
      const index = this.indexOf(event.target);
      if (index >= 0) this.setTabStop(index);
    });
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
    this.showSeek(data.seek);
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

  // ---- time and place -------------------------------------------------------------------------------------

  tick() {
    if (this.media && this.length) this.playhead.style.left = `${Math.min(100, (100 * this.media.currentTime) / this.length)}%`;
    super.tick();
  }

  itemOf(index) {
    return this.lines[index]?.item;
  }

  indexOf(target) {
    return Number(target.closest?.(".line")?.dataset.index ?? -1);
  }

  focusOn(index) {
    this.lines[index]?.button.focus({ preventScroll: true });
  }

  // One line at a time can be reached with Tab: nobody wants to tab through ten thousand.
  setTabStop(index) {
    if (this.lines[this.focused]) this.lines[this.focused].button.tabIndex = -1;
    this.focused = Math.max(0, index);
    if (this.lines[this.focused]) this.lines[this.focused].button.tabIndex = 0;
  }

  onClick(event) {
    const index = this.indexOf(event.target);
    if (index < 0 || (this.isSelecting() && !event.target.closest("button"))) return;
    this.play(index);
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
