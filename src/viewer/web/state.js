// What the page shows, and the same as text behind '#': what renderfm-render --state takes.

function freshState() {
  return { az: 0, el: 0, zoom: 1, pan: [0, 0, 0], planes: [], box: null, keep: new Set(), hidden: new Set(),
           opacity: new Map(), tf: 0, theme: "dark", ui: true };
}

const rounded = (value, digits) => Number(value.toFixed(digits)).toString();

function parseNumbers(text, count) {
  const numbers = text.split(",").map(Number);
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : null;
}

// Names in the address -> labels: an organ's name, a group, or "unlabelled".
function labelsNamed(page, text) {
  const labels = new Set();
  for (const word of text.split(",").filter(Boolean)) {
    for (const organ of page.organs) {
      if (organ.name === word || organ.groups.includes(word) || word === "all") labels.add(organ.label);
    }
  }
  return labels;
}

// Anything that is not understood is left as it was: an old address still shows something.
function stateFromHash(page, hash) {
  const state = freshState();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const equals = part.indexOf("=");
    if (equals < 0) continue;
    const key = part.slice(0, equals);
    let value;
    try {
      value = decodeURIComponent(part.slice(equals + 1));
    } catch {
      continue;
    }
    const number = Number(value);
    if (key === "az" && Number.isFinite(number)) state.az = number;
    if (key === "el" && Number.isFinite(number)) state.el = Math.max(-90, Math.min(90, number));
    if (key === "zoom" && number >= 0.05 && number <= 200) state.zoom = number;
    if (key === "pan") state.pan = parseNumbers(value, 3) || state.pan;
    if (key === "clip") {
      for (const plane of value.split(";")) {
        const numbers = parseNumbers(plane, 4);
        const length = numbers ? Math.hypot(...numbers.slice(0, 3)) : 0;
        if (length > 0 && state.planes.length < 6) {
          state.planes.push({ normal: scaled(numbers, 1 / length), offset: numbers[3] / length, on: true });
        }
      }
    }
    if (key === "box") {
      const box = parseNumbers(value, 6);
      if (box && box[0] < box[1] && box[2] < box[3] && box[4] < box[5]) state.box = box;
    }
    if (key === "keep") state.keep = labelsNamed(page, value);
    if (key === "hide") state.hidden = labelsNamed(page, value);
    if (key === "show") {
      const shown = labelsNamed(page, value);
      state.hidden = new Set(page.organs.map((organ) => organ.label).filter((label) => !shown.has(label)));
    }
    if (key === "op") {
      for (const entry of value.split(",")) {
        const [name, text] = entry.split(":");
        const opacity = Number(text);
        if (text !== undefined && opacity >= 0 && opacity <= 1) {
          for (const label of labelsNamed(page, name)) state.opacity.set(label, opacity);
        }
      }
    }
    if (key === "tf") state.tf = Math.max(0, page.sets.findIndex((set) => set.name === value));
    if (key === "theme" && (value === "light" || value === "dark")) state.theme = value;
    if (key === "ui") state.ui = value !== "0";
  }
  return state;
}

function hashFromState(page, state) {
  const names = (labels) => page.organs.filter((o) => labels.has(o.label)).map((o) => encodeURIComponent(o.name)).join(",");
  const parts = [`az=${rounded(state.az, 2)}`, `el=${rounded(state.el, 2)}`];
  if (Math.abs(state.zoom - 1) > 1e-4) parts.push(`zoom=${rounded(state.zoom, 4)}`);
  if (Math.hypot(...state.pan) > 1e-3) parts.push(`pan=${state.pan.map((v) => rounded(v, 2)).join(",")}`);
  const planes = state.planes.filter((plane) => plane.on);
  if (planes.length) {
    parts.push("clip=" + planes.map((p) => [...p.normal.map((v) => rounded(v, 5)), rounded(p.offset, 2)].join(",")).join(";"));
  }
  if (state.box) parts.push(`box=${state.box.map((v) => rounded(v, 1)).join(",")}`);
  if (state.keep.size) parts.push(`keep=${names(state.keep)}`);
  if (state.hidden.size) {
    const shown = new Set(page.organs.map((o) => o.label).filter((label) => !state.hidden.has(label)));
    parts.push(shown.size && shown.size < state.hidden.size ? `show=${names(shown)}` : `hide=${names(state.hidden)}`);
  }
  const faded = page.organs.filter((o) => (state.opacity.get(o.label) ?? 1) < 1);
  if (faded.length) parts.push("op=" + faded.map((o) => `${encodeURIComponent(o.name)}:${rounded(state.opacity.get(o.label), 2)}`).join(","));
  if (page.sets.length > 1) parts.push(`tf=${encodeURIComponent(page.sets[state.tf].name)}`);
  if (state.theme !== "dark") parts.push(`theme=${state.theme}`);
  if (!state.ui) parts.push("ui=0");
  return "#" + parts.join("&");
}

// Planes that cut now, the box among them: [[nx, ny, nz, d], ...], keeping n.x + d >= 0.
function cuttingPlanes(state) {
  const planes = state.planes.filter((plane) => plane.on).map((plane) => [...plane.normal, plane.offset]);
  if (state.box) {
    for (let axis = 0; axis < 3; ++axis) {
      const unit = [0, 0, 0];
      unit[axis] = 1;
      planes.push([...unit, -state.box[2 * axis]], [...unit.map((v) => -v), state.box[2 * axis + 1]]);
    }
  }
  return planes;
}
