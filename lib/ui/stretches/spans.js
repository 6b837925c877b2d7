// Spans: the stretches as a list of [start, end] in seconds, in order and apart, and their times in words. Pure.

const APART = 0.1; // seconds that two stretches keep between them
const SHORTEST = 0.5;

function tenth(seconds) {
  return Math.round(seconds * 10) / 10;
}

// 1:20, and 1:20.5 where it is not a whole second.
function precise(seconds) {
  const tenths = Math.round(seconds * 10);
  return clock(Math.floor(tenths / 10)) + (tenths % 10 ? `.${tenths % 10}` : "");
}

function lengthWords(seconds) {
  if (seconds < 10) return `${tenth(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const rest = whole % 60 ? ` ${String(whole % 60).padStart(2, "0")} s` : "";
  if (whole < 3600) return `${Math.floor(whole / 60)} min${rest}`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function totalWords(spans, duration) {
  const count = spans.length === 1 ? "1 stretch" : `${spans.length} stretches`;
  const total = spans.reduce((sum, [start, end]) => sum + end - start, 0);
  return `${count}, ${lengthWords(total)} of ${lengthWords(duration)}`;
}

function indexAt(spans, time) {
  return spans.findIndex(([start, end]) => start <= time && time <= end);
}

// Between which times the stretch at an index may lie, its neighbours left where they are.
function roomOf(spans, index, duration) {
  const low = index > 0 ? spans[index - 1][1] + APART : 0;
  const high = index + 1 < spans.length ? spans[index + 1][0] - APART : duration;
  return [low, high];
}

function withEdge(spans, index, edge, time, duration) {
  const [low, high] = roomOf(spans, index, duration);
  const [start, end] = spans[index];
  const moved = edge === "start"
    ? [Math.min(Math.max(tenth(time), low), end - SHORTEST), end]
    : [start, Math.max(Math.min(tenth(time), high), start + SHORTEST)];
  return spans.with(index, moved);
}

function moved(spans, index, start, duration) {
  const [low, high] = roomOf(spans, index, duration);
  const length = spans[index][1] - spans[index][0];
  const begin = Math.max(low, Math.min(tenth(start), high - length));
  return spans.with(index, [begin, begin + length]);
}

// A new stretch; what it touches or overlaps becomes one with it. Gives the list and where the stretch is in it.
function withNew(spans, start, end, duration) {
  let span = [Math.max(0, tenth(start)), Math.min(duration, tenth(end))];
  if (span[1] - span[0] < SHORTEST) span = [Math.max(0, span[1] - SHORTEST), Math.max(span[1], SHORTEST)];
  const apart = spans.filter((other) => other[1] + APART <= span[0] || span[1] + APART <= other[0]);
  const touched = spans.filter((other) => !apart.includes(other));
  const whole = [
    Math.min(span[0], ...touched.map((other) => other[0])),
    Math.max(span[1], ...touched.map((other) => other[1])),
  ];
  const list = [...apart, whole].sort((one, other) => one[0] - other[0]);
  return { spans: list, index: list.indexOf(whole) };
}
