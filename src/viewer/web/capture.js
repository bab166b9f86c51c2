// Pictures and films of what is shown. Each carries the scale and the notice, and nothing of the patient.

function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The picture with scale bar, orientation and notice drawn in.
async function takePicture(stage) {
  await stage.settled();
  const { canvas, covered } = stage;
  stage.covered = NOTHING_COVERED;
  const camera = stage.camera(1);
  stage.renderer.draw(camera, cuttingPlanes(stage.state), stage.background);
  const copy = element("canvas", { width: canvas.width, height: canvas.height });
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  stage.covered = covered;
  stage.requestDraw();
  const unit = canvas.width / canvas.clientWidth;
  const bar = scaleBar(camera.mmPerPixel, 120 * unit);
  const x = 16 * unit, y = canvas.height - 40 * unit;
  context.strokeStyle = context.fillStyle = stage.state.theme === "light" ? "#14202b" : "#eef1f4";
  context.lineWidth = 1.5 * unit;
  context.font = `${12 * unit}px sans-serif`;
  context.beginPath();
  context.moveTo(x, y - 5 * unit);
  context.lineTo(x, y);
  context.lineTo(x + bar.px, y);
  context.lineTo(x + bar.px, y - 5 * unit);
  context.stroke();
  context.fillText(bar.text, x, y - 10 * unit);
  context.fillText(`Render-FM  ·  azimuth ${Math.round(stage.state.az)}°, elevation ${Math.round(stage.state.el)}°  ·  not for diagnosis`,
                   x, y + 22 * unit);
  return new Promise((resolve) => copy.toBlob(resolve, "image/png"));
}

// A round length of at most `room` pixels.
function scaleBar(mmPerPixel, room) {
  const most = mmPerPixel * room;
  const power = 10 ** Math.floor(Math.log10(most));
  const mm = [5, 2, 1].map((step) => step * power).find((length) => length <= most);
  return { px: mm / mmPerPixel, text: mm >= 10 ? `${mm / 10} cm` : `${Number(mm.toPrecision(2))} mm` };
}

// One turn as a film, as fast as this machine draws it; resolves to null where the browser cannot.
async function takeFilm(stage, { seconds, onProgress }) {
  if (!window.MediaRecorder || !stage.canvas.captureStream) return null;
  const type = ["video/webm;codecs=vp9", "video/webm", "video/mp4"].find((t) => MediaRecorder.isTypeSupported(t));
  if (!type) return null;
  const recorder = new MediaRecorder(stage.canvas.captureStream(30), { mimeType: type, videoBitsPerSecond: 12e6 });
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  const first = stage.state.az, start = performance.now();
  recorder.start();
  for (let share = 0; share < 1;) {
    share = Math.min(1, (performance.now() - start) / (1000 * seconds));
    stage.state.az = (first + 360 * share) % 360;
    onProgress(share);
    stage.change({ moving: true });
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  recorder.stop();
  await stopped;
  stage.state.az = first;
  stage.change();
  return { blob: new Blob(parts, { type }), suffix: type.startsWith("video/mp4") ? "mp4" : "webm" };
}
