// YouTube's own player, in the place of a media element: it takes the same words and tells the same events.
// What is said to it and by it is its IFrame API (developers.google.com/youtube/iframe_api_reference), as messages.

const YOUTUBE = "https://www.youtube-nocookie.com";
const KNOCK_MS = 250; // it hears nobody before it has started: we knock until it answers
const PLAYING = 1;
const ENDED = 0;

class YouTubeMedia extends EventTarget {
  constructor(id, title) {
    super();
    this.time = 0;
    this.moved = 0; // when we heard of that time
    this.state = -1;
    this.rate = 1;
    this.duration = NaN;
    this.frame = element("iframe", "media", {
      title, allow: "autoplay; encrypted-media; fullscreen; picture-in-picture", allowfullscreen: "",
      referrerpolicy: "strict-origin-when-cross-origin", // without a referrer it refuses to play
      src: `${YOUTUBE}/embed/${encodeURIComponent(id)}?enablejsapi=1`,
    });
    this.onMessage = (event) => {
      if (event.origin === YOUTUBE && event.source === this.frame.contentWindow) this.hear(event.data);
    };
    window.addEventListener("message", this.onMessage);
    this.knocking = setInterval(() => this.send({ event: "listening" }), KNOCK_MS);
  }

  send(message) {
    this.frame.contentWindow?.postMessage(JSON.stringify({ ...message, id: 1, channel: "widget" }), YOUTUBE);
  }

  command(func, ...args) {
    this.send({ event: "command", func, args });
  }

  hear(data) {
    let message;
    try {
      message = typeof data === "string" ? JSON.parse(data) : data;
    } catch {
      return;
    }
    if (!message || typeof message !== "object") return;
    clearInterval(this.knocking);
    if (message.event === "onReady" && this.wanted !== undefined) this.command("seekTo", this.wanted, true);
    const info = message.info;
    if (!["initialDelivery", "infoDelivery"].includes(message.event) || !info || typeof info !== "object") return;
    if (Number.isFinite(info.duration) && info.duration > 0) this.duration = info.duration;
    if (Number.isFinite(info.playbackRate) && info.playbackRate !== this.rate) {
      this.rate = info.playbackRate;
      this.tell("ratechange");
    }
    if (Number.isFinite(info.currentTime)) {
      this.time = info.currentTime;
      this.moved = performance.now();
    }
    if (Number.isInteger(info.playerState) && info.playerState !== this.state) {
      this.state = info.playerState;
      this.tell(this.state === PLAYING ? "play" : "pause");
    }
    this.tell("timeupdate");
  }

  tell(type) {
    this.dispatchEvent(new Event(type));
  }

  // It tells the time a few times a second: between two, the clock runs on.
  get currentTime() {
    const since = this.state === PLAYING ? ((performance.now() - this.moved) / 1000) * this.rate : 0;
    return this.time + Math.min(1, since);
  }

  set currentTime(seconds) {
    this.wanted = this.time = seconds;
    this.moved = performance.now();
    this.command("seekTo", seconds, true);
    this.tell("seeking");
  }

  get paused() {
    return this.state !== PLAYING;
  }

  get ended() {
    return this.state === ENDED;
  }

  get playbackRate() {
    return this.rate;
  }

  set playbackRate(rate) {
    this.command("setPlaybackRate", rate);
  }

  play() {
    this.command("playVideo");
    return Promise.resolve();
  }

  pause() {
    this.command("pauseVideo");
  }

  setAttribute(name, value) {
    if (name === "aria-label") this.frame.title = value;
  }

  remove() {
    clearInterval(this.knocking);
    window.removeEventListener("message", this.onMessage);
    this.frame.remove();
  }
}
