// On a narrow screen the panels are sheets over the lower part of the picture. The hand drags one higher, lower or
// away by its head.

const SHEET_STOPS = [0, 0.46, 0.86];  // shares of the page's height; at the first one it is closed
const GREATEST_SHARE = 0.92, DRAG_PX = 24;
const NARROW = matchMedia("(max-width: 560px)");

class Sheet {
  constructor(panel, close) {
    this.panel = panel;
    this.close = close;
    this.rest();
    const head = panel.querySelector("header");
    head.addEventListener("pointerdown", (event) => {
      if (!NARROW.matches || event.target.matches(".close, .close *")) return;
      head.setPointerCapture(event.pointerId);
      this.drag = { y: event.clientY, share: this.share };
    });
    head.addEventListener("pointermove", (event) => {
      if (!this.drag) return;
      panel.classList.add("dragged");
      this.set(Math.min(GREATEST_SHARE, Math.max(0, this.drag.share + this.up(event) / panel.parentElement.clientHeight)));
    });
    head.addEventListener("pointerup", (event) => this.release(this.up(event)));
    head.addEventListener("pointercancel", () => this.release(0));
    const grabber = panel.querySelector(".grabber");
    // A pointer's tap is a release without a drag; a click without one comes from the keyboard.
    grabber.addEventListener("click", (event) => { if (event.detail === 0) this.toggle(); });
  }

  up(event) { return this.drag ? this.drag.y - event.clientY : 0; }

  set(share) {
    this.share = share;
    this.panel.style.setProperty("--share", share);
  }
  rest() { this.set(SHEET_STOPS[1]); }
  raise() { this.set(SHEET_STOPS[2]); }
  toggle() { return this.share === SHEET_STOPS[1] ? this.raise() : this.rest(); }

  // To the nearest of the stops that lie in the direction of the drag.
  release(upPx) {
    if (!this.drag) return;
    const first = this.drag.share;
    this.drag = undefined;
    this.panel.classList.remove("dragged");
    if (Math.abs(upPx) < DRAG_PX) {
      this.set(first);
      if (Math.abs(upPx) < 4) this.toggle();
      return;
    }
    const ahead = SHEET_STOPS.filter((stop) => (upPx > 0 ? stop > first : stop < first));
    const far = (stop) => Math.abs(stop - this.share);
    const stop = ahead.length ? ahead.reduce((a, b) => (far(b) < far(a) ? b : a)) : first;
    if (stop > 0) return this.set(stop);
    this.close();
    this.rest();
  }
}
