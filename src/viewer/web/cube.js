// The orientation cube: six faces with the patient's directions, turned as the patient is.

const VIEWS = {
  A: { az: 0, el: 0, out: [0, -1, 0], up: [0, 0, 1], name: "front" },
  P: { az: 180, el: 0, out: [0, 1, 0], up: [0, 0, 1], name: "back" },
  L: { az: 90, el: 0, out: [1, 0, 0], up: [0, 0, 1], name: "patient's left" },
  R: { az: 270, el: 0, out: [-1, 0, 0], up: [0, 0, 1], name: "patient's right" },
  S: { az: 0, el: 90, out: [0, 0, 1], up: [0, 1, 0], name: "head" },
  I: { az: 0, el: -90, out: [0, 0, -1], up: [0, -1, 0], name: "feet" },
};
const CUBE_HALF_PX = 24;

class Cube {
  constructor(root, onChoose) {
    this.faces = Object.entries(VIEWS).map(([letter, view]) => {
      const face = element("button", { "aria-label": `Look from the ${view.name}`, tabindex: "-1",
                                       title: `From the ${view.name}`, onclick: () => onChoose(letter) }, letter);
      root.append(face);
      return { face, view };
    });
  }

  update(camera) {
    const { right, down, forward } = camera;
    const seen = (v) => [dot(right, v), dot(down, v), -dot(forward, v)];
    for (const { face, view } of this.faces) {
      const x = seen(cross(view.up, view.out)), y = seen(scaled(view.up, -1)), z = seen(view.out);
      const t = scaled(z, CUBE_HALF_PX);
      const numbers = [...x, 0, ...y, 0, ...z, 0, ...t, 1].map((v) => v.toFixed(5));
      face.style.transform = `matrix3d(${numbers.join(",")})`;
      face.style.zIndex = z[2] > 0 ? "1" : "0";
      face.classList.toggle("away", z[2] <= 0.02);
    }
  }
}
