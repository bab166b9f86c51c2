// Off the page's thread: unpacks the Gaussians and orders them by depth, back to front.

let set = null;

// Five characters of '#'..'x' without '<' are four bytes.
function bytesFromText(text, size) {
  const out = new Uint8Array(Math.ceil(size / 4) * 4);
  const digit = (at) => {
    const code = text.charCodeAt(at);
    return code > 60 ? code - 36 : code - 35;
  };
  for (let from = 0, to = 0; to < out.length; from += 5, to += 4) {
    const group = (((digit(from) * 85 + digit(from + 1)) * 85 + digit(from + 2)) * 85 + digit(from + 3)) * 85 +
      digit(from + 4);
    out[to] = group / 16777216;
    out[to + 1] = (group / 65536) & 255;
    out[to + 2] = (group / 256) & 255;
    out[to + 3] = group & 255;
  }
  return out.subarray(0, size);
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Undoes the differences of one channel and hands each step to `put`.
function readChannel(planes, at, count, bits, put) {
  let q = 0;
  if (bits === 16) {
    for (let n = 0; n < count; ++n) {
      q = (q + planes[at + n] + (planes[at + count + n] << 8)) & 65535;
      put(n, q);
    }
  } else {
    for (let n = 0; n < count; ++n) {
      q = (q + planes[at + n]) & 255;
      put(n, q);
    }
  }
}

async function load(header, text) {
  const planes = await inflate(bytesFromText(text, header.size));
  const { count, channels } = header;
  const { places, texels } = placeFields(channels);
  const rows = Math.ceil(count * texels / TEXTURE_WIDTH);
  const words = new Uint32Array(rows * TEXTURE_WIDTH * 4);
  const stride = texels * 4;
  // What depth needs: positions, and the shift with the direction where there is one.
  const named = (name) => FIELD_NAMES.indexOf(name);
  const shifts = channels.slice(named("B00"), named("B22") + 1);
  const shifted = shifts.some((c) => c.bits > 0 || Math.abs(c.low) > 1e-6);
  const kept = new Map();
  channels.forEach((channel, index) => {
    const wanted = index < 3 || (shifted && index >= named("DX") && index <= named("B22"));
    if (wanted) kept.set(index, new Float32Array(count).fill(channel.low));
  });
  const labels = new Uint8Array(count);
  let at = 0;
  channels.forEach((channel, index) => {
    if (channel.bits === 0) return;
    const { word, shift } = places[index];
    const values = kept.get(index);
    const { low, step } = channel;
    const isLabel = index === named("LABEL");
    readChannel(planes, at, count, channel.bits, (n, q) => {
      words[n * stride + word] |= q << shift;
      if (values) values[n] = low + step * q;
      if (isLabel) labels[n] = q;
    });
    at += count * (channel.bits >> 3);
  });
  const histogram = new Uint32Array(256);
  for (let n = 0; n < count; ++n) ++histogram[labels[n]];
  set = {
    count, labels, position: [kept.get(0), kept.get(1), kept.get(2)],
    shift: shifted ? { direction: [16, 17, 18].map((k) => kept.get(k)), a: [19, 20, 21, 22, 23, 24].map((k) => kept.get(k)),
                       b: [25, 26, 27, 28, 29, 30, 31, 32, 33].map((k) => kept.get(k)) } : null,
    depth: new Float32Array(count), keys: new Uint32Array(count), rows: new Uint32Array(count),
    otherKeys: new Uint32Array(count), otherRows: new Uint32Array(count),
  };
  return { words, rows, texels, histogram, box: set.position.map(extent) };
}

// Where nearly all of some values lie, from a sample of them.
function extent(values) {
  const stride = Math.ceil(values.length / 20000);
  const sample = values.filter((_, n) => n % stride === 0).sort();
  const outside = Math.floor(sample.length * 0.004);
  return [sample[outside], sample[sample.length - 1 - outside]];
}

// How far the mean of Gaussian n moves along `axis` for the direction (x, y, z) / length.
function depthShift(s, n, x, y, z, axis) {
  const scale = 1 / Math.hypot(x, y, z);
  const dx = x * scale - s.direction[0][n], dy = y * scale - s.direction[1][n], dz = z * scale - s.direction[2][n];
  const ux = dx / Math.exp(s.a[0][n]);
  const uy = (dy - s.a[1][n] * ux) / Math.exp(s.a[2][n]);
  const uz = (dz - s.a[3][n] * ux - s.a[4][n] * uy) / Math.exp(s.a[5][n]);
  let sum = 0;
  for (let row = 0; row < 3; ++row) {
    sum += axis[row] * (s.b[3 * row][n] * ux + s.b[3 * row + 1][n] * uy + s.b[3 * row + 2][n] * uz);
  }
  return sum;
}

// Counting sort of 24-bit keys, twelve bits at a time; equal keys keep their order.
const BUCKETS = 4096;
const counts = new Uint32Array(BUCKETS);
function sortPass(count, keys, rows, shift, toKeys, toRows) {
  counts.fill(0);
  for (let i = 0; i < count; ++i) ++counts[(keys[i] >>> shift) & (BUCKETS - 1)];
  let next = 0;
  for (let bucket = 0; bucket < BUCKETS; ++bucket) {
    const here = counts[bucket];
    counts[bucket] = next;
    next += here;
  }
  for (let i = 0; i < count; ++i) {
    const to = counts[(keys[i] >>> shift) & (BUCKETS - 1)]++;
    toRows[to] = rows[i];
    if (toKeys) toKeys[to] = keys[i];
  }
}

// Indices of the Gaussians whose label is visible, deepest first, into `order`; returns how many.
function sort(camera, forward, visible, order) {
  const { count, labels, position: [xs, ys, zs], shift, depth, keys, rows } = set;
  let low = Infinity, high = -Infinity, kept = 0;
  for (let n = 0; n < count; ++n) {
    if (!visible[labels[n]]) continue;
    const x = xs[n] - camera[0], y = ys[n] - camera[1], z = zs[n] - camera[2];
    let d = forward[0] * x + forward[1] * y + forward[2] * z;
    if (shift) d += depthShift(shift, n, x, y, z, forward);
    d = Math.fround(d);  // as it is kept: a bound between two floats would put the outermost planes out of range
    if (!(d >= 0.01)) continue;
    depth[kept] = d;
    rows[kept++] = n;
    if (d < low) low = d;
    if (d > high) high = d;
  }
  // Deepest first, and of equals the later first: the reverse of the order in which the rasterizer draws.
  const scale = high > low ? 16777215 / (high - low) : 0;
  for (let i = 0, j = kept - 1; i <= j; ++i, --j) {
    const row = rows[i], key = 16777215 - ((depth[i] - low) * scale | 0);
    keys[i] = 16777215 - ((depth[j] - low) * scale | 0);
    keys[j] = key;
    rows[i] = rows[j];
    rows[j] = row;
  }
  sortPass(kept, keys, rows, 0, set.otherKeys, set.otherRows);
  sortPass(kept, set.otherKeys, set.otherRows, 12, null, order);
  return kept;
}

onmessage = async (event) => {
  const message = event.data;
  try {
    if (message.kind === "load") {
      const loaded = await load(message.header, message.text);
      postMessage({ kind: "loaded", id: message.id, ...loaded }, [loaded.words.buffer]);
    } else {
      const start = performance.now();
      const order = message.order && message.order.length >= set.count ? message.order : new Uint32Array(set.count);
      const count = sort(message.camera, message.forward, message.visible, order);
      postMessage({ kind: "order", order, count, serial: message.serial, ms: performance.now() - start },
                  [order.buffer]);
    }
  } catch (error) {
    postMessage({ kind: "failed", text: String(error && error.message || error) });
  }
};
