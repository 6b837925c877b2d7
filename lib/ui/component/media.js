// Media: what plays, on a screen of its own, or a sentence in its place.

class Media {
  // `onTick` is called when its time may be another, `onElement(element)` with every element that is to play.
  // `otherwise` ends the sentence on media that cannot be played: what can be done all the same.
  constructor({ onTick, onElement, otherwise }) {
    this.onTick = onTick;
    this.onElement = onElement;
    this.otherwise = otherwise;
    this.element = null;
    this.root = element("div", "screen");
    this.notice = element("p", "notice", { role: "status" });
    this.notice.hidden = true;
  }

  // Takes up what Python sends; true where it is other media than before.
  show({ url, kind, title, notice }) {
    const isOther = url !== this.url || kind !== this.kind;
    this.url = url;
    this.kind = kind;
    if (isOther) {
      this.element?.remove();
      this.element = null;
      if (kind !== "none") this.build();
    }
    if (isOther || kind === "none") this.tell(notice);
    this.element?.setAttribute("aria-label", title);
    return isOther;
  }

  build() {
    const media = element(this.kind, "media", { controls: "", preload: "metadata", playsinline: "" });
    media.src = this.url;
    media.addEventListener("loadeddata", () => this.tell(""));
    media.addEventListener("error", () => {
      const broke = media.error?.code === MediaError.MEDIA_ERR_NETWORK;
      const what = broke
        ? "The connection to the media broke. Reload the page to play on"
        : "Your browser could not play this media";
      this.tell(`${what}; ${this.otherwise}.`);
    });
    this.put(media);
  }

  // Puts an element that plays on the screen: one that is made here, or what takes the same words, in a frame.
  put(media, frame = media) {
    this.element = media;
    this.onElement(media);
    media.addEventListener("play", () => this.run());
    for (const type of ["seeking", "seeked", "timeupdate", "pause"]) media.addEventListener(type, () => this.onTick());
    this.root.append(frame);
  }

  tell(sentence) {
    this.notice.textContent = sentence;
    this.notice.hidden = !sentence;
  }

  get isPlaying() {
    return Boolean(this.element && !this.element.paused && !this.element.ended);
  }

  // Its own events come a few times a second: while it plays, its time is looked at with every frame.
  run() {
    cancelAnimationFrame(this.frame);
    const step = () => {
      this.onTick();
      if (this.isPlaying && this.root.isConnected) this.frame = requestAnimationFrame(step);
    };
    step();
  }

  toggle() {
    if (!this.element) return;
    if (this.element.paused) this.element.play().catch(() => {}); // a media error says so itself
    else this.element.pause();
  }

  leave() {
    cancelAnimationFrame(this.frame);
    this.element?.pause();
  }
}
