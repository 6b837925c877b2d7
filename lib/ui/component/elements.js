// What every component of ours builds from. A stranger's text enters the page through textContent and text nodes only.

// What is typed, found across any white space, in any case unless that is to match. One Latin letter is not worth it.
function patternOf(query, matchesCase = false) {
  const words = query.trim();
  if (!words || /^[\x00-\x7f]$/.test(words)) return null;
  const escaped = words.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/\s+/g, "\\s+");
  return new RegExp(escaped, matchesCase ? "gu" : "giu");
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// Seconds from 90, 1:30 or 0:01:30.5; null for anything else.
function readTime(text) {
  const found = /^\s*(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6}(?:[.,]\d+)?)\s*$/.exec(text);
  if (!found) return null;
  const [, hours = "0", minutes, rest] = found;
  const seconds = Number(rest.replace(",", "."));
  if ((minutes !== undefined && seconds >= 60) || (found[1] !== undefined && Number(minutes) >= 60)) return null;
  return Number(hours) * 3600 + Number(minutes ?? 0) * 60 + seconds;
}

function element(tag, className = "", attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}

function iconButton(className, label, shortcut, path) {
  const title = shortcut ? `${label} (${shortcut})` : label;
  const button = element("button", `icon ${className}`, { type: "button", "aria-label": label, title });
  button.append(icon(path));
  return button;
}

// `path` draws an icon before the words.
function textButton(words, onClick, { isPrimary = false, path = "" } = {}) {
  const button = element("button", isPrimary ? "small primary" : "small", { type: "button" });
  if (path) button.append(icon(path));
  button.append(words);
  button.addEventListener("click", onClick);
  return button;
}

function shortcut(combination, meaning) {
  const pair = element("span");
  const key = element("kbd");
  key.textContent = combination;
  pair.append(key, ` ${meaning}`);
  return pair;
}
