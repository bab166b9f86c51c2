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

// For a picture of width x height pixels of a scan with radius `radius`.
function makeCamera(state, radius, width, height) {
  const axes = cameraAxes(state.az, state.el);
  const distance = radius / state.zoom / Math.sin(FIELD_OF_VIEW / 2);
  const position = added(state.pan, scaled(axes.forward, -distance));
  const focal = 0.5 * Math.min(width, height) / Math.tan(FIELD_OF_VIEW / 2);
  const margin = 0.15;
  const slopes = [(-margin * width - width / 2) / focal, (width / 2 + margin * width) / focal,
                  (-margin * height - height / 2) / focal, (height / 2 + margin * height) / focal];
  return { ...axes, position, distance, focal, slopes, width, height, mmPerPixel: distance / focal };
}
