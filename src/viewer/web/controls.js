// Pointer, touch, wheel and keys: they change the state's camera and nothing else.

const TURN_DEG_PER_PX = 0.35, KEY_TURN_DEG = 6, ZOOM_STEP = 1.12, LEAST_ZOOM = 0.2, GREATEST_ZOOM = 60;

class Controls {
  constructor(stage, canvas, onChange, onStart) {
    this.stage = stage;
    this.canvas = canvas;
    this.changed = onChange;
    this.onStart = onStart;
    this.pointers = new Map();
    canvas.addEventListener("pointerdown", (e) => this.down(e));
    canvas.addEventListener("pointermove", (e) => this.move(e));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(name, (e) => this.up(e));
    canvas.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    canvas.addEventListener("contextmenu", (e) => e.preventDefault());
    canvas.addEventListener("dblclick", () => this.zoomBy(1.6));
  }

  turnBy(azimuth, elevation) {
    const { state } = this.stage;
    state.az = (((state.az + azimuth) % 360) + 360) % 360;
    state.el = Math.max(-90, Math.min(90, state.el + elevation));
    this.changed();
  }
  panBy(xPx, yPx) {
    const { state, canvas } = this.stage;
    const camera = this.stage.camera(1);
    const mm = camera.mmPerPixel * canvas.width / canvas.clientWidth;
    const moved = added(scaled(camera.right, -xPx * mm), scaled(camera.down, -yPx * mm));
    const limit = 2 * this.stage.radius;
    state.pan = added(state.pan, moved).map((v) => Math.max(-limit, Math.min(limit, v)));
    this.changed();
  }
  zoomBy(factor) {
    const { state } = this.stage;
    state.zoom = Math.max(LEAST_ZOOM, Math.min(GREATEST_ZOOM, state.zoom * factor));
    this.changed();
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, pan: event.button !== 0 || event.shiftKey });
    this.canvas.classList.add("dragging");
    this.onStart();
  }
  up(event) {
    this.pointers.delete(event.pointerId);
    if (this.pointers.size === 0) this.canvas.classList.remove("dragging");
  }
  move(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return;
    const dx = event.clientX - pointer.x, dy = event.clientY - pointer.y;
    if (this.pointers.size === 2) {
      // Two fingers: what is between them follows, and their distance is the zoom.
      const other = [...this.pointers.entries()].find(([id]) => id !== event.pointerId)[1];
      const before = Math.hypot(pointer.x - other.x, pointer.y - other.y);
      const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      if (before > 8 && after > 8) this.zoomBy(after / before);
      this.panBy(dx / 2, dy / 2);
    } else if (pointer.pan) {
      this.panBy(dx, dy);
    } else {
      this.turnBy(-dx * TURN_DEG_PER_PX, dy * TURN_DEG_PER_PX);
    }
    pointer.x = event.clientX;
    pointer.y = event.clientY;
  }
  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.onStart();
    this.zoomBy(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.0016));
  }

  // True where the key was one of ours.
  key(event) {
    const turns = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const turn = turns[event.key];
    if (turn) {
      this.onStart();
      if (event.shiftKey) this.panBy(-turn[0] * 24, turn[1] * 24);
      else this.turnBy(turn[0] * KEY_TURN_DEG, turn[1] * KEY_TURN_DEG);
      return true;
    }
    if (event.key === "+" || event.key === "=") return this.zoomBy(ZOOM_STEP), true;
    if (event.key === "-" || event.key === "_") return this.zoomBy(1 / ZOOM_STEP), true;
    return false;
  }
}
