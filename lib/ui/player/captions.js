// Captions: the line that is said now, over the lower third of the picture. On or off is remembered in this browser.

const CAPTIONS_PLACE = "cuewise.captions";

class Captions {
  constructor(reader) {
    this.root = element("div", "caption", { "aria-hidden": "true" }); // the lines say the same beside it
    this.said = element("span", "", { dir: "auto" });
    this.root.append(this.said);
    this.button = element("button", "small cc", { type: "button", title: "Captions (C)", "aria-keyshortcuts": "c" });
    this.button.textContent = "CC";
    this.button.setAttribute("aria-label", "CC: captions over the picture");
    this.isOn = isRemembered(CAPTIONS_PLACE);
    reader.on(this.button, "click", () => this.toggle());
    this.show();
  }

  toggle() {
    this.isOn = !this.isOn;
    remember(CAPTIONS_PLACE, this.isOn);
    this.show();
  }

  // The cue at this moment; null where nobody says anything.
  say(cue, time) {
    const isSaid = cue && time !== null && cue[0] !== null && (cue[1] === null || time < cue[1] + 0.15);
    const text = isSaid ? cue[2] : "";
    if (text === this.text) return;
    this.text = text;
    this.said.textContent = text;
    this.show();
  }

  show() {
    this.button.setAttribute("aria-pressed", String(this.isOn));
    this.root.hidden = !this.isOn || !this.text;
  }
}

function isRemembered(place) {
  try {
    return localStorage.getItem(place) === "1";
  } catch {
    return false;
  }
}

function remember(place, isOn) {
  try {
    localStorage.setItem(place, isOn ? "1" : "0");
  } catch {
    // A browser that keeps nothing forgets it.
  }
}
