// Small helpers.

const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function readable(name) {
  const text = name.replace(/[-_]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// "2.1 GB", "340 MB"
function sizeText(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

// Time left, as exact as it is known.
function leftText(seconds) {
  if (seconds === undefined || seconds < 0.5) return "";
  if (seconds < 50) return `${Math.ceil(seconds)} s left`;
  if (seconds < 3000) return `about ${Math.max(1, Math.round(seconds / 60))} min left`;
  return `about ${(seconds / 3600).toFixed(1)} h left`;
}

// share: 0 to 1, or undefined where nobody knows.
function setTrack(fill, share) {
  fill.parentElement.classList.toggle("unknown", share === undefined);
  fill.style.width = share === undefined ? "" : `${Math.round(1000 * share) / 10}%`;
  if (share === undefined) fill.parentElement.removeAttribute("aria-valuenow");
  else fill.parentElement.setAttribute("aria-valuenow", Math.round(100 * share));
}
