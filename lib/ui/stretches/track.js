// The track: the whole as a line, with the stretches on it. They are drawn, moved and resized with mouse, pen or
// finger, and with the keyboard: each stretch, each of its edges and the playhead is a slider of its own.

const STEP = 1;
const FINE_STEP = 0.1;
const LARGE_STEP = 10;
const CLICK = 4; // pixels within which a press is no drawing
const LABEL_ROOM = 76; // pixels that a time under the track needs
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800];

class Track {
  // `onChange(spans, isSettled)` gets every change, `onSeek` where the playhead is wanted, `onRemove` an index.
  constructor({ on, onChange, onSeek, onRemove }) {
    Object.assign(this, { onChange, onSeek, onRemove, spans: [], marks: [], duration: 1, position: 0 });
    this.root = element("div", "track", { role: "group" });
    this.lane = element("div", "lane");
    this.pending = element("i", "pending");
    this.pending.hidden = true;
    this.ruler = element("div", "ruler", { "aria-hidden": "true" });
    this.playhead = element("div", "playhead", { role: "slider", tabindex: "0", "aria-label": "Position", "data-part": "head" });
    this.bubble = element("span", "bubble", { "aria-hidden": "true" });
    this.bubble.hidden = true;
    this.root.append(this.lane, this.pending, this.ruler, this.playhead, this.bubble);
    on(this.root, "pointerdown", (event) => this.onDown(event));
    on(this.root, "pointermove", (event) => this.onMove(event));
    on(this.root, "pointerup", (event) => this.onUp(event));
    on(this.root, "pointercancel", () => this.onCancel());
    on(this.root, "keydown", (event) => this.onKey(event));
    this.watch = new ResizeObserver(() => this.drawRuler());
    this.watch.observe(this.root);
  }

  leave() {
    this.watch.disconnect();
  }

  // ---- drawing --------------------------------------------------------------------------------------------

  show(spans, duration) {
    this.spans = spans;
    if (duration !== this.duration) {
      this.duration = duration;
      this.root.setAttribute("aria-label", `Timeline of ${lengthWords(duration)}`);
      this.drawRuler();
    }
    while (this.marks.length > spans.length) this.marks.pop().root.remove();
    while (this.marks.length < spans.length) {
      const mark = buildMark();
      this.marks.push(mark);
      this.lane.append(mark.root);
    }
    spans.forEach((span, index) => this.drawMark(this.marks[index], span, index));
    this.moveTo(this.position);
  }

  drawMark(mark, [start, end], index) {
    const [low, high] = roomOf(this.spans, index, this.duration);
    mark.root.style.left = this.percent(start);
    mark.root.style.width = this.percent(end - start);
    mark.number.textContent = index + 1;
    const name = `Stretch ${index + 1}`;
    const words = `${precise(start)} to ${precise(end)}, ${lengthWords(end - start)}`;
    const whole = { label: name, now: start, low, high: Math.max(low, high - (end - start)), words };
    describe(mark.body, index, whole);
    describe(mark.start, index, { label: `Start of stretch ${index + 1}`, now: start, low, high: end - SHORTEST, words: precise(start) });
    describe(mark.end, index, { label: `End of stretch ${index + 1}`, now: end, low: start + SHORTEST, high, words: precise(end) });
  }

  drawRuler() {
    const room = Math.max(1, Math.floor(this.root.clientWidth / LABEL_ROOM));
    const step = TICKS.find((each) => this.duration / each <= room) ?? TICKS.at(-1);
    const ticks = [];
    for (let time = 0; time <= this.duration; time += step) {
      const tick = element("span", "tick");
      tick.style.left = this.percent(time);
      tick.textContent = clock(time);
      ticks.push(tick);
    }
    // The last one would be cut off, or run into the edge.
    if (ticks.length > 1 && this.duration - (ticks.length - 1) * step < step / 2) ticks.at(-1).classList.add("last");
    this.ruler.replaceChildren(...ticks);
  }

  moveTo(time) {
    this.position = time;
    this.playhead.style.left = this.percent(time);
    describe(this.playhead, 0, { label: "Position", now: time, low: 0, high: this.duration, words: precise(time) });
    if (this.pendingStart !== null && this.pendingStart !== undefined) this.drawPending();
  }

  // From where a start was marked to the playhead.
  showPending(start) {
    this.pendingStart = start;
    this.pending.hidden = start === null;
    if (start !== null) this.drawPending();
  }

  drawPending() {
    this.pending.style.left = this.percent(this.pendingStart);
    this.pending.style.width = this.percent(Math.max(0, this.position - this.pendingStart));
  }

  showBubble(time, words) {
    this.bubble.hidden = false;
    this.bubble.textContent = words;
    const share = time / this.duration;
    this.bubble.style.left = this.percent(time);
    this.bubble.style.transform = `translateX(${-100 * Math.min(1, Math.max(0, share))}%)`;
  }

  percent(time) {
    return `${(100 * time) / this.duration}%`;
  }

  focus(index, part = "body") {
    this.marks[index]?.[part].focus({ preventScroll: true });
  }

  // ---- mouse, pen, finger ---------------------------------------------------------------------------------

  timeAt(event) {
    const box = this.lane.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    return Math.max(0, Math.min(1, share)) * this.duration;
  }

  onDown(event) {
    if (event.button !== 0 || this.drag) return;
    const grip = event.target.closest("[data-part]");
    const isRuler = Boolean(event.target.closest(".ruler"));
    const part = grip?.dataset.part ?? (isRuler ? "head" : "empty");
    const index = grip ? Number(grip.dataset.index) : -1;
    const time = this.timeAt(event);
    this.drag = { part, index, from: time, x: event.clientX, before: this.spans, hasMoved: false, isRuler };
    if (part === "body") this.drag.offset = time - this.spans[index][0];
    this.root.setPointerCapture(event.pointerId);
    grip?.focus({ preventScroll: true });
  }

  onMove(event) {
    const drag = this.drag;
    if (!drag) return;
    if (!drag.hasMoved && Math.abs(event.clientX - drag.x) < CLICK) return;
    const isFirst = !drag.hasMoved;
    drag.hasMoved = true;
    const time = this.timeAt(event);
    if (drag.part === "head") {
      this.onSeek(time);
    } else if (drag.part === "empty") {
      this.draw(drag, time, isFirst);
    } else if (drag.part === "body") {
      this.change(moved(this.spans, drag.index, time - drag.offset, this.duration), drag.index, "start");
    } else {
      this.change(withEdge(this.spans, drag.index, drag.part, time, this.duration), drag.index, drag.part);
    }
  }

  // Out of nothing, away from where it was pressed, up to the neighbours.
  draw(drag, time, isFirst) {
    if (isFirst) {
      const at = this.spans.findIndex(([start]) => start > drag.from);
      drag.index = at < 0 ? this.spans.length : at;
      drag.room = roomOf([...this.spans.slice(0, drag.index), [0, 0], ...this.spans.slice(drag.index)], drag.index, this.duration);
    }
    const [low, high] = drag.room;
    if (high - low < SHORTEST) return;
    let [start, end] = [Math.min(drag.from, time), Math.max(drag.from, time)].map((each) => tenth(Math.min(Math.max(each, low), high)));
    if (end - start < SHORTEST) [start, end] = end + SHORTEST <= high ? [start, start + SHORTEST] : [end - SHORTEST, end];
    this.change(drag.before.toSpliced(drag.index, 0, [start, end]), drag.index, time < drag.from ? "start" : "end");
  }

  change(spans, index, edge) {
    const time = spans[index][edge === "start" ? 0 : 1];
    this.onChange(spans, false);
    this.onSeek(time);
    this.showBubble(time, precise(time));
  }

  onUp(event) {
    const drag = this.drag;
    if (!drag) return;
    this.drag = null;
    this.bubble.hidden = true;
    if (!drag.hasMoved) {
      if (drag.isRuler || drag.part === "empty" || drag.part === "body") this.onSeek(this.timeAt(event));
      return;
    }
    if (this.spans !== drag.before) this.onChange(this.spans, true, drag.before);
    if (drag.part === "empty") this.focus(drag.index);
  }

  onCancel() {
    const drag = this.drag;
    this.drag = null;
    this.bubble.hidden = true;
    if (drag && this.spans !== drag.before) this.onChange(drag.before, false);
  }

  // ---- keyboard -------------------------------------------------------------------------------------------

  onKey(event) {
    const grip = event.target.closest("[data-part]");
    if (!grip || event.ctrlKey || event.metaKey || event.altKey) return;
    const { part } = grip.dataset;
    const index = Number(grip.dataset.index);
    if (part !== "head" && (event.key === "Delete" || event.key === "Backspace")) {
      this.onRemove(index);
    } else {
      const to = this.aim(event, part, index);
      if (to === null) return;
      if (part === "head") this.onSeek(to);
      else this.nudge(part, index, to);
    }
    event.preventDefault();
    event.stopPropagation();
  }

  // Where a key sends what has the focus; null for a key that sends it nowhere.
  aim(event, part, index) {
    const now = part === "head" ? this.position : this.spans[index][part === "end" ? 1 : 0];
    const step = event.shiftKey ? FINE_STEP : STEP;
    const steps = {
      ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageDown: -LARGE_STEP, PageUp: LARGE_STEP,
      Home: -Infinity, End: Infinity,
    };
    if (!(event.key in steps)) return null;
    return Math.max(0, Math.min(this.duration, now + steps[event.key]));
  }

  nudge(part, index, to) {
    const before = this.spans;
    const spans = part === "body" ? moved(before, index, to, this.duration) : withEdge(before, index, part, to, this.duration);
    this.onChange(spans, true, before);
    this.onSeek(spans[index][part === "end" ? 1 : 0]);
  }
}

function buildMark() {
  const root = element("div", "stretch");
  const body = element("div", "body", { role: "slider", tabindex: "0", "data-part": "body", "aria-keyshortcuts": "Delete" });
  const number = element("span", "number", { "aria-hidden": "true" });
  const start = element("div", "grip start", { role: "slider", tabindex: "0", "data-part": "start" });
  const end = element("div", "grip end", { role: "slider", tabindex: "0", "data-part": "end" });
  body.append(number);
  root.append(body, start, end);
  return { root, body, number, start, end };
}

function describe(node, index, { label, now, low, high, words }) {
  node.dataset.index = index;
  const values = {
    "aria-label": label, "aria-valuemin": tenth(low), "aria-valuemax": tenth(high), "aria-valuenow": tenth(now), "aria-valuetext": words,
  };
  for (const [name, value] of Object.entries(values)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}
