// What a change makes of lines, until Python has said the same (lib/domain/edits.py): pure, on arrays.

const LEAST_SECONDS = 0.1; // no line is made shorter than this by hand
const NEW_SECONDS = 2; // how long a line that is put in lasts, where there is room

function oneLine(text) {
  return text.split(/\s+/u).filter(Boolean).join(" ");
}

function written([start, end, text, speaker, source, isEdited], words) {
  return [start, end, words, speaker, source, isEdited || words !== text];
}

function parted([start, end, text, speaker, source, isEdited], position) {
  const left = text.slice(0, position).trimEnd();
  const right = text.slice(position).trimStart();
  const moment = toMs(start + ((end - start) * left.length) / Math.max(1, left.length + right.length));
  return [
    [start, moment, left, speaker, source, isEdited],
    [moment, end, right, speaker, "part", isEdited],
  ];
}

function runOn(one, other) {
  const hasNoSpaces = (letter) => /[\u2e80-\u9fff\uf900-\ufaff]/u.test(letter ?? "");
  if (!one || !other) return one || other;
  return one + (hasNoSpaces(one.at(-1)) && hasNoSpaces(other[0]) ? "" : " ") + other;
}

function merged(cues) {
  return cues.reduce((one, other) => [
    one[0], Math.max(one[1], other[1]), runOn(one[2], other[2]), one[3] || other[3], one[4], one[5] || other[5],
  ]);
}

// A new line between two others, either of which may be missing; the one before makes room where there is no pause.
function putBetween(before, after, [first, last]) {
  const low = before ? before[1] : first;
  const high = Math.max(low, after ? after[0] : last);
  if (high - low >= LEAST_SECONDS || !before) {
    return { before, fresh: [low, toMs(Math.min(high, low + NEW_SECONDS)), "", "", "edited", true] };
  }
  const start = toMs(Math.max((before[0] + before[1]) / 2, before[1] - NEW_SECONDS));
  const [begin, , text, speaker, , isEdited] = before;
  return {
    before: [begin, start, text, speaker, "edited", isEdited],
    fresh: [start, Math.max(start, high), "", "", "edited", true],
  };
}

// Between which seconds a line may be moved: up to its neighbours; where they overlap already, it may stay.
function roomOf(cue, before, after, [first, last]) {
  const low = Math.max(first, before ? before[1] : first);
  const high = Math.min(last, after ? after[0] : last);
  return [Math.min(low, cue[0]), Math.max(high, cue[1])];
}

function fitted(cue, [low, high], wantedStart, wantedEnd) {
  let start = toMs(Math.min(Math.max(wantedStart, low), high));
  let end = toMs(Math.min(Math.max(wantedEnd, low), high));
  const least = Math.min(LEAST_SECONDS, cue[1] - cue[0]);
  if (end - start < least && start !== cue[0]) start = Math.max(low, toMs(end - least));
  if (end - start < least) end = Math.min(high, toMs(start + least));
  return [start, end];
}

function toMs(seconds) {
  return Math.round(seconds * 1000) / 1000;
}

// ---- times as they are typed ---------------------------------------------------------------------------------

// 1:02.35, 1:00:07.1: as exact as the time is, to the millisecond.
function exactClock(seconds) {
  const ms = Math.round(seconds * 1000);
  const fraction = String(ms % 1000).padStart(3, "0").replace(/0{1,2}$/, "");
  return `${clock(Math.floor(ms / 1000))}.${fraction}`;
}
