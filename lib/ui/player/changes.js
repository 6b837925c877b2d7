// Changes: what the user does is shown at once and sent to Python, and kept in this tab until Python has kept it.

const RESEND_MS = 4000;
const SAVING_WORDS_MS = 600; // a change that is kept sooner needs no word
const SAVED_WORDS_MS = 2500;
const UNHEARD_MS = 7000;

class Changes {
  constructor() {
    this.reader = nameOfReader();
    this.number = 0;
    this.queue = []; // those that Python has not said it kept, the oldest first
    this.state = element("span", "saved", { role: "status" });
  }

  get isWaiting() {
    return this.queue.length > 0;
  }

  // `post` sends to Python. What an earlier window in this tab could not send is sent now, under its own name.
  open(run, post) {
    this.post = post;
    if (this.run === run) return;
    this.run = run;
    this.queue = readKept(this.place).filter(({ reader }) => reader !== this.reader);
    if (this.isWaiting) this.send();
  }

  get place() {
    return `cuewise.changes.${this.run}`;
  }

  add(change) {
    this.number += 1;
    this.queue.push({ reader: this.reader, number: this.number, ...change });
    this.store();
    clearTimeout(this.sending);
    this.sending = setTimeout(() => this.send(), 0); // what happens in one go is sent in one
  }

  // Whether something was drawn before Python last told what it has heard.
  isOlder(news) {
    return Boolean(news) && news.session === this.session && news.times < this.times;
  }

  // What Python has dealt with: up to which number of each reader. Gives the changes that this tells of.
  heard(news) {
    if (this.isOlder(news)) return [];
    this.session = news.session;
    this.times = news.times;
    const isHeard = ({ reader, number }) => number <= (news.heard[reader] ?? 0);
    const told = this.queue.filter(isHeard);
    if (!told.length) return told;
    this.queue = this.queue.filter((change) => !isHeard(change));
    this.store();
    if (!this.isWaiting) this.settle();
    return told;
  }

  send() {
    if (!this.isWaiting) return;
    this.post?.(this.queue);
    this.since ??= Date.now();
    clearTimeout(this.resending);
    this.resending = setTimeout(() => this.send(), RESEND_MS);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell(), SAVING_WORDS_MS);
  }

  settle() {
    const wasTold = this.state.textContent;
    this.since = undefined;
    clearTimeout(this.resending);
    clearTimeout(this.telling);
    this.state.textContent = "Saved";
    this.state.classList.remove("lost");
    this.telling = setTimeout(() => (this.state.textContent = ""), wasTold ? 2 * SAVED_WORDS_MS : SAVED_WORDS_MS);
  }

  tell() {
    const isUnheard = Date.now() - this.since > UNHEARD_MS;
    this.state.textContent = isUnheard ? "Not saved yet: the app does not answer" : "Saving…";
    this.state.classList.toggle("lost", isUnheard);
  }

  store() {
    try {
      if (this.isWaiting) sessionStorage.setItem(this.place, JSON.stringify(this.queue));
      else sessionStorage.removeItem(this.place);
    } catch {
      // A browser that keeps nothing: the changes are sent all the same.
    }
  }

  leave() {
    for (const timer of [this.sending, this.resending, this.telling]) clearTimeout(timer);
  }
}

function readKept(place) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(place) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

// A name of its own for each window, also for one that was made as a copy of another.
function nameOfReader() {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (number) => number.toString(36)).join("-");
}
