// The screen: media above the timeline, played from one time to another. Without media there is still a position.

class Screen extends Media {
  constructor({ onTime }) {
    super({
      onTick: () => this.tick(),
      onElement: (media) => media.addEventListener("pause", () => this.forgetEnd()),
      otherwise: "stretches can be chosen on the timeline all the same",
    });
    this.onTime = onTime;
    this.position = 0;
    this.stopAt = null;
  }

  show(data) {
    this.duration = data.duration;
    return super.show(data);
  }

  get time() {
    return this.element ? Math.min(this.element.currentTime, this.duration) : this.position;
  }

  seek(seconds) {
    this.position = Math.max(0, Math.min(seconds, this.duration));
    this.forgetEnd();
    if (this.element) this.element.currentTime = this.position;
    this.onTime(this.position);
  }

  // From start to end, and no further.
  play(start, end) {
    if (!this.element) return;
    this.seek(start);
    this.stopAt = end;
    this.element.play().catch(() => {}); // a media error says so itself
  }

  forgetEnd() {
    this.stopAt = null;
  }

  tick() {
    if (this.stopAt !== null && this.element.currentTime >= this.stopAt) this.element.pause();
    this.onTime(this.time);
  }
}
