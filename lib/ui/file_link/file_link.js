// A link that looks like the button beside it. The browser takes a file straight from our server, in ranges.

const DOWNLOAD = "M12 4v11m0 0 5-5m-5 5-5-5M5 20h14";
const ENTER = "M4 12h11m0 0-5-5m5 5-5 5M14 4h6v16h-6";

export default function ({ parentElement, data }) {
  const link = parentElement.querySelector("a") ?? build(parentElement, data.is_file);
  link.href = data.url;
  link.lastChild.textContent = data.label;
}

function build(parent, isFile) {
  // With "download" no window is opened; the server's own name for the file counts.
  const link = element("a", "file", isFile ? { download: "" } : { target: "_self" });
  link.append(icon(isFile ? DOWNLOAD : ENTER), element("span"));
  parent.append(link);
  return link;
}
