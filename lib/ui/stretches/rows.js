// The rows: each stretch with its times to type, to play and to delete: exact where a finger on the track is not.

class Rows {
  // `onType(index, edge, seconds)` gets a time that was typed, `onWrong` one that is none.
  constructor({ on, onType, onWrong, onPlay, onRemove }) {
    this.rows = [];
    this.typing = null;
    this.root = element("ol", "rows", { "aria-label": "Stretches" });
    on(this.root, "input", (event) => (this.typing = event.target));
    on(this.root, "focusout", () => {
      this.typing = null;
      this.show(this.spans, this.canPlay);
    });
    on(this.root, "change", (event) => {
      this.typing = null;
      const { index, edge } = event.target.dataset;
      const seconds = readTime(event.target.value);
      if (seconds === null) onWrong(event.target.value);
      else onType(Number(index), edge, seconds);
      this.show(this.spans, this.canPlay);
    });
    on(this.root, "keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("input")) event.target.blur();
    });
    on(this.root, "click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const index = Number(button.dataset.index);
      if (button.classList.contains("remove")) onRemove(index);
      else onPlay(index);
    });
  }

  show(spans, canPlay) {
    this.spans = spans;
    this.canPlay = canPlay;
    while (this.rows.length > spans.length) this.rows.pop().root.remove();
    while (this.rows.length < spans.length) {
      const row = buildRow();
      this.rows.push(row);
      this.root.append(row.root);
    }
    spans.forEach(([start, end], index) => {
      const row = this.rows[index];
      row.number.textContent = index + 1;
      name(row.start, index, `Start of stretch ${index + 1}`);
      name(row.end, index, `End of stretch ${index + 1}`);
      name(row.play, index, `Play stretch ${index + 1}`);
      name(row.remove, index, `Delete stretch ${index + 1}`);
      this.write(row.start, start);
      this.write(row.end, end);
      row.length.textContent = lengthWords(end - start);
      row.play.hidden = !canPlay;
    });
  }

  // What somebody is typing is theirs until they are done: the page may be drawn anew meanwhile.
  write(field, time) {
    if (field !== this.typing) field.value = precise(time);
  }
}

function buildRow() {
  const root = element("li", "row");
  const number = element("span", "number", { "aria-hidden": "true" });
  const field = (edge) => element("input", "field", { type: "text", autocomplete: "off", spellcheck: "false", "data-edge": edge });
  const [start, end] = [field("start"), field("end")];
  const dash = element("span", "dash", { "aria-hidden": "true" });
  dash.textContent = "–";
  const length = element("span", "length");
  const play = iconButton("play", "Play", "", "M8 5v14l11-7z");
  const remove = iconButton("remove", "Delete", "", "M4 7h16M10 11v6m4-6v6M6 7l1 13h10l1-13M9 7V4h6v3");
  root.append(number, start, dash, end, length, play, remove);
  return { root, number, start, end, length, play, remove };
}

function name(node, index, label) {
  node.dataset.index = index;
  node.setAttribute("aria-label", label);
  if (node.matches("button")) node.title = label;
}
