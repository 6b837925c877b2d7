// The editor of stretches: the player, the timeline under it, and the list. Its rooms are the files beside this one,
// joined in the order of __init__.py.
//
// Python keeps the stretches; what is changed here goes there once the hand is off it. What comes back is taken up
// only when its revision is new (a proposal, a reset): an echo of an older state must not undo what was done since.

const MOST_UNDONE = 50;
const editors = new WeakMap();

export default function (given) {
  return showIn(Editor, editors, given);
}

class Editor {
  constructor(parent) {
    this.spans = [];
    this.history = [];
    this.pending = null;
    this.leaving = new AbortController();
    const on = (target, type, listener) => target.addEventListener(type, listener, { signal: this.leaving.signal });
    this.screen = new Screen({ onTime: (time) => this.track.moveTo(time) });
    this.track = new Track({
      on,
      onChange: (spans, isSettled, before) => (isSettled ? this.settle(spans, before) : this.draw(spans)),
      onSeek: (time) => this.screen.seek(time),
      onRemove: (index) => this.remove(index),
    });
    this.rows = new Rows({
      on,
      onType: (index, edge, seconds) => this.settle(withEdge(this.spans, index, edge, seconds, this.duration)),
      onWrong: (text) => this.tell(`“${text}” is not a time. Write it like 90, 1:30 or 0:01:30.5.`),
      onPlay: (index) => this.screen.play(...this.spans[index]),
      onRemove: (index) => this.remove(index),
    });
    this.build(parent, on);
  }

  build(parent, on) {
    // It can hold the focus, so that keys work after a click into it.
    this.root = element("section", "editor", { "aria-label": "Choose several stretches", tabindex: "-1" });
    this.markStart = textButton("Mark start", () => this.start(), { path: "M7 4v16M7 12h10m-4-4 4 4-4 4" });
    this.markEnd = textButton("Mark end", () => this.end(), { path: "M17 4v16M17 12H7m4-4-4 4 4 4" });
    this.undo = textButton("Undo", () => this.takeBack(), { path: "M8 5 4 9l4 4M4 9h9a6 6 0 0 1 0 12h-2" });
    this.clear = textButton("Delete all", () => this.settle([]), { path: "M4 7h16M6 7l1 13h10l1-13M9 7V4h6v3" });
    const marks = element("div", "buttons");
    const rest = element("div", "buttons rest");
    rest.append(this.undo, this.clear);
    marks.append(this.markStart, this.markEnd, rest);
    this.total = element("p", "total", { role: "status" });
    this.hint = element("p", "hint");
    this.keys = element("p", "keys");
    this.keys.append(
      shortcut("I", "mark start"), shortcut("O", "mark end"), shortcut("← →", "1 s"), shortcut("Shift ← →", "0.1 s"),
      shortcut("Delete", "delete"),
    );
    const shelf = element("div", "shelf"); // what the editor measures itself by
    this.root.append(
      this.screen.root, this.screen.notice, this.track.root, marks, this.total, this.hint, this.rows.root, this.keys,
    );
    shelf.append(this.root);
    parent.append(shelf);
    on(this.root, "keydown", (event) => this.onKey(event));
  }

  leaveIfGone() {
    if (this.root.isConnected) return;
    this.leaving.abort();
    this.track.leave();
    this.screen.leave();
  }

  // ---- what Python sends ----------------------------------------------------------------------------------

  show(data, { setStateValue }) {
    this.send = (spans) => setStateValue("stretches", spans);
    this.duration = data.duration;
    this.root.dataset.kind = data.kind;
    this.screen.show(data);
    if (data.revision !== this.revision) {
      if (this.revision !== undefined) this.remember(this.spans);
      this.revision = data.revision;
      this.mark(null);
      this.spans = data.stretches;
    }
    this.draw(this.spans);
  }

  // ---- changes --------------------------------------------------------------------------------------------

  draw(spans) {
    this.spans = spans;
    this.track.show(spans, this.duration);
    this.rows.show(spans, Boolean(this.screen.element));
    this.total.textContent = spans.length ? totalWords(spans, this.duration) : "No stretch is chosen yet";
    this.hint.textContent = this.advice();
    this.hint.hidden = !this.hint.textContent;
    this.undo.disabled = !this.history.length;
    this.clear.disabled = !spans.length;
    this.markEnd.classList.toggle("primary", this.pending !== null);
  }

  advice() {
    if (this.pending !== null) return `It starts at ${precise(this.pending)}. Go to where it ends, and press Mark end.`;
    if (this.spans.length) return "";
    return this.screen.element
      ? "Drag over the timeline, or play and press Mark start and Mark end. Or have some proposed below."
      : "Drag over the timeline, or move the position and press Mark start and Mark end.";
  }

  settle(spans, before = this.spans) {
    this.remember(before);
    this.draw(spans);
    this.send(spans);
  }

  remember(spans) {
    this.history.push(spans);
    if (this.history.length > MOST_UNDONE) this.history.shift();
  }

  takeBack() {
    const spans = this.history.pop();
    if (!spans) return;
    this.draw(spans);
    this.send(spans);
  }

  remove(index) {
    this.settle(this.spans.toSpliced(index, 1));
    if (this.spans.length) this.track.focus(Math.min(index, this.spans.length - 1));
    else this.markStart.focus({ preventScroll: true });
  }

  // ---- marks at the playhead ------------------------------------------------------------------------------

  start() {
    const time = tenth(this.screen.time);
    const inside = indexAt(this.spans, time);
    if (inside >= 0 && time < this.spans[inside][1] - SHORTEST) {
      this.settle(withEdge(this.spans, inside, "start", time, this.duration));
      return;
    }
    this.mark(time);
    this.draw(this.spans);
  }

  end() {
    const time = tenth(this.screen.time);
    const inside = indexAt(this.spans, time);
    if (this.pending !== null && this.pending < time) {
      const { spans } = withNew(this.spans, this.pending, time, this.duration);
      this.mark(null);
      this.settle(spans);
    } else if (this.pending !== null) {
      this.tell(`Its start, ${precise(this.pending)}, lies after this. Go on to where it ends.`);
    } else if (inside >= 0 && time > this.spans[inside][0] + SHORTEST) {
      this.settle(withEdge(this.spans, inside, "end", time, this.duration));
    } else {
      this.tell("Mark where it starts first.");
    }
  }

  mark(time) {
    this.pending = time;
    this.track.showPending(time);
  }

  tell(sentence) {
    this.hint.hidden = false;
    this.hint.textContent = sentence;
  }

  onKey(event) {
    if (event.defaultPrevented || event.altKey || event.target.matches("input")) return;
    const isUndo = (event.ctrlKey || event.metaKey) && event.key === "z";
    const act = event.ctrlKey || event.metaKey
      ? { z: () => this.takeBack() }
      : { i: () => this.start(), o: () => this.end(), " ": event.target.matches("button, video, audio") ? null : () => this.screen.toggle() };
    const does = act[event.key];
    if (!does || (event.ctrlKey && !isUndo)) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }
}
