// Cells: what one model says in one row, in runs of text with one mark each. As Python packs it, a cell is a text that is
// the same as the others', or texts and marks in turn.

const [SAME, DIFFERS, EXTRA, MISSING] = [0, 1, 2, 3]; // as Python numbers the marks
const MARK_CLASSES = ["", "differs", "extra", "missing"];
const MARK_ASIDES = ["", "differs: ", "only here: ", "left out: "]; // for ears: colour and line are for eyes alone

function buildCell(column) {
  const cell = element("div", "cell", { role: "cell", "aria-colindex": column + 2 });
  const who = element("span", "who", { dir: "auto" });
  const all = element("span", "all");
  const said = element("div", "said", { dir: "auto" });
  const take = element("button", "take", { type: "button", tabindex: "-1" });
  take.dataset.column = column;
  cell.append(take, who, all, said); // the text flows around the button
  return { cell, who, all, said, take };
}

// Runs of text with one mark each. A space belongs to neither of two marks that it parts.
function runsOf(cell) {
  const pieces = typeof cell === "string" ? [cell, SAME] : cell;
  const runs = [];
  const add = (text, mark) => {
    if (runs.at(-1)?.mark === mark) runs.at(-1).text += text;
    else runs.push({ text, mark });
  };
  for (let at = 0; at < pieces.length; at += 2) {
    const [text, mark] = [pieces[at], pieces[at + 1]];
    if (!text) continue;
    const last = runs.at(-1);
    if (last && needsSpace(last.text, text)) add(" ", last.mark === mark ? mark : SAME);
    add(text, mark);
  }
  return runs;
}

// Between words of scripts that part them, and not in front of what closes a phrase.
const UNPARTED = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}";
const ENDS_UNPARTED = new RegExp(`[${UNPARTED}、。，！？]$`, "u");
const BEGINS_UNPARTED = new RegExp(`^[${UNPARTED}]`, "u");

function needsSpace(before, after) {
  if (/\s$/.test(before) || /^[\s,.;:!?%)\]}»”’…、。，！？]/.test(after)) return false;
  return !(ENDS_UNPARTED.test(before) && BEGINS_UNPARTED.test(after));
}

function saidIn(runs) {
  return runs.map(({ text, mark }) => (mark === MISSING ? "" : text)).join("");
}

// What is found may run through several marks: each piece of it is a mark element of its own, with its number.
function drawRuns(runs, places, here) {
  let at = 0;
  return runs.map(({ text, mark }) => {
    const from = at;
    if (mark !== MISSING) at += text.length;
    const pieces = mark === MISSING ? [text] : lit(text, from, places, here);
    if (mark === SAME) return pieces;
    const marked = element("span", MARK_CLASSES[mark]);
    marked.append(aside(MARK_ASIDES[mark]), ...pieces);
    return [marked];
  }).flat();
}

function lit(text, from, places, here) {
  const pieces = [];
  let done = 0;
  places.forEach(([start, length], nth) => {
    const begin = Math.max(done, start - from);
    const end = Math.min(text.length, start + length - from);
    if (begin >= end) return;
    const mark = element("mark", nth === here ? "here" : "");
    mark.dataset.nth = nth;
    mark.textContent = text.slice(begin, end);
    pieces.push(text.slice(done, begin), mark);
    done = end;
  });
  pieces.push(text.slice(done));
  return pieces.filter((piece) => piece !== "");
}

function lettersIn(cell) {
  return typeof cell === "string" ? cell.length : cell.reduce((sum, piece) => sum + (piece.length ?? 0) + 0.5, 0);
}

// ---- words for ears and for eyes ----------------------------------------------------------------------------

function aside(words) {
  const hidden = element("span", "aside");
  hidden.textContent = words;
  return hidden;
}

function silent(words) {
  const shown = element("span", "silent", { "aria-hidden": "true" });
  shown.textContent = words;
  return shown;
}

function meaning(mark, example, words) {
  const shown = element("span", "meaning");
  const sample = element("span", MARK_CLASSES[mark], { "aria-hidden": "true" });
  sample.textContent = example;
  shown.append(sample, ` ${words}`);
  return shown;
}
