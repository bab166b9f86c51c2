// The curve of fine-tuning: held-out PSNR by step.

function svg(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// curve: [{ step, psnr_db }]; steps: where the axis ends
function drawChart(place, curve, steps) {
  const width = 288, height = 150, left = 34, right = 8, top = 8, bottom = 20;
  const values = curve.map((point) => point.psnr_db);
  const room = Math.max(0.4, (Math.max(...values) - Math.min(...values)) * 0.12);
  const low = Math.min(...values) - room, high = Math.max(...values) + room;
  const x = (step) => left + (width - left - right) * step / Math.max(1, steps);
  const y = (db) => top + (height - top - bottom) * (high - db) / (high - low);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "xMidYMid meet" });
  const span = high - low;
  const unit = [0.1, 0.2, 0.5, 1, 2, 5, 10].find((u) => span / u <= 5) || 20;
  for (let db = Math.ceil(low / unit) * unit; db <= high; db += unit) {
    picture.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(db), y2: y(db) }),
                   svg("text", { x: left - 5, y: y(db) + 4, "text-anchor": "end" }, unit < 1 ? db.toFixed(1) : Math.round(db)));
  }
  picture.append(svg("text", { x: left, y: height - 5 }, "0"),
                 svg("text", { x: width - right, y: height - 5, "text-anchor": "end" }, `${steps} steps`));
  picture.append(svg("polyline", { class: "curve", points: curve.map((p) => `${x(p.step).toFixed(1)},${y(p.psnr_db).toFixed(1)}`).join(" ") }));
  const best = curve.reduce((a, b) => (b.psnr_db > a.psnr_db ? b : a));
  picture.append(svg("circle", { class: "best", cx: x(best.step), cy: y(best.psnr_db), r: 4 }));
  place.replaceChildren(picture);
}
