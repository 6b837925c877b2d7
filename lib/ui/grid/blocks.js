// Blocks: only what is near the eye is drawn. The rows that are shown stand in blocks, and a block gets its rows when it
// comes close.

const BLOCK_ROWS = 10; // drawn at once: more would be seen as a hitch in scrolling
const LETTER_WIDTH = 7.2; // of an average letter, in pixels: for the height of rows that are not drawn yet
const LINE_HEIGHT = 23;
const ROW_PADDING = 14;
const CELL_PADDING = 30;
const NARROWEST = 192; // as in the styles
const FALLBACK_WIDTH = 1000;

class Blocks {
  constructor(grid) {
    this.grid = grid;
    this.shown = []; // indices of the rows that are not left out
    this.all = []; // [{box, rows, isDrawn}], in the order of what is shown
    this.near = new IntersectionObserver((seen) => this.drawSeen(seen), { root: grid.scroller, rootMargin: "120% 0px" });
  }

  leave() {
    this.near.disconnect();
  }

  // Puts the rows that are shown into blocks; a block that holds the same rows as before stays as it is.
  arrange(shown) {
    this.shown = shown;
    const count = Math.ceil(shown.length / BLOCK_ROWS);
    for (const block of this.all.splice(count)) {
      this.near.unobserve(block.box);
      block.box.remove();
    }
    while (this.all.length < count) {
      const block = { box: element("div", "block", { role: "rowgroup" }), rows: [], isDrawn: false };
      this.all.push(block);
      this.grid.list.append(block.box);
      this.near.observe(block.box);
    }
    const heightOf = this.heights();
    this.all.forEach((block, at) => {
      const rows = shown.slice(at * BLOCK_ROWS, (at + 1) * BLOCK_ROWS);
      if (rows.length === block.rows.length && rows.every((index, place) => index === block.rows[place])) return;
      block.rows = rows;
      const height = rows.reduce((sum, index) => sum + heightOf(this.grid.rows[index]), 0);
      block.box.style.setProperty("--height", `${Math.round(height)}px`);
      if (block.isDrawn) this.fill(block);
    });
  }

  // How high a row will be, guessed from how much is said in it.
  heights() {
    const { isStacked, scroller, columns } = this.grid;
    const width = scroller.clientWidth || FALLBACK_WIDTH;
    const cellWidth = isStacked ? width : Math.max(NARROWEST, width / (columns.length + 0.4));
    const linesOf = (cell) => Math.ceil((lettersIn(cell) * LETTER_WIDTH) / (cellWidth - CELL_PADDING));
    return ({ cells, isDifferent }) => {
      const lines = cells.map((cell) => Math.max(1, linesOf(cell)));
      const seen = isStacked && isDifferent ? lines.reduce((sum, each) => sum + each + 1, 1) : Math.max(...lines) + (isStacked ? 2 : 0);
      return ROW_PADDING + LINE_HEIGHT * seen;
    };
  }

  drawSeen(seen) {
    for (const { target, isIntersecting } of seen) {
      const block = isIntersecting && this.all.find(({ box }) => box === target);
      if (block) this.draw(block);
    }
  }

  draw(block) {
    if (!block || block.isDrawn) return;
    block.isDrawn = true;
    block.box.classList.add("drawn");
    this.near.unobserve(block.box);
    this.fill(block);
  }

  // Rows that stand where they stood are not moved: to move one is to lose its focus and what is selected in it.
  fill(block) {
    const items = block.rows.map((index) => this.grid.rows[index].item ?? this.grid.buildRow(index));
    for (const child of [...block.box.children]) if (!items.some(({ line }) => line === child)) child.remove();
    items.forEach(({ line }, at) => {
      if (block.box.children[at] !== line) block.box.insertBefore(line, block.box.children[at] ?? null);
    });
  }

  // Draws the block that holds a place among what is shown, and as many on either side.
  drawAround(place, sides = 0) {
    const at = Math.floor(place / BLOCK_ROWS);
    for (let near = at - sides; near <= at + sides; near += 1) this.draw(this.all[near]);
  }

  // Where a row stands among those shown; one that is left out stands with the last shown before it.
  placeOf(index) {
    let low = 0;
    let high = this.shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shown[middle] <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  firstInView() {
    const top = this.grid.scroller.getBoundingClientRect().top + this.grid.coveredHeight();
    const isBelow = (node) => node.getBoundingClientRect().bottom > top + 1;
    const block = this.all.find(({ box }) => isBelow(box));
    if (!block) return 0;
    this.draw(block);
    return block.rows.find((index) => isBelow(this.grid.itemOf(index))) ?? block.rows[0];
  }
}
