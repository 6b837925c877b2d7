// A link that looks like the button beside it. The browser takes the file straight from our server, in ranges.

const SIGN = "M12 4v11m0 0 5-5m-5 5-5-5M5 20h14";
const SVG = "http://www.w3.org/2000/svg";

export default function ({ parentElement, data }) {
  const link = parentElement.querySelector("a") ?? build(parentElement);
  link.href = data.url;
  link.lastChild.textContent = data.label;
}

function build(parent) {
  const link = document.createElement("a");
  link.download = ""; // no window is opened, and the server's name for the file counts
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SIGN);
  picture.append(path);
  link.append(picture, document.createElement("span"));
  parent.append(link);
  return link;
}
