// The viewer's own page in a frame. A new one is opened behind the one that is seen, from the same point of view,
// and takes its place once it has drawn its picture.

// "az=1&pan=0,0,0" of one view sphere -> of another one: the same point of the patient at the same size.
function movedHash(hash, from, to) {
  if (!from || !to || from.length !== 4 || to.length !== 4) return hash;
  const shift = [0, 1, 2].map((k) => from[k] - to[k]);
  const ratio = to[3] / from[3];
  if (Math.hypot(...shift) < 1e-3 && Math.abs(ratio - 1) < 1e-6) return hash;
  const parts = new Map(hash.replace(/^#/, "").split("&").filter(Boolean).map((part) => {
    const at = part.indexOf("=");
    return [part.slice(0, at), part.slice(at + 1)];
  }));
  const numbers = (text) => text.split(",").map(Number);
  const pan = numbers(parts.get("pan") || "0,0,0").map((v, k) => v + shift[k]);
  parts.set("pan", pan.map((v) => v.toFixed(2)).join(","));
  parts.set("zoom", (Number(parts.get("zoom") || 1) * ratio).toFixed(4));
  if (parts.has("clip")) {
    parts.set("clip", parts.get("clip").split(";").map((plane) => {
      const [a, b, c, d] = numbers(plane);
      return [a, b, c, (d - (a * shift[0] + b * shift[1] + c * shift[2])).toFixed(2)].join(",");
    }).join(";"));
  }
  if (parts.has("box")) parts.set("box", numbers(parts.get("box")).map((v, k) => (v + shift[k >> 1]).toFixed(1)).join(","));
  return "#" + [...parts].map(([key, value]) => `${key}=${value}`).join("&");
}

class ViewerFrame {
  constructor(place, onTheme) {
    this.place = place;
    this.onTheme = onTheme;
    this.frame = null;
    this.coming = null;
    this.url = "";
    this.sphere = null;
  }

  // What the viewer shows now, as the text behind '#'.
  hash() {
    const viewer = this.frame && this.frame.contentWindow.renderfm;
    return viewer ? viewer.hash() : `#theme=${document.documentElement.dataset.theme}`;
  }

  show(url, sphere) {
    if (url === this.url) return;
    this.url = url;
    if (this.coming) this.coming.remove();
    const hash = movedHash(this.hash(), this.sphere, sphere);
    const frame = element("iframe", { src: url + hash, class: "coming", title: "Picture of the scan", allow: "clipboard-write; fullscreen" });
    this.coming = frame;
    this.place.append(frame);
    frame.addEventListener("load", async () => {
      const viewer = frame.contentWindow.renderfm;
      if (viewer) await Promise.race([viewer.settled(), new Promise((resolve) => setTimeout(resolve, 20000))]);
      if (this.coming !== frame) return;
      const brand = frame.contentDocument.querySelector(".brand b");
      if (brand) brand.hidden = true;  // it stands in the bar above
      // What was turned meanwhile stays turned.
      if (viewer && this.frame) viewer.show(movedHash(this.hash(), this.sphere, sphere));
      frame.classList.remove("coming");
      if (this.frame) this.frame.remove();
      this.frame = frame;
      this.coming = null;
      this.sphere = sphere && sphere.length === 4 ? sphere : this.sphere;
      const root = frame.contentDocument.documentElement;
      new MutationObserver(() => this.onTheme(root.dataset.theme)).observe(root, { attributeFilter: ["data-theme"] });
    });
  }

  setTheme(theme) {
    const viewer = this.frame && this.frame.contentWindow.renderfm;
    if (!viewer) return;
    const others = viewer.hash().replace(/^#/, "").split("&").filter((part) => part && !part.startsWith("theme="));
    if (this.frame.contentDocument.documentElement.dataset.theme !== theme) viewer.show("#" + [...others, `theme=${theme}`].join("&"));
  }

  clear() {
    for (const frame of [this.frame, this.coming]) if (frame) frame.remove();
    this.frame = this.coming = this.sphere = null;
    this.url = "";
  }
}
