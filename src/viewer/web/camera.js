// The camera of renderfm-render: on a sphere around what is looked at, in patient axes (x left, y back, z head),
// lengths in mm from the centre of the scan.

const RADIANS = Math.PI / 180;
const FIELD_OF_VIEW = 30 * RADIANS;

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const scaled = (a, s) => [a[0] * s, a[1] * s, a[2] * s];
const added = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const normalised = (a) => scaled(a, 1 / Math.hypot(...a));

// The axes of the picture: right, down and forward in the patient.
function cameraAxes(azimuth, elevation) {
  const az = azimuth * RADIANS, el = elevation * RADIANS;
  const towards = (e) => [Math.sin(az) * Math.cos(e), -Math.cos(az) * Math.cos(e), Math.sin(e)];
  const out = towards(el);
  // Seen from the pole, up is that of a little beside it.
  const limit = 89.9 * RADIANS;
  const near = towards(Math.max(-limit, Math.min(limit, el)));
  const side = normalised(cross(scaled(near, -1), [0, 0, 1]));
  const forward = scaled(out, -1);
  const down = normalised(cross(forward, side));
  return { right: side, down, forward };
}

// The zoom at which a box, [[low, high] of each axis] in mm, fills what `camera` has free.
function fittingZoom(camera, box, radius) {
  const MARGIN = 0.96, slopes = camera.free.map((pixels) => MARGIN * pixels / 2 / camera.focal);
  let distance = 0;
  for (let k = 0; k < 8; ++k) {
    const corner = box.map((sides, axis) => sides[(k >> axis) & 1]);
    const depth = dot(camera.forward, corner);
    [camera.right, camera.down].forEach((axis, n) => {
      distance = Math.max(distance, Math.abs(dot(axis, corner)) / slopes[n] - depth);
    });
  }
  return radius / distance / Math.sin(FIELD_OF_VIEW / 2);
}

const NOTHING_COVERED = { left: 0, top: 0, right: 0, bottom: 0 };

// For a picture of width x height pixels of a scan with radius `radius`; the scan stands in the middle of what is
// not covered, pixels from each side.
function makeCamera(state, radius, width, height, covered = NOTHING_COVERED) {
  const axes = cameraAxes(state.az, state.el);
  const distance = radius / state.zoom / Math.sin(FIELD_OF_VIEW / 2);
  const position = added(state.pan, scaled(axes.forward, -distance));
  const free = [width - covered.left - covered.right, height - covered.top - covered.bottom];
  const centre = [covered.left + free[0] / 2, covered.top + free[1] / 2];
  const focal = 0.5 * Math.min(...free) / Math.tan(FIELD_OF_VIEW / 2);
  const margin = 0.15;
  const slopes = [(-margin * width - centre[0]) / focal, ((1 + margin) * width - centre[0]) / focal,
                  (-margin * height - centre[1]) / focal, ((1 + margin) * height - centre[1]) / focal];
  return { ...axes, position, distance, focal, free, centre, slopes, width, height, mmPerPixel: distance / focal };
}
