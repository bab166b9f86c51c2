// Planes at any angle and a box. A plane is set by where it looks (turn, tilt) and how deep it lies.

const MAX_FREE_PLANES = 6;

// The direction from the plane to the side that goes, as turn and tilt: those of a camera that looks at the cut.
function planeAngles(normal) {
  const out = scaled(normal, -1);
  return { turn: Math.atan2(out[0], -out[1]) / RADIANS, tilt: Math.asin(Math.max(-1, Math.min(1, out[2]))) / RADIANS };
}
function planeNormal(turn, tilt) {
  const az = turn * RADIANS, el = tilt * RADIANS;
  return [-Math.sin(az) * Math.cos(el), Math.cos(az) * Math.cos(el), -Math.sin(el)];
}
const PLANE_KINDS = { sagittal: [1, 0, 0], coronal: [0, 1, 0], axial: [0, 0, -1] };

class CutPanel {
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
    for (const button of document.querySelectorAll("[data-plane]")) button.onclick = () => this.add(button.dataset.plane);
    byId("box-on").onchange = () => {
      const r = Math.round(this.stage.radius * 0.6);
      this.stage.state.box = byId("box-on").checked ? [-r, r, -r, r, -r, r] : null;
      this.refresh();
    };
  }

  add(kind) {
    const { state } = this.stage;
    if (state.planes.length >= MAX_FREE_PLANES) return toast(`At most ${MAX_FREE_PLANES} planes.`);
    const normal = kind === "facing" ? this.stage.camera(1).forward : PLANE_KINDS[kind];
    state.planes.push({ normal: [...normal], offset: 0, on: true });
    this.refresh();
  }

  refresh() {
    this.update();
    this.changed();
  }

  slider(text, unit, low, high, value, apply) {
    const output = element("output", {}, `${Math.round(value)} ${unit}`);
    const input = element("input", { type: "range", min: low, max: high, step: "0.5", value, "aria-label": text,
      oninput: () => {
        apply(Number(input.value));
        output.textContent = `${Math.round(Number(input.value))} ${unit}`;
        this.changed();
      } });
    input.value = String(value);
    return element("label", { class: "slider" }, element("span", {}, text), input, output);
  }

  update() {
    const { state } = this.stage;
    const radius = Math.ceil(this.stage.radius);
    byId("plane-list").replaceChildren(...state.planes.map((plane, index) => {
      const name = `Plane ${index + 1}`;
      const angles = planeAngles(plane.normal);
      const turned = () => { plane.normal = planeNormal(angles.turn, angles.tilt); };
      const on = element("input", { type: "checkbox", "aria-label": `${name} cuts`, onchange: () => { plane.on = on.checked; this.changed(); } });
      on.checked = plane.on;
      const flip = element("button", { icon: "flip", title: "Keep the other side", "aria-label": `${name}: keep the other side`,
        onclick: () => { plane.normal = scaled(plane.normal, -1); plane.offset = -plane.offset; this.refresh(); } });
      const bin = element("button", { icon: "bin", title: "Remove", "aria-label": `Remove ${name}`,
        onclick: () => { state.planes.splice(index, 1); this.refresh(); } });
      return element("div", { class: "plane" },
        element("div", { class: "head" }, on, element("span", {}, name), element("span", { class: "acts" }, flip, bin)),
        this.slider("Depth", "mm", -radius, radius, -plane.offset, (v) => { plane.offset = -v; }),
        this.slider("Turn", "°", -180, 180, angles.turn, (v) => { angles.turn = v; turned(); }),
        this.slider("Tilt", "°", -90, 90, angles.tilt, (v) => { angles.tilt = v; turned(); }));
    }));
    byId("box-on").checked = Boolean(state.box);
    const sliders = byId("box-sliders");
    sliders.hidden = !state.box;
    sliders.replaceChildren();
    if (!state.box) return;
    ["Right", "Left", "Front", "Back", "Feet", "Head"].forEach((side, k) => {
      sliders.append(this.slider(side, "mm", -radius, radius, state.box[k], (v) => {
        // The sides never cross.
        const other = state.box[k ^ 1];
        state.box[k] = k % 2 === 0 ? Math.min(v, other - 1) : Math.max(v, other + 1);
      }));
    });
  }
}
