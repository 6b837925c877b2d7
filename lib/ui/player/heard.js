// Tells the reader what Python has kept, without its lines: these need not come back for every letter that is typed.

export default function ({ data }) {
  document.dispatchEvent(new CustomEvent("cuewise-heard", { detail: data }));
}
