// A link that looks like the button beside it. The browser takes the file straight from our server, in ranges.

const DOWNLOAD = "M12 4v11m0 0 5-5m-5 5-5-5M5 20h14";

export default function ({ parentElement, data }) {
  const link = parentElement.querySelector("a") ?? build(parentElement);
  link.href = data.url;
  link.lastChild.textContent = data.label;
}

function build(parent) {
  // With "download" no window is opened; the server's own name for the file counts.
  const link = element("a", "file", { download: "" });
  link.append(icon(DOWNLOAD), element("span"));
  parent.append(link);
  return link;
}
