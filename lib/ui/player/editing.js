// Editing: each verb shows what it does at once and sends it. Lines are named by their index and by what they said.

class Editing {
  constructor(reader, changes) {
    this.reader = reader;
    this.changes = changes;
    this.gestures = 0;
    this.bounds = null; // [first, last] second of the clip; null where nothing can be edited
  }

  get isPossible() {
    return this.bounds !== null;
  }

  cue(index) {
    return this.reader.lines[index]?.cue;
  }

  // Changes of one gesture are undone in one go.
  gesture(name) {
    this.gestures += 1;
    return `${name}-${this.gestures}`;
  }

  // `isKept` false while it is still being typed.
  write(index, text, gesture, { isKept = true } = {}) {
    const words = oneLine(text);
    if (!words) return this.remove(index);
    this.send("write", index, { text: words, gesture, kept: isKept });
    this.show(index, 1, [written(this.cue(index), words)]);
  }

  // Takes back what was typed in a gesture: the line is `cue` again.
  takeBack(index, cue, gesture) {
    this.changes.add({ wish: "leave", gesture, kept: true });
    this.show(index, 1, cue ? [cue] : []);
  }

  split(index, position) {
    const cue = this.cue(index);
    const [first, second] = parted(cue, position);
    if (!first[2] || !second[2]) return false;
    // Python counts characters, JavaScript halves of those beyond the first 65,536.
    this.send("split", index, { position: [...cue[2].slice(0, position)].length });
    this.show(index, 1, [first, second]);
    return true;
  }

  merge(index, count = 2) {
    const cues = this.reader.lines.slice(index, index + count).map((line) => line.cue);
    if (cues.length < 2) return false;
    this.send("merge", index, { count: cues.length });
    this.show(index, cues.length, [merged(cues)]);
    return true;
  }

  remove(index, count = 1) {
    this.send("delete", index, { count });
    this.show(index, count, []);
  }

  // Shows a new line before an index, without a word in it; it is sent with its first word, by `insert`.
  makeRoom(index) {
    const { before, fresh } = putBetween(this.cue(index - 1), this.cue(index), this.bounds);
    const old = this.cue(index - 1);
    if (before) this.show(index - 1, 1, [before, fresh]);
    else this.show(index, 0, [fresh]);
    return old;
  }

  // `before` is the line before it, as it was when room was made.
  insert(index, before, text, gesture, { isKept = true } = {}) {
    const seen = before ? [before[0], before[2]] : null;
    this.changes.add({ wish: "insert", line: index, seen, text: oneLine(text), gesture, kept: isKept });
    this.show(index, 1, [written(this.cue(index), oneLine(text))]);
  }

  setTimes(index, wantedStart, wantedEnd, gesture) {
    const cue = this.cue(index);
    const room = roomOf(cue, this.cue(index - 1), this.cue(index + 1), this.bounds);
    const [start, end] = fitted(cue, room, wantedStart, wantedEnd);
    if (start === cue[0] && end === cue[1]) return false;
    this.send("time", index, { start, end, gesture });
    this.show(index, 1, [[start, end, cue[2], cue[3], "edited", cue[5]]]);
    return true;
  }

  nudge(index, edge, by) {
    const [start, end] = this.cue(index);
    if (this.nudged !== `${index} ${edge}`) {
      this.nudged = `${index} ${edge}`;
      this.nudging = this.gesture("nudge");
    }
    return edge === "start"
      ? this.setTimes(index, start + by, end, this.nudging)
      : this.setTimes(index, start, end + by, this.nudging);
  }

  nameSpeaker(index, name, isEverywhere) {
    const speaker = oneLine(name);
    const known = this.cue(index)[3];
    if (speaker === known) return;
    this.send("speaker", index, { speaker, everywhere: isEverywhere });
    const isMeant = (cue, at) => at === index || (isEverywhere && known && cue[3] === known);
    this.reader.lines.forEach((line, at) => {
      if (isMeant(line.cue, at)) fillLine(line, this.reader.timedBy, line.cue.with(3, speaker));
    });
    this.reader.onLinesChange();
  }

  // These three are shown when Python has done them.
  replaceAll(find, text, matchesCase) {
    this.changes.add({ wish: "replace", find, text, matches_case: matchesCase, kept: true });
  }

  undo() {
    if (this.canUndo) this.changes.add({ wish: "undo", kept: true });
  }

  redo() {
    if (this.canRedo) this.changes.add({ wish: "redo", kept: true });
  }

  send(wish, index, more) {
    const [start, , text] = this.cue(index);
    if (wish !== "time") this.nudged = null;
    this.changes.add({ wish, line: index, seen: [start, text], kept: true, ...more });
  }

  show(index, count, cues) {
    this.reader.splice(index, count, cues);
    this.reader.onLinesChange();
  }

  // The speakers there are, the one with the most lines first.
  speakers() {
    const lines = new Map();
    for (const { cue } of this.reader.lines) if (cue[3]) lines.set(cue[3], (lines.get(cue[3]) ?? 0) + 1);
    return [...lines].sort((one, other) => other[1] - one[1]);
  }
}
