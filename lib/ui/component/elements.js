// What every component of ours builds from. A stranger's text enters the page through textContent and text nodes only.

// What is typed, found in any case and across any white space. One Latin letter is not worth a search.
function patternOf(query) {
  const words = query.trim();
  if (!words || /^[\x00-\x7f]$/.test(words)) return null;
  const escaped = words.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/\s+/g, "\\s+");
  return new RegExp(escaped, "giu");
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
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
  const button = element("button", `icon ${className}`, { type: "button", "aria-label": label, title: `${label} (${shortcut})` });
  button.append(icon(path));
  return button;
}

function shortcut(combination, meaning) {
  const pair = element("span");
  const key = element("kbd");
  key.textContent = combination;
  pair.append(key, ` ${meaning}`);
  return pair;
}
