// The page around the data of a report: everything is drawn by its script, nothing is loaded from elsewhere.
#pragma once

#include <string_view>

namespace renderfm {

inline constexpr std::string_view kPageHead = R"page(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Render-FM evaluation</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --line: #8883; --muted: #74777c; --accent: #1668b8; --wash: #1668b80f; --bad: #b3372f; }
@media (prefers-color-scheme: dark) { :root { --muted: #9aa0a8; --accent: #7db8f0; --wash: #7db8f014; --bad: #ff8a80; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2.2rem auto 4rem; max-width: 1240px; padding: 0 1.2rem; }
h1 { font-size: 1.55rem; margin: 0 0 .2rem; letter-spacing: -.01em; } h2 { font-size: 1.12rem; margin: 2.4rem 0 .6rem; }
p.note { color: var(--muted); margin: .5rem 0 .8rem; max-width: 62rem; font-size: .9rem; }
code { font: .88em ui-monospace, monospace; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .32rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { white-space: normal; vertical-align: bottom; line-height: 1.25; font-weight: 600; font-size: .86rem; }
tr:hover td { background: var(--wash); }
th:first-child, td:first-child, .left { text-align: left; }
td small { color: var(--muted); }
td.best { font-weight: 650; color: var(--accent); } td.worse { color: var(--bad); }
tr.paper td { color: var(--muted); font-style: italic; } tr.kind td { border-top: 1px solid var(--line); font-style: italic; }
select, button { font: inherit; padding: .18rem .6rem; margin: 0 .4rem .5rem 0; }
.two { display: flex; gap: 2.5rem; flex-wrap: wrap; align-items: flex-start; }
svg { display: block; } svg text { font-size: 11.5px; fill: currentColor; } svg .grid { stroke: var(--line); }
svg .axis { fill: var(--muted); }
.view { margin: 0 0 1.8rem; } .view h3 { font-size: .95rem; margin: 0 0 .35rem; font-weight: 600; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 12px; }
figure { margin: 0; } figcaption { color: var(--muted); font-size: .85rem; margin-top: .15rem; }
figure img, figure canvas, .wipe { width: 100%; height: auto; background: #000; display: block; border-radius: 3px; }
.wipe { position: relative; overflow: hidden; touch-action: none; cursor: ew-resize; }
.wipe img { width: 100%; display: block; border-radius: 0; } .wipe img + img { position: absolute; inset: 0; height: 100%; }
.wipe i { position: absolute; top: 0; bottom: 0; width: 2px; background: #fffd; box-shadow: 0 0 3px #000; }
ul.failures { color: var(--bad); }
[hidden] { display: none; }
</style></head><body>
<h1>Render-FM evaluation</h1><p class="note" id="made"></p><ul class="failures" id="failures" hidden></ul>
<h2>Methods</h2><div class="scroll"><table id="table"></table></div>
<p class="note">Means over all held-out views of all cases; pictures as 8-bit sRGB on black, as saved, not cropped. SSIM: 11&times;11
window, sigma 1.5, zero-padded (3DGS). Foreground PSNR: pixels that the truth shows something in. FLIP at 67 pixels a degree and edge error
(difference of Sobel magnitudes): less is better. Preparation runs from the scan in memory to Gaussians, optimisation included;
frames a second are of single held-out views on this machine's CPU; peak memory is the process's.</p>
<div class="two"><div><h2>Quality against time</h2><div id="trade"></div></div>
<div id="groupbox"><h2>PSNR by organ group</h2><div class="scroll"><table id="groups"></table></div>
<p class="note" style="max-width:34rem">Over the pixels whose ray meets most of the group in the scan that the truth was traced from; views with fewer
than a thousandth of such pixels are left out.</p></div></div>
<div id="casebox"><h2>PSNR by case</h2><div class="scroll"><table id="cases"></table></div></div>
<div id="robustbox"><h2>Robustness</h2><div class="scroll"><table id="robustness"></table></div>
<p class="note">The method is given a changed scan; the views that judge it stay those of the true one. Change in PSNR against the same method on
the scan as it is, paired by view, with its 95 % interval. Labels change where a scan has labels of organs; spacings where its own voxels are finer.</p></div>
<h2>Differences in PSNR, with 95 % intervals</h2><div class="scroll"><table id="differences"></table></div>
<p class="note">Paired by view; 10 000 bootstrap resamples of cases, then of views within a case, fixed seed. With few cases the
interval speaks for these scans, not for others. Bold: the interval leaves out 0.</p>
<h2>View by view</h2><select id="metric" aria-label="Metric"></select><div class="scroll" id="plot"></div>
<h2>Worst views first</h2><p class="note">Truth, method, and a wipe between the two (drag: truth on the left); error is the mean absolute
difference of the channels, four times enlarged. Chosen by their mean over the methods.</p>
<div id="choice"></div><div id="views"></div>
<h2>The paper's figures, for reference</h2><div class="scroll"><table id="paper"></table></div>
<p class="note">From Render-FM (arXiv 2505.17338): other scans, other transfer functions, other path-traced views, a GPU. Not measured here, and not comparable row by row.</p>
<h2>Settings</h2><div class="scroll"><table id="settings"></table></div>
<script type="application/json" id="data">)page";

inline constexpr std::string_view kPageTail = R"page(</script>
<script>
const data = JSON.parse(document.getElementById('data').textContent);
const methods = Object.keys(data.summary).filter(m => !m.includes('@'));
const hues = ['#1668b8', '#d1495b', '#2e8b57', '#b8860b', '#7b4fa3', '#008b8b', '#8a5a44', '#5b6b7b', '#c2571a'];
const color = m => hues[methods.indexOf(m) % hues.length];
const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  node.append(...children);
  return node;
};
const get = id => document.getElementById(id);
get('made').append(`${data.cases} case${data.cases === 1 ? '' : 's'}, views of ${data.size} pixels. ${data.made}. `, el('code', {}, data.command));
for (const f of data.failures) { get('failures').hidden = false; get('failures').append(el('li', {}, `${f.method} on ${f.case} failed: ${f.reason}`)); }

const other = {preparation_s: ['preparation,\u00a0s', 1], optimisation_s: ['of it optimising,\u00a0s', 1], frames_per_second: ['frames/s', 1],
               gaussians: ['Gaussians', 0], megabytes: ['MB', 1], peak_memory_mb: ['peak memory,\u00a0MB', 0]};
const groupOf = k => data.organGroups.find(g => k === 'PSNR ' + g);
const keys = [...new Set(methods.flatMap(m => Object.keys(data.summary[m])))];
const metrics = keys.filter(k => !(k in other) && k !== 'cases' && !k.startsWith('PSNR_p') && !groupOf(k));
const digits = k => k.includes('PSNR') ? 2 : 4;
const better = k => k in data.higherIsBetter ? data.higherIsBetter[k] : Boolean(groupOf(k));
const heads = (table, names, left = 1) => get(table).append(el('tr', {}, ...names.map((n, i) => el('th', i < left ? {class: 'left'} : {}, n))));
/// One cell a metric, the best of `among` marked: methods whose figures are of the same views.
function cells(of, k, among) {
  const all = among.map(o => of(o, k)).filter(Number.isFinite);
  return m => {
    const v = of(m, k), best = all.length > 1 && among.includes(m) && v === (better(k) ? Math.max(...all) : Math.min(...all));
    return el('td', best ? {class: 'best'} : {}, Number.isFinite(v) ? v.toFixed(digits(k)) : '–');
  };
}
const summary = (m, k) => data.summary[m][k];
const everywhere = methods.filter(m => data.summary[m].cases === data.cases);
const named = m => data.summary[m].cases < data.cases ? [m, el('small', {}, ` ${data.summary[m].cases} of ${data.cases} cases`)] : [m];
heads('table', ['method', ...metrics.flatMap(k => k === 'PSNR' ? ['PSNR', '5–95 % of views'] : [k]), ...Object.values(other).map(([n]) => n)]);
const metricCells = Object.fromEntries(metrics.map(k => [k, cells(summary, k, everywhere)]));
for (const m of methods) {
  const row = el('tr', {}, el('td', {}, ...named(m)));
  for (const k of metrics) {
    row.append(metricCells[k](m));
    if (k === 'PSNR') row.append(el('td', {}, el('small', {}, [5, 95].map(p => (data.summary[m]['PSNR_p' + p] ?? NaN).toFixed(1)).join('–'))));
  }
  for (const [k, [, d]] of Object.entries(other)) {
    const none = m === 'dvr' && (k === 'gaussians' || k === 'megabytes') || k === 'optimisation_s' && !data.summary[m][k];
    row.append(el('td', {}, none ? '–' : data.summary[m][k].toLocaleString('en', {minimumFractionDigits: d, maximumFractionDigits: d})));
  }
  get('table').append(row);
}

const groups = data.organGroups.filter(g => keys.includes('PSNR ' + g));
get('groupbox').hidden = !groups.length;
heads('groups', ['method', ...groups]);
const groupCells = groups.map(g => cells(summary, 'PSNR ' + g, everywhere));
for (const m of methods) get('groups').append(el('tr', {}, el('td', {}, m), ...groupCells.map(c => c(m))));

get('casebox').hidden = data.byCase.cases.length < 2;
heads('cases', ['case', 'transfer function', 'organs', ...methods], 3);
const caseRow = (r, among, attributes, ...lead) =>
  get('cases').append(el('tr', attributes, ...lead, ...methods.map(cells(m => r.psnr[m], 'PSNR', among))));
for (const r of data.byCase.cases)
  caseRow(r, methods, {}, el('td', {}, r.name), el('td', {class: 'left'}, r.tf, el('small', {}, r.tf_family === 'unseen' ? ' unseen' : '')), el('td', {class: 'left'}, r.organs));
for (const r of data.byCase.kinds) caseRow(r, everywhere, {class: 'kind'}, el('td', {colspan: 3}, `${r.name} (${r.cases})`));

const varied = [...new Set(data.robustness.map(r => r.method))], sign = x => (x > 0 ? '+' : '') + x.toFixed(2);
get('robustbox').hidden = !varied.length;
heads('robustness', ['what the method is given', ...varied.flatMap(m => [m + ': PSNR', 'change, dB', 'SSIM', 'Gaussians'])]);
const robustCells = (psnr, ssim, gaussians, change) => [el('td', {}, psnr?.toFixed(2) ?? '–'), change, el('td', {}, ssim?.toFixed(4) ?? '–'), el('td', {}, gaussians?.toLocaleString('en') ?? '–')];
if (varied.length) get('robustness').append(el('tr', {}, el('td', {}, 'the scan as it is'), ...varied.flatMap(m => {
  const s = data.summary[m] || {};
  return robustCells(s.PSNR, s.SSIM, s.gaussians, el('td', {}, ''));
})));
for (const v of [...new Set(data.robustness.map(r => r.variant))]) {
  const rows = data.robustness.filter(r => r.variant === v);
  get('robustness').append(el('tr', {}, el('td', {}, rows[0].meaning, el('small', {}, rows[0].cases < data.cases ? ` (${rows[0].cases} of ${data.cases} cases)` : '')), ...varied.flatMap(m => {
    const r = rows.find(x => x.method === m);
    if (!r) return robustCells(undefined, undefined, undefined, el('td', {}, '–'));
    const change = r.views ? [sign(r.mean), el('small', {}, ` ${sign(r.low)} to ${sign(r.high)}`)] : ['–'];
    return robustCells(r.psnr, r.ssim, r.gaussians, el('td', r.high < 0 ? {class: 'worse'} : r.low > 0 ? {class: 'best'} : {}, ...change));
  })));
}

heads('settings', ['method', 'settings'], 2);
for (const [m, of] of Object.entries(data.settings)) {
  const texts = [...new Set(Object.values(of))];
  for (const t of texts) {
    const cases = Object.keys(of).filter(c => of[c] === t);
    get('settings').append(el('tr', {}, el('td', {}, m), el('td', {class: 'left'}, t, texts.length > 1 ? el('small', {}, ' — ' + cases.join(', ')) : '')));
  }
}

const paper = document.getElementById('paper');
paper.append(el('tr', {}, ...['paper’s method and scans', 'PSNR', 'SSIM', 'LPIPS', 'preparation, s'].map(t => el('th', {}, t))));
for (const r of [['6DGS, TotalSegmentator', '26.63', '0.912', '0.096', '1463.9'], ['6DGS + AGP, TotalSegmentator', '28.92', '0.925', '0.093', '1786.5'],
                 ['Render-FM, TotalSegmentator', '27.30', '0.919', '0.097', '2.8'], ['Render-FM + fine-tuning, TotalSegmentator', '31.67', '0.937', '0.088', '89.4'],
                 ['6DGS, CT-ORG', '25.97', '0.903', '0.105', '1528.7'], ['6DGS + AGP, CT-ORG', '29.36', '0.926', '0.091', '2261.9'],
                 ['Render-FM, CT-ORG', '26.21', '0.918', '0.092', '2.6'], ['Render-FM + fine-tuning, CT-ORG', '32.48', '0.940', '0.082', '136.2']])
  paper.append(el('tr', {class: 'paper'}, ...r.map(t => el('td', {}, t))));

const differences = document.getElementById('differences');
differences.append(el('tr', {}, ...['from', 'to', 'views', 'dB', '95 % interval'].map((t, i) => el('th', i < 2 ? {class: 'left'} : {}, t))));
for (const d of data.differences) {
  const sure = d.low > 0 || d.high < 0;
  differences.append(el('tr', {}, el('td', {}, d.from), el('td', {class: 'left'}, d.to), el('td', {}, String(d.views)),
    el('td', sure ? {class: 'best'} : {}, sign(d.mean)), el('td', {}, `${sign(d.low)} to ${sign(d.high)}`)));
}

const svg = (tag, attributes, text) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  if (text !== undefined) node.textContent = text;
  return node;
};
/// PSNR over preparation time on a logarithmic axis, one dot a method.
function trade() {
  const points = methods.map(m => [m, Math.max(data.summary[m].preparation_s, 0.01), data.summary[m].PSNR]).filter(p => Number.isFinite(p[2]));
  const W = 520, H = 300, left = 58, right = 104, top = 12, bottom = 40;
  const [t0, t1] = [Math.floor(Math.log10(Math.min(...points.map(p => p[1])))), Math.ceil(Math.log10(Math.max(...points.map(p => p[1]))) + 1e-9)];
  const [q0, q1] = [Math.floor(Math.min(...points.map(p => p[2]))) - 1, Math.ceil(Math.max(...points.map(p => p[2]))) + 1];
  const x = t => left + (Math.log10(t) - t0) / Math.max(1, t1 - t0) * (W - left - right), y = q => H - bottom - (q - q0) / (q1 - q0) * (H - top - bottom);
  const root = svg('svg', {width: W, height: H, role: 'img', 'aria-label': 'PSNR against preparation time'});
  const every = [1, 2, 5, 10].find(k => (q1 - q0) / k <= 7) || 20;
  for (let q = Math.ceil(q0 / every) * every; q <= q1; q += every)
    root.append(svg('line', {x1: left, x2: W - right, y1: y(q), y2: y(q), class: 'grid'}), svg('text', {x: left - 6, y: y(q) + 4, 'text-anchor': 'end'}, q));
  for (let t = t0; t <= t1; ++t)
    root.append(svg('line', {x1: x(10 ** t), x2: x(10 ** t), y1: top, y2: H - bottom, class: 'grid'}), svg('text', {x: x(10 ** t), y: H - bottom + 16, 'text-anchor': 'middle'}, t < 0 ? (10 ** t).toFixed(-t) : 10 ** t));
  root.append(svg('text', {x: left + (W - left - right) / 2, y: H - 6, 'text-anchor': 'middle', class: 'axis'}, 'preparation, seconds'), svg('text', {x: 0, y: top + 4, class: 'axis'}, 'dB'));
  // Labels right of their dots, pushed apart where they would touch.
  const labels = points.map(([m, t, q]) => [m, x(t) + 8, y(q) + 4]).sort((a, b) => a[2] - b[2]);
  for (let i = 1; i < labels.length; ++i)
    for (let j = 0; j < i; ++j)
      if (Math.abs(labels[i][1] - labels[j][1]) < 90 && labels[i][2] - labels[j][2] < 13) labels[i][2] = labels[j][2] + 13;
  for (const [m, t, q] of points) root.append(svg('circle', {cx: x(t), cy: y(q), r: 5, fill: color(m)}));
  for (const [m, at, line] of labels) { const text = svg('text', {x: at, y: line}, m); text.style.fill = color(m); root.append(text); }
  get('trade').append(root);
}
trade();
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
  const W = Math.max(900, 150 + 14 * views.length), H = 290, left = 56, right = 130, top = 12, bottom = 34;
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
show(methods.reduce((a, b) => data.summary[b].PSNR > data.summary[a].PSNR ? b : a, methods[0]));
</script></body></html>
)page";

}  // namespace renderfm
