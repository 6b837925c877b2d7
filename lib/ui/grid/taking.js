// Taking rows: what the user sees is what Python says, and over it what is pressed and on its way.

const CONFIRM_MS = 15_000; // how long a press may stand before Python has it among what is taken

class Taking {
  // `paint(index)` is called for each row that may look different now.
  constructor(paint) {
    this.paint = paint;
    this.taken = new Map();
    this.presses = []; // what is still to be sent, one at a time: a second would overtake the first
  }

  // The column that a row is taken from; null for none.
  columnOf(index) {
    const pressed = this.presses.findLast(({ row }) => row === index);
    return pressed ? pressed.column : (this.taken.get(index) ?? null);
  }

  press(index, column, shown) {
    this.presses.push({ row: index, column: this.columnOf(index) === column ? null : column, shown });
    this.paint(index);
    this.sendFirst();
  }

  sendFirst() {
    if (this.isSending || !this.presses.length) return;
    this.isSending = true;
    this.send(this.presses[0]);
    this.waiting = setTimeout(() => this.endFirst(), CONFIRM_MS); // Python may have its reasons not to take it
  }

  endFirst() {
    clearTimeout(this.waiting);
    this.isSending = false;
    const [{ row }] = this.presses.splice(0, 1);
    this.paint(row);
    this.sendFirst();
  }

  // What Python says, as pairs of row and column, and how a press is sent to it.
  show(pairs, send) {
    this.send = send;
    const were = this.taken;
    this.taken = new Map(pairs);
    for (const index of new Set([...were.keys(), ...this.taken.keys()])) this.paint(index);
    const [press] = this.presses;
    if (this.isSending && (this.taken.get(press.row) ?? null) === press.column) this.endFirst();
  }
}
