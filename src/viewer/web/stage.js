// Keeps picture, order and resolution up to date: what is drawn when, and how sharp. The order comes from the
// worker; until it does, the last one is good enough for a moving picture.

const PIXEL_RATIO_CAP = 2;
const SLOW_FRAME_MS = 30, FAST_FRAME_MS = 14, LEAST_QUALITY = 0.35;

class Stage {
  constructor(page, canvas, worker, shaders) {
    this.page = page;
    this.canvas = canvas;
    this.worker = worker;
    this.renderer = new Renderer(canvas, shaders);
    this.state = freshState();
    this.background = [0, 0, 0];
    this.covered = NOTHING_COVERED;  // by panels, in CSS pixels from each side
    this.quality = 1;  // of a moving picture, in pixels along each side
    this.moving = false;
    this.sorting = false;
    this.sortWanted = false;
    this.drawWanted = false;
    this.ready = false;
    this.waiting = [];
    this.onDraw = () => {};
    this.onLoad = () => {};
    this.onFail = () => {};
    this.stats = { sortMs: 0, frameMs: 0, sorts: 0, frames: 0, count: 0 };
    this.spare = null;
    worker.onmessage = (event) => this.receive(event.data);
  }

  get radius() { return this.page.sets[this.state.tf].radius; }

  load(index) {
    this.ready = false;
    this.loading = index;
    const { name: _, ...header } = this.page.sets[index];
    this.worker.postMessage({ kind: "load", id: index, header, text: document.getElementById(`gaussians-${index}`).textContent.trim() });
  }

  receive(message) {
    if (message.kind === "failed") return this.onFail(message.text);
    if (message.kind === "loaded") {
      if (message.id !== this.loading) return;
      this.renderer.setGaussians(this.page.sets[message.id], message);
      this.ready = true;
      this.sorting = false;
      this.onLoad(message.id, message);
      this.change();
    } else if (message.kind === "order") {
      this.sorting = false;
      if (this.ready && message.serial === this.loading) {
        this.renderer.setOrder(message.order, message.count);
        this.stats.sortMs = message.ms;
        this.stats.count = message.count;
        ++this.stats.sorts;
      }
      this.spare = message.order;
      if (this.sortWanted) this.requestSort();
      this.requestDraw();
    }
  }

  // The state has changed: order and picture follow.
  change({ moving = false } = {}) {
    if (moving) {
      this.moving = true;
      clearTimeout(this.restTimer);
      this.restTimer = setTimeout(() => { this.moving = false; this.requestDraw(); }, 180);
    }
    this.organsDirty = true;
    this.requestSort();
    this.requestDraw();
  }

  requestSort() {
    if (!this.ready) return;
    if (this.sorting) {
      this.sortWanted = true;
      return;
    }
    this.sortWanted = false;
    this.sorting = true;
    const camera = this.camera(1);
    const visible = new Uint8Array(256).fill(1);
    for (const label of this.state.hidden) visible[label] = 0;
    for (const [label, opacity] of this.state.opacity) if (opacity === 0) visible[label] = 0;
    const transfer = this.spare ? [this.spare.buffer] : [];
    this.worker.postMessage({ kind: "sort", camera: camera.position, forward: camera.forward, visible,
                              order: this.spare, serial: this.loading }, transfer);
    this.spare = null;
  }

  requestDraw() {
    if (this.drawWanted || !this.ready) return;
    this.drawWanted = true;
    requestAnimationFrame((now) => this.frame(now));
  }

  camera(quality) {
    const width = Math.max(1, Math.round(this.canvas.width * quality));
    const height = Math.max(1, Math.round(this.canvas.height * quality));
    const unit = width / Math.max(1, this.canvas.clientWidth);
    const covered = {};
    for (const side in this.covered) covered[side] = this.covered[side] * unit;
    return makeCamera(this.state, this.radius, width, height, covered);
  }

  fitCanvas() {
    const ratio = Math.min(window.devicePixelRatio || 1, PIXEL_RATIO_CAP);
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
  }

  uploadOrgans() {
    const opacity = new Float32Array(256).fill(1), exempt = new Uint8Array(256);
    for (const [label, value] of this.state.opacity) opacity[label] = value;
    for (const label of this.state.hidden) opacity[label] = 0;
    for (const label of this.state.keep) exempt[label] = 1;
    this.renderer.setOrgans(opacity, exempt);
    this.organsDirty = false;
  }

  frame(now) {
    this.drawWanted = false;
    this.fitCanvas();
    if (this.organsDirty) this.uploadOrgans();
    const camera = this.camera(this.moving ? this.quality : 1);
    this.renderer.draw(camera, cuttingPlanes(this.state), this.background);
    ++this.stats.frames;
    // While the picture moves, frames follow each other: the time between them tells what the card can do.
    if (this.moving && this.lastFrame !== undefined) {
      const ms = now - this.lastFrame;
      this.stats.frameMs = ms;
      if (ms < 400) {
        if (ms > SLOW_FRAME_MS) this.quality = Math.max(LEAST_QUALITY, this.quality * 0.85);
        if (ms < FAST_FRAME_MS) this.quality = Math.min(1, this.quality * 1.05);
      }
    }
    this.lastFrame = this.moving ? now : undefined;
    this.onDraw(this.camera(1));
    this.settle();
  }

  // Resolves once the picture shows the present state, sharp and in order.
  settled() {
    return new Promise((resolve) => { this.waiting.push(resolve); this.requestDraw(); });
  }
  settle() {
    if (this.moving || this.sorting || this.sortWanted || this.drawWanted || !this.ready) return;
    this.renderer.finish();
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
