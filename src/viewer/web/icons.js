// Line drawings on a 24 x 24 grid.
const ICONS = {
  reset: "M4 4v6h6M4.5 10a8 8 0 1 1-.6 5",
  turn: "M3 12c0-2.2 4-4 9-4s9 1.800 9 4-4 4-9 4M12 16l3-3M12 16l3 3M12 4v2M12 18v2",
  film: "M4 6h11a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1zM16 11l5-3v8l-5-3",
  camera: "M4 8h3l1.500-2.500h7L17 8h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zM12 16.500a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400z",
  link: "M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1",
  theme: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  help: "M9 9a3 3 0 1 1 4.200 2.800c-.8.400-1.200 1-1.200 1.900M12 17h.01M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18z",
  cube: "M12 3l8 4.500v9L12 21l-8-4.500v-9zM12 12l8-4.500M12 12v9M12 12L4 7.500",
  more: "M4 12h2M11 12h2M18 12h2",
  organs: "M4 7h10M4 12h16M4 17h8M18 5v4M8 10v4M16 15v4",
  cut: "M4 4l12 12M20 4L8 16M6 21a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM18 21a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  close: "M6 6l12 12M18 6L6 18",
  shown: "M2 12s3.600-6.500 10-6.500S22 12 22 12s-3.600 6.500-10 6.500S2 12 2 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  hidden: "M4 4l16 16M9.500 6c.8-.3 1.600-.5 2.500-.5 6.400 0 10 6.500 10 6.500a17 17 0 0 1-3 3.700M6 7.500A16 16 0 0 0 2 12s3.600 6.500 10 6.500c1.500 0 2.900-.4 4-.9",
  opacity: "M12 3c4 4.500 6 7.600 6 10.500a6 6 0 0 1-12 0C6 10.600 8 7.500 12 3zM12 3v16.500",
  flip: "M7 4L3 8l4 4M3 8h12a4 4 0 0 1 0 8h-3",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
};

function icon(name) {
  return `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
}

function fillIcons(root) {
  for (const place of root.querySelectorAll("[data-icon]")) place.innerHTML = icon(place.dataset.icon);
}

const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "icon") node.innerHTML = icon(value);
    else if (name === "style") Object.assign(node.style, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}
