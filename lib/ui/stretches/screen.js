// The screen: the player above the timeline, or a sentence in its place. Without media there is still a position.

class Screen {
  constructor({ on, onTime }) {
    this.on = on;
    this.onTime = onTime;
    this.position = 0;
    this.root = element("div", "screen");
    this.notice = element("p", "notice");
  }

  show({ url, kind, notice, title }, duration) {
    this.duration = duration;
    if (url !== this.url || kind !== this.kind) {
      this.media?.remove();
      this.media = kind === "none" ? null : this.build(kind, url);
      this.url = url;
      this.kind = kind;
      this.tell(notice);
    }
    this.media?.setAttribute("aria-label", title);
  }

  build(kind, url) {
    const media = element(kind, "media", { controls: "", preload: "metadata", playsinline: "" });
    media.src = url;
    for (const type of ["timeupdate", "seeking", "seeked"]) this.on(media, type, () => this.tick());
    this.on(media, "play", () => this.run());
    this.on(media, "pause", () => {
      this.stopAt = null;
      this.tick();
    });
    this.on(media, "loadeddata", () => this.tell(""));
    this.on(media, "error", () => {
      this.tell("Your browser could not play this media; stretches can be chosen on the timeline all the same.");
    });
    this.root.append(media);
    return media;
  }

  tell(sentence) {
    this.notice.textContent = sentence;
    this.notice.hidden = !sentence;
  }

  get time() {
    return this.media ? Math.min(this.media.currentTime, this.duration) : this.position;
  }

  seek(seconds) {
    this.position = Math.max(0, Math.min(seconds, this.duration));
    this.stopAt = null;
    if (this.media) this.media.currentTime = this.position;
    this.onTime(this.position);
  }

  // From start to end, and no further.
  play(start, end) {
    if (!this.media) return;
    this.seek(start);
    this.stopAt = end;
    this.media.play().catch(() => {}); // a media error says so itself
  }

  toggle() {
    if (!this.media) return;
    if (this.media.paused) this.media.play().catch(() => {});
    else this.media.pause();
  }

  run() {
    cancelAnimationFrame(this.frame);
    const step = () => {
      this.tick();
      if (this.media && !this.media.paused && this.root.isConnected) this.frame = requestAnimationFrame(step);
    };
    step();
  }

  tick() {
    if (this.stopAt !== null && this.stopAt !== undefined && this.media.currentTime >= this.stopAt) this.media.pause();
    this.onTime(this.time);
  }

  leave() {
    cancelAnimationFrame(this.frame);
    this.media?.pause();
  }
}
