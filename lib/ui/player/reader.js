// The reader: a player beside its lines, which can be edited. Its rooms are the files beside this one, joined in the
// order of __init__.py.
//
// The first call builds the elements; later ones take up the difference, so that playback, scroll, search, focus and
// what is being typed stay as they are. Lines are a stranger's text: they enter the page through textContent and text
// nodes only.

const KEYS = [["J K", "lines"], ["C", "captions"]];
const EDITING_KEYS = [
  ["E", "edit"], ["T", "times"], ["N", "name"], ["I", "insert"], ["M", "merge"], ["X", "select"], ["⇧ J K", "select more"],
  ["⇧ ← →", "nudge start"], ["Alt ⇧ ← →", "nudge end"], ["Ctrl Z", "undo"],
];
const readers = new WeakMap();

export default function (given) {
  return showIn(Reader, readers, given);
}

class Reader extends Lines {
  constructor(parent) {
    super();
    this.captions = new Captions(this);
    this.timeline = new Timeline(this);
    this.changes = new Changes();
    this.editing = new Editing(this, this.changes);
    this.build(parent);
    this.listen();
  }

  // ---- building -------------------------------------------------------------------------------------------

  build(parent) {
    this.buildRoot(parent, "reader", "Player and transcript");
    this.buildStage(...KEYS.map(([key, meaning]) => shortcut(key, meaning)));
    this.full = iconButton("full", "Full screen", "F", "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5");
    this.help.before(this.captions.button, this.full);
    this.screen.after(this.timeline.root);
    this.controls.before(this.timeline.titles);
    this.buildOffer();
    this.buildText();
    this.editingHelp = EDITING_KEYS.map(([key, meaning]) => shortcut(key, meaning));
    this.help.append(...this.editingHelp);
  }

  // Stands where YouTube's player will: nothing of it is fetched before somebody has agreed.
  buildOffer() {
    this.offer = element("div", "offer");
    const words = element("p");
    words.textContent = "Play from YouTube: this contacts youtube-nocookie.com.";
    this.offer.append(words, textButton("Play from YouTube", () => this.playFromYouTube(), { isPrimary: true }));
    this.offer.hidden = true;
    this.screen.append(this.offer, this.captions.root);
  }

  buildText() {
    const search = this.buildFind("Search the lines");
    const pane = element("div", "pane");
    pane.append(...this.buildLines(), this.changes.state);
    this.replacing = new Replacing(this);
    this.editor = new Editor(this);
    this.tools = new LineTools(this);
    this.selection = new Selection(this);
    this.undo = iconButton("undo", "Undo", "Ctrl+Z", "M8 5 4 9l4 4M4 9h10a5 5 0 0 1 0 10h-3");
    this.redo = iconButton("redo", "Do again", "Ctrl+Shift+Z", "m16 5 4 4-4 4M20 9H10a5 5 0 0 0 0 10h3");
    search.append(this.replacing.opening, this.undo, this.redo);
    this.problem = element("p", "problem", { role: "alert" });
    this.problem.hidden = true;
    const text = element("div", "text");
    text.append(search, this.replacing.root, this.problem, pane, this.selection.bar);
    this.root.append(this.stage, text);
  }

  listen() {
    super.listen();
    this.on(this.list, "click", (event) => this.onClick(event));
    this.on(this.list, "dblclick", (event) => this.onDoubleClick(event));
    this.on(this.list, "mousedown", (event) => {
      // With shift, lines are selected: not also the text between them.
      if (event.shiftKey && this.editing.isPossible && !event.target.closest(".editor")) event.preventDefault();
    });
    this.on(document, "cuewise-heard", (event) => this.hear(event.detail));
    this.on(document, "click", (event) => this.onTimeLink(event));
    this.on(this.undo, "click", () => this.editing.undo());
    this.on(this.redo, "click", () => this.editing.redo());
    this.on(this.full, "click", () => this.fillScreen());
  }

  keys(target) {
    const { editing } = this;
    const keys = {
      ...super.keys(target),
      c: () => this.captions.toggle(),
      f: () => this.fillScreen(),
      e: () => this.edit({}),
      t: () => this.edit({ field: "times" }),
      n: () => this.edit({ field: "speaker" }),
      r: () => this.replacing.open(true),
      "Mod+z": () => editing.undo(),
      "Mod+Shift+z": () => editing.redo(),
      "Mod+y": () => editing.redo(),
      Escape: () => this.selection.clear(),
    };
    const isOnLine = this.list.contains(target) && target.matches(".time");
    return isOnLine && editing.isPossible ? { ...keys, ...this.keysOfLine(this.focused) } : keys;
  }

  // What keys do to the line that has the focus.
  keysOfLine(index) {
    const nudge = (edge, by) => () => void this.editing.nudge(index, edge, by);
    return {
      Enter: () => this.edit({}),
      x: () => this.selection.pick(index),
      J: () => this.extend(1),
      K: () => this.extend(-1),
      i: () => this.editor.openNew(index + 1),
      m: () => void this.editing.merge(index),
      Delete: () => this.remove(index),
      "Shift+ArrowLeft": nudge("start", -NUDGE_SECONDS),
      "Shift+ArrowRight": nudge("start", NUDGE_SECONDS),
      "Alt+Shift+ArrowLeft": nudge("end", -NUDGE_SECONDS),
      "Alt+Shift+ArrowRight": nudge("end", NUDGE_SECONDS),
    };
  }

  leaveIfGone() {
    if (this.root.isConnected) return;
    if (this.editor.isOpen) this.editor.draft(); // kept in this tab, and sent when the run is opened again
    super.leaveIfGone();
    this.changes.leave();
  }

  // ---- what Python sends ----------------------------------------------------------------------------------

  show(data, { setTriggerValue }) {
    this.post = setTriggerValue;
    this.root.classList.toggle("alone", data.lines === null);
    this.showMedia(data);
    this.showEditing(data);
    // Our own lines are newer until Python has heard of all that we did, and drawn them since.
    const isBehind = this.changes.isWaiting || this.editor.isUnsent || this.changes.isOlder(data.editing);
    if (!isBehind || !this.lines.length) this.showNewest(data);
    this.timeline.show(data.marks, data.chapters, data.duration || this.media?.duration || 0);
    this.tick();
    this.showSeek(data.seek);
  }

  showNewest(data) {
    const cues = data.lines ?? [];
    const { editor } = this;
    const isLost = editor.isOpen && !cues.some((cue) => isSameLine(cue, editor.line.cue));
    const typed = isLost ? editor.lose() : "";
    this.showLines(cues, data, editor.line);
    if (isLost) this.complain(`The line was changed elsewhere. You wrote: “${typed}”`);
  }

  showEditing({ editing, lines }) {
    const canEdit = Boolean(editing) && Boolean(lines?.length);
    for (const key of this.editingHelp) key.hidden = !canEdit;
    this.editing.bounds = canEdit ? editing.bounds : null;
    this.root.classList.toggle("editable", canEdit);
    this.undo.hidden = this.redo.hidden = !canEdit;
    this.replacing.show();
    if (!editing) return;
    this.changes.open(editing.run, (queue) => this.post("changes", queue));
    this.editing.canUndo = editing.undo !== null;
    this.editing.canRedo = editing.redo !== null;
    showDoing(this.undo, "Undo", "Ctrl+Z", editing.undo);
    showDoing(this.redo, "Do again", "Ctrl+Shift+Z", editing.redo);
    this.hear(editing);
  }

  // What Python has heard of our changes: those that it could not make are told, with what was written in them.
  hear(news) {
    const { run, refused, problem } = news;
    if (run !== this.changes.run) return;
    const told = this.changes.heard(news);
    const reasons = told.map(({ reader, number, text }) => {
      const why = (refused[reader] ?? []).find(([at]) => at === number)?.[1];
      return why && text ? `${why} You wrote: “${text}”` : why;
    });
    const reason = reasons.findLast(Boolean);
    if (reason || problem) this.complain(reason || problem);
    else if (told.length) this.complain("");
  }

  complain(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = !sentence;
  }

  onLinesChange() {
    super.onLinesChange();
    this.selection.show();
  }

  // ---- media ----------------------------------------------------------------------------------------------

  showMedia(data) {
    const isPlayingOn = this.media instanceof YouTubeMedia && data.youtube === this.youtube;
    this.youtube = data.youtube;
    this.title = data.title;
    if (!isPlayingOn) super.showMedia(data);
    if (data.youtube) this.root.dataset.kind = "video";
    this.offer.hidden = !data.youtube || Boolean(this.media);
    this.captions.button.hidden = this.full.hidden = this.player.kind !== "video" && !isPlayingOn;
  }

  listenToMedia(media) {
    super.listenToMedia(media);
    // Its own full screen would leave the captions behind.
    if (document.fullscreenEnabled) media.setAttribute("controlslist", "nofullscreen");
    this.screen.classList.add("still");
    for (const type of ["play", "pause"]) {
      media.addEventListener(type, () => this.screen.classList.toggle("still", media.paused));
    }
  }

  playFromYouTube() {
    const media = new YouTubeMedia(this.youtube, this.title);
    this.player.put(media, media.frame);
    this.offer.hidden = true;
    this.controls.hidden = this.captions.button.hidden = this.full.hidden = false;
    if (this.startAt > 0) media.currentTime = this.startAt;
    media.frame.focus();
  }

  fillScreen() {
    if (this.full.hidden || this.controls.hidden) return false;
    if (this.screen.getRootNode().fullscreenElement) document.exitFullscreen();
    else this.screen.requestFullscreen?.().catch(() => {}); // a browser that will not
    return true;
  }

  tick() {
    super.tick();
    if (!this.media) return;
    const time = this.hasPlayed || this.media.currentTime > 0 ? this.media.currentTime : null;
    this.timeline.moveTo(this.media.currentTime);
    this.captions.say(this.lines[this.current]?.cue, time);
  }

  // ---- editing --------------------------------------------------------------------------------------------

  edit(how) {
    if (!this.editing.isPossible) return false;
    const isOnLine = this.list.contains(this.list.getRootNode().activeElement);
    this.open(isOnLine ? this.focused : Math.max(0, this.current), how);
    return true;
  }

  open(index, how) {
    this.selection.clear();
    this.editor.open(index, how);
  }

  // A time in a document beside the player: a link to #t= and a second.
  onTimeLink(event) {
    const seconds = Number(event.target.closest?.('a[href^="#t="]')?.hash.slice(3) || NaN);
    if (Number.isNaN(seconds) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.seekTo(seconds);
    this.media?.play().catch(() => {}); // a media error says so itself
  }

  onDoubleClick(event) {
    const index = this.indexOf(event.target);
    if (index < 0 || !this.editing.isPossible || event.target.closest(".tools, .editor")) return;
    if (!this.wasPlaying) this.media?.pause(); // the first click began to play
    const at = placeOfClick(this.lines[index], event);
    event.preventDefault();
    this.open(index, { at });
  }

  remove(index) {
    this.editing.remove(index);
    this.focusNear(index);
  }

  extend(by) {
    if (!this.selection.range) this.selection.pick(this.focused);
    const index = Math.max(0, Math.min(this.lines.length - 1, this.focused + by));
    this.focusOn(index);
    this.keepInView(index);
    this.selection.pick(index, { isMore: true });
  }

  onClick(event) {
    const index = this.indexOf(event.target);
    if (index < 0 || event.target.closest(".tools, .editor")) return;
    if (event.shiftKey && this.editing.isPossible) {
      if (!this.selection.range) this.selection.pick(this.focused);
      this.selection.pick(index, { isMore: true });
      return;
    }
    if (this.isSelecting() && !event.target.closest("button")) return;
    if (event.detail > 1) return; // the second click of two opens the line
    this.wasPlaying = this.isPlaying();
    this.play(index);
  }

  patternFor(query) {
    return patternOf(query, this.replacing.isMatchingCase);
  }

  search(how) {
    super.search(how);
    this.replacing.show();
  }
}

function showDoing(button, verb, keys, what) {
  button.disabled = what === null;
  const label = what === null ? verb : `${verb}: ${what}`;
  button.setAttribute("aria-label", label);
  button.title = `${label} (${keys})`;
}

// How many characters of a line's text stand before the place of a click; undefined where that can't be told.
function placeOfClick(line, { clientX, clientY }) {
  const root = line.item.getRootNode();
  const found = document.caretPositionFromPoint?.(clientX, clientY, { shadowRoots: [root] });
  if (!found || !line.text.contains(found.offsetNode)) return undefined;
  const before = document.createRange();
  before.setStart(line.text, 0);
  before.setEnd(found.offsetNode, found.offset);
  const name = line.speaker ? line.speaker.length + 1 : 0;
  return Math.max(0, Math.min(line.cue[2].length, before.toString().length - name));
}
