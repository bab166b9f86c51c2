// The page around the data of a report: everything is drawn by its script, nothing is loaded from elsewhere.
#pragma once

#include <string_view>

namespace renderfm {

inline constexpr std::string_view kPageHead = R"page(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Render-FM evaluation</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --line: #8884; --muted: #777; --accent: #1668b8; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1180px; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p.note { color: var(--muted); margin: .2rem 0 .8rem; max-width: 62rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .55rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { white-space: normal; vertical-align: bottom; line-height: 1.2; }
th:first-child, td:first-child { text-align: left; }
#differences td:nth-child(2), #differences th:nth-child(2) { text-align: left; }
td.best { font-weight: 650; color: var(--accent); }
tr.paper td { color: var(--muted); font-style: italic; }
select, button { font: inherit; padding: .15rem .5rem; margin: 0 .4rem .4rem 0; }
svg text { font-size: 11px; fill: currentColor; } svg .grid { stroke: var(--line); }
.view { margin: 0 0 1.6rem; } .view h3 { font-size: .95rem; margin: 0 0 .3rem; font-weight: 600; }
.panels { display: flex; gap: 10px; flex-wrap: wrap; }
figure { margin: 0; } figcaption { color: var(--muted); font-size: .85rem; }
figure img, figure canvas, .wipe { width: 256px; height: auto; background: #000; display: block; image-rendering: pixelated; }
.wipe { position: relative; overflow: hidden; touch-action: none; cursor: ew-resize; }
.wipe img { width: 100%; display: block; } .wipe img + img { position: absolute; inset: 0; height: 100%; }
.wipe i { position: absolute; top: 0; bottom: 0; width: 2px; background: #fffc; }
</style></head><body>
<h1>Render-FM evaluation</h1><p class="note" id="made"></p>
<h2>Methods</h2><div class="scroll"><table id="table"></table></div>
<p class="note">Means over all held-out views of all cases; pictures as 8-bit sRGB on black, as saved. SSIM: 11&times;11
window, sigma 1.5, zero-padded (3DGS). Foreground PSNR: pixels that the truth shows something in. FLIP at 67 pixels a degree and edge error
(difference of Sobel magnitudes): less is better. Preparation runs from the scan in memory to Gaussians, training included;
frames a second are of single held-out views on this machine's CPU.</p>
<h2>The paper's figures, for reference</h2><div class="scroll"><table id="paper"></table></div>
<p class="note">From Render-FM (arXiv 2505.17338): other scans, other transfer functions, other path-traced views, a GPU. Not measured here, and not comparable row by row.</p>
<h2>Differences in PSNR, with 95 % intervals</h2><div class="scroll"><table id="differences"></table></div>
<p class="note">Paired by view; 10 000 bootstrap resamples of cases, then of views within a case, fixed seed. With few cases the
interval speaks for these scans, not for others. Bold: the interval leaves out 0.</p>
<h2>View by view</h2><select id="metric" aria-label="Metric"></select><div class="scroll" id="plot"></div>
<h2>Worst views first</h2><p class="note">Truth, method, and a wipe between the two (drag: truth on the left); error is the mean absolute
difference of the channels, four times enlarged. Chosen by their mean over the methods.</p>
<div id="choice"></div><div id="views"></div>
<script type="application/json" id="data">)page";

inline constexpr std::string_view kPageTail = R"page(</script>
<script>
const data = JSON.parse(document.getElementById('data').textContent);
const methods = Object.keys(data.summary);
const hues = ['#1668b8', '#d1495b', '#2e8b57', '#b8860b', '#7b4fa3', '#008b8b', '#666'];
const color = m => hues[methods.indexOf(m) % hues.length];
const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  node.append(...children);
  return node;
};
document.getElementById('made').textContent =
  `${data.cases} case${data.cases === 1 ? '' : 's'}, views of ${data.size} pixels. ${data.made}. ${data.command}`;

const other = {preparation_s: ['preparation, s', 1], frames_per_second: ['frames/s', 1], gaussians: ['Gaussians', 0],
               megabytes: ['MB', 1], peak_memory_mb: ['peak memory, MB', 0]};
const metrics = [...new Set(methods.flatMap(m => Object.keys(data.summary[m])))].filter(k => !(k in other));
const digits = k => k.includes('PSNR') ? 2 : 4;
const better = k => k in data.higherIsBetter ? data.higherIsBetter[k] : false;
const table = document.getElementById('table');
table.append(el('tr', {}, el('th', {}, 'method'), ...metrics.map(k => el('th', {}, k)),
                ...Object.values(other).map(([n]) => el('th', {}, n))));
for (const m of methods) {
  const row = el('tr', {}, el('td', {}, m));
  for (const k of metrics) {
    const v = data.summary[m][k];
    const all = methods.map(o => data.summary[o][k]).filter(x => x !== undefined);
    const best = methods.length > 1 && v === (better(k) ? Math.max(...all) : Math.min(...all));
    row.append(el('td', best ? {class: 'best'} : {}, v === undefined ? '–' : v.toFixed(digits(k))));
  }
  for (const [k, [, d]] of Object.entries(other)) {
    const none = m === 'dvr' && (k === 'gaussians' || k === 'megabytes');
    row.append(el('td', {}, none ? '–' : data.summary[m][k].toLocaleString('en', {minimumFractionDigits: d, maximumFractionDigits: d})));
  }
  table.append(row);
}

const paper = document.getElementById('paper');
paper.append(el('tr', {}, ...['paper’s method and scans', 'PSNR', 'SSIM', 'LPIPS', 'preparation, s'].map(t => el('th', {}, t))));
for (const r of [['6DGS, TotalSegmentator', '26.63', '0.912', '0.096', '1463.9'], ['6DGS + AGP, TotalSegmentator', '28.92', '0.925', '0.093', '1786.5'],
                 ['Render-FM, TotalSegmentator', '27.30', '0.919', '0.097', '2.8'], ['Render-FM + fine-tuning, TotalSegmentator', '31.67', '0.937', '0.088', '89.4'],
                 ['6DGS, CT-ORG', '25.97', '0.903', '0.105', '1528.7'], ['6DGS + AGP, CT-ORG', '29.36', '0.926', '0.091', '2261.9'],
                 ['Render-FM, CT-ORG', '26.21', '0.918', '0.092', '2.6'], ['Render-FM + fine-tuning, CT-ORG', '32.48', '0.940', '0.082', '136.2']])
  paper.append(el('tr', {class: 'paper'}, ...r.map(t => el('td', {}, t))));

const differences = document.getElementById('differences');
differences.append(el('tr', {}, ...['from', 'to', 'views', 'dB', '95 % interval'].map(t => el('th', {}, t))));
for (const d of data.differences) {
  const sure = d.low > 0 || d.high < 0;
  const sign = x => (x > 0 ? '+' : '') + x.toFixed(2);
  differences.append(el('tr', {}, el('td', {}, d.from), el('td', {}, d.to), el('td', {}, String(d.views)),
    el('td', sure ? {class: 'best'} : {}, sign(d.mean)), el('td', {}, `${sign(d.low)} to ${sign(d.high)}`)));
}

const svg = (tag, attributes, text) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  if (text !== undefined) node.textContent = text;
  return node;
};
function plot(metric) {
  const views = [...new Set(methods.flatMap(m => Object.keys(data.perView[m][metric] || {})))];
  const mean = v => { const x = methods.map(m => (data.perView[m][metric] || {})[v]).filter(Number.isFinite);
                      return x.reduce((a, b) => a + b, 0) / x.length; };
  views.sort((a, b) => mean(a) - mean(b));
  const values = methods.flatMap(m => Object.values(data.perView[m][metric] || {})).filter(Number.isFinite);
  // Round steps of 1, 2 or 5 times a power of ten, four or so of them.
  const range = Math.max(...values) - Math.min(...values) || 1;
  const power = 10 ** Math.floor(Math.log10(range / 4));
  const step = power * [1, 2, 5, 10].find(k => k * power >= range / 4);
  const low = step * Math.floor(Math.min(...values) / step), high = step * Math.ceil(Math.max(...values) / step + 1e-9);
  const span = high - low || step, places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const W = Math.max(680, 130 + 14 * views.length), H = 270, left = 56, right = 110, top = 12, bottom = 34;
  const x = i => left + (views.length < 2 ? 0.5 : i / (views.length - 1)) * (W - left - right);
  const y = v => H - bottom - (v - low) / span * (H - top - bottom);
  const root = svg('svg', {width: W, height: H, role: 'img', 'aria-label': metric + ' of every view'});
  for (let v = low; v <= high + step / 2; v += step) {
    root.append(svg('line', {x1: left, x2: W - right, y1: y(v), y2: y(v), class: 'grid'}),
                svg('text', {x: left - 6, y: y(v) + 4, 'text-anchor': 'end'}, v.toFixed(places)));
  }
  root.append(svg('text', {x: left, y: H - 8}, 'held-out views, ordered by their mean over the methods'));
  let labels = [];
  for (const m of methods) {
    const points = views.map((v, i) => [i, (data.perView[m][metric] || {})[v], v]).filter(p => Number.isFinite(p[1]));
    if (!points.length) continue;
    root.append(svg('polyline', {fill: 'none', stroke: color(m), 'stroke-opacity': .5, points: points.map(p => `${x(p[0])},${y(p[1])}`).join(' ')}));
    for (const p of points) {
      const dot = svg('circle', {cx: x(p[0]), cy: y(p[1]), r: 3.2, fill: color(m)});
      dot.append(svg('title', {}, `${m}, ${p[2]}: ${p[1].toFixed(digits(metric))}`));
      root.append(dot);
    }
    labels.push([m, y(points[points.length - 1][1])]);
  }
  labels.sort((a, b) => a[1] - b[1]);
  for (let i = 1; i < labels.length; ++i) labels[i][1] = Math.max(labels[i][1], labels[i - 1][1] + 13);
  for (const [m, at] of labels) { const t = svg('text', {x: W - right + 10, y: at + 4}, m); t.style.fill = color(m); root.append(t); }
  document.getElementById('plot').replaceChildren(root);
}
const choose = document.getElementById('metric');
for (const k of metrics) choose.append(el('option', {}, k));
choose.onchange = () => plot(choose.value);
plot(metrics[0]);

const picture = (src, alt) => el('img', {src, alt});
function errorCanvas(a, b) {
  const canvas = el('canvas');
  const load = src => new Promise(done => { const i = new Image(); i.onload = () => done(i); i.src = src; });
  Promise.all([load(a), load(b)]).then(([p, q]) => {
    canvas.width = p.width; canvas.height = p.height;
    const c = canvas.getContext('2d', {willReadFrequently: true}), pixels = i => { c.drawImage(i, 0, 0); return c.getImageData(0, 0, p.width, p.height); };
    const u = pixels(p), v = pixels(q);
    for (let i = 0; i < u.data.length; i += 4) {
      const e = Math.min(1, 4 * (Math.abs(u.data[i] - v.data[i]) + Math.abs(u.data[i + 1] - v.data[i + 1]) + Math.abs(u.data[i + 2] - v.data[i + 2])) / 765);
      u.data[i] = 255 * Math.min(1, 2.2 * e); u.data[i + 1] = 255 * Math.max(0, Math.min(1, 2.2 * e - .7)); u.data[i + 2] = 255 * Math.max(.25 * e, 2.4 * e - 1.4);
    }
    c.putImageData(u, 0, 0);
  });
  return canvas;
}
function wipe(truth, drawn) {
  const over = picture(truth, 'truth'), bar = el('i'), box = el('div', {class: 'wipe'}, picture(drawn, 'method'), over, bar);
  const set = share => { over.style.clipPath = `inset(0 ${100 * (1 - share)}% 0 0)`; bar.style.left = `calc(${100 * share}% - 1px)`; };
  box.onpointermove = box.onpointerdown = e => { const r = box.getBoundingClientRect(); set(Math.min(1, Math.max(0, (e.clientX - r.left) / r.width))); };
  set(.5);
  return box;
}
function show(method) {
  for (const b of document.querySelectorAll('#choice button')) b.disabled = b.textContent === method;
  document.getElementById('views').replaceChildren(...data.pictures.filter(v => v.methods[method])
      .sort((a, b) => a.methods[method].psnr - b.methods[method].psnr).map(v => {
    const m = v.methods[method], panel = (node, text) => el('figure', {}, node, el('figcaption', {}, text));
    return el('div', {class: 'view'}, el('h3', {}, `${v.name} — ${m.psnr.toFixed(2)} dB`), el('div', {class: 'panels'},
      panel(picture(v.truth, 'truth'), 'truth'), panel(picture(m.src, method), method), panel(wipe(v.truth, m.src), 'truth | ' + method),
      panel(errorCanvas(v.truth, m.src), 'error × 4')));
  }));
}
for (const m of methods) { const b = el('button', {type: 'button'}, m); b.onclick = () => show(m); document.getElementById('choice').append(b); }
show(methods[methods.length - 1]);
</script></body></html>
)page";

}  // namespace renderfm
