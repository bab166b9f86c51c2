// The page: a file comes in, work is watched, the scan is seen, refined and taken away.

const EFFORTS = {
  quick: { views: 8, size: 192, steps: 300 },
  standard: { views: 20, size: 256, steps: 800 },
  thorough: { views: 40, size: 384, steps: 1500 },
};
const POLL_MS = 400, IDLE_POLL_MS = 20000;
const STEPS = {  // what our programs call their steps -> what a user reads
  "Reading slices": "Reading the slices", "network": "Running the network", "path tracing": "Path tracing views to learn from",
  "fine-tuning": "Refining the Gaussians", "writing the page": "Making the picture",
};

let scan = null;      // the server's last word
let uploading = null;  // { abort() }
let labels = null;    // a File
let pollTimer;
let shownLook = -1;
let dismissed = "";   // an error that was read
let closing = false;

const viewer = new ViewerFrame(byId("frames"), (theme) => setTheme(theme));

function setState(state) { document.body.dataset.state = state; }

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  viewer.setTheme(theme);
  try { localStorage.setItem("theme", theme); } catch { /* private windows */ }
}

function showDropError(text) {
  byId("drop-error").textContent = text;
  byId("drop-error").hidden = !text;
}

function stepText(job) {
  const text = STEPS[job.step] || readable(job.step || "starting");
  return job.note ? `${text}, ${job.note}` : text;
}

// --- a file comes in

function setLabels(file) {
  labels = file;
  byId("labels-name").textContent = file ? file.name : "none: tissues are estimated";
  byId("drop-labels").hidden = !file;
}

const looksLikeLabels = (name) => /(seg|label|mask)/i.test(name) && /\.(nii(\.gz)?|nrrd|mha)$/i.test(name);

function take(files) {
  const list = [...files];
  const second = list.length === 2 ? list.findIndex((file) => looksLikeLabels(file.name)) : -1;
  if (list.length === 0) return showDropError("A folder cannot be sent; pack its DICOM slices into one .zip file.");
  if (list.length > 2 || (list.length === 2 && second < 0)) {
    return showDropError("One scan at a time, with its organ labels beside it at most; pack DICOM slices into one .zip file.");
  }
  if (second >= 0) setLabels(list.splice(second, 1)[0]);
  send(list[0]);
}

function showWork(title, name, stage, share, step, left) {
  setState("work");
  byId("work-title").textContent = title;
  byId("work-name").textContent = name;
  byId("work-step").textContent = step;
  byId("work-left").textContent = left;
  setTrack(byId("work-fill"), share);
  let before = true;
  for (const item of byId("stages").children) {
    const now = item.dataset.stage === stage;
    if (now) before = false;
    item.classList.toggle("now", now);
    item.classList.toggle("past", before);
  }
}

async function send(file) {
  showDropError("");
  const started = performance.now();
  const total = file.size + (labels ? labels.size : 0);
  let before = 0;
  const onProgress = (bytes) => {
    const sent = before + bytes, seconds = (performance.now() - started) / 1000;
    const left = seconds > 1 ? seconds * (total - sent) / Math.max(1, sent) : undefined;
    showWork("Uploading", file.name, "upload", Math.min(1, sent / total), `${sizeText(Math.min(sent, total))} of ${sizeText(total)}`, leftText(left));
  };
  let id = null;
  try {
    onProgress(0);
    uploading = upload("POST", "/api/scans", file, onProgress);
    id = (await uploading.done).id;
    if (labels && !/\.(ply|glb|spz|splat)$/i.test(file.name)) {
      before = file.size;
      uploading = upload("PUT", `/api/scans/${id}/labels`, labels, onProgress);
      await uploading.done;
    }
    uploading = null;
    shownLook = -1;
    follow(await ask("POST", `/api/scans/${id}/jobs`, { kind: "look", tf: byId("first-look").value }));
    history.replaceState(null, "", `#scan=${id}`);
  } catch (error) {
    uploading = null;
    if (id) ask("DELETE", `/api/scans/${id}`).catch(() => {});
    setState("drop");
    showDropError(error.message);
  }
}

// --- the server works

async function poll() {
  clearTimeout(pollTimer);
  if (!scan) return;
  const id = scan.id;
  try {
    const state = await ask("GET", `/api/scans/${id}`);
    if (scan && scan.id === id) follow(state);
  } catch (error) {
    if (!scan || scan.id !== id || closing) return;
    if (error.status === 404) return leave(error.message);
    showViewError(error.message);
    pollTimer = setTimeout(poll, 3000);
  }
}

function follow(state) {
  scan = state;
  const job = state.job, busy = job && (job.state === "waiting" || job.state === "running");
  byId("scan-name").textContent = state.name;
  byId("scan-name").title = state.name;
  if (state.looks.length === 0) {
    if (busy) showFirstJob(state);
    else if (job && job.state === "failed") return leave(job.error);
    else return leave("");
  } else {
    showView(state, busy);
  }
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, busy ? POLL_MS : IDLE_POLL_MS);
}

function showFirstJob(state) {
  const { job } = state;
  if (job.state === "waiting") {
    const others = job.ahead === 1 ? "another scan is" : `${job.ahead} other jobs are`;
    return showWork("Waiting", state.name, "infer", undefined, job.ahead ? `The server works on one scan at a time; ${others} before yours` : "Starting", "");
  }
  const page = /page|picture/.test(job.step);
  showWork("Working", state.name, page ? "page" : "infer", job.share, stepText(job), leftText(job.seconds_left));
}

// --- the scan is seen

function showViewError(text) {
  const box = byId("view-error");
  box.firstElementChild.textContent = text;
  box.hidden = !text || text === dismissed;
}

function lookTitle(look) { return `${look.title || "As it came"}${look.tuned ? ", fine-tuned" : ""}`; }

function fillLooks(state) {
  const select = byId("look");
  const made = state.looks.map((look, index) => element("option", { value: `look:${index}` }, lookTitle(look)));
  const known = new Set(state.looks.map((look) => look.tf));
  const more = state.kind === "gaussians" ? [] : config.presets.filter((preset) => !known.has(preset.name));
  const groups = [element("optgroup", { label: "There" }, ...made)];
  if (more.length) {
    groups.push(element("optgroup", { label: "Make another" },
                        ...more.map((preset) => element("option", { value: `tf:${preset.name}` }, readable(preset.name)))));
  }
  const text = groups.map((group) => group.outerHTML).join("");
  if (select.dataset.text !== text) {
    select.dataset.text = text;
    select.replaceChildren(...groups);
  }
  select.value = `look:${shownLook}`;
}

function showLook(index) {
  shownLook = index;
  const look = scan.looks[index];
  viewer.show(`/scans/${scan.id}/pages/${look.page}`, look.sphere);
  for (const link of byId("download-menu").querySelectorAll("a")) {
    link.href = `/scans/${scan.id}/looks/${index}/${link.dataset.format}`;
    link.setAttribute("download", "");
  }
}

function showView(state, busy) {
  const { job } = state;
  setState("view");
  const tuning = busy && job.kind === "tune";
  const newest = state.looks.length - 1;
  if (shownLook > newest || shownLook < 0 || (state.looks.length !== showView.count && !tuning)) showLook(newest);
  showView.count = state.looks.length;
  if (tuning && job.preview) {
    viewer.show(`/scans/${state.id}/pages/${job.preview}`, state.looks[shownLook].sphere);
  } else if (!busy) {
    showLook(shownLook);
  }
  fillLooks(state);
  byId("look").disabled = Boolean(busy);
  byId("tune-button").hidden = state.kind === "gaussians";
  byId("notes-menu").hidden = state.warnings.length === 0;
  byId("notes").replaceChildren(...state.warnings.map((text) => element("li", {}, text)));

  byId("job-bar").hidden = !busy || tuning;
  if (busy && !tuning) {
    byId("job-text").textContent = job.state === "waiting" ? "Waiting for another scan" : `${readable(job.tf)}: ${stepText(job)}`;
    byId("job-left").textContent = leftText(job.seconds_left);
  }
  showViewError(job && job.state === "failed" ? job.error : "");
  showTuning(state, tuning);
}

function showTuning(state, tuning) {
  const { job } = state;
  const tune = job && job.kind === "tune" ? job : null;
  if (tuning) openTune(true);
  byId("tune-idle").hidden = tuning;
  byId("tune-run").hidden = !tune || (!tuning && tune.curve.length < 2);
  byId("tune-progress").hidden = !tuning;
  byId("tune-start").disabled = Boolean(job && (job.state === "waiting" || job.state === "running"));
  if (!tune) return;
  const first = tune.curve[0], best = tune.curve.reduce((a, b) => (!a || b.psnr_db > a.psnr_db ? b : a), null);
  byId("psnr-now").textContent = best ? `${best.psnr_db.toFixed(2)} dB` : "\u2013";
  byId("psnr-gain").textContent = best && best.psnr_db > first.psnr_db ? `+${(best.psnr_db - first.psnr_db).toFixed(2)} dB` : "";
  if (best) drawChart(byId("chart"), tune.curve, tune.steps);
  else byId("chart").replaceChildren();
  byId("tune-step").textContent = tune.state === "waiting" ? "Waiting for another scan" : STEPS[tune.step] || readable(tune.step || "starting");
  byId("tune-left").textContent = leftText(tune.seconds_left);
  setTrack(byId("tune-fill"), tune.share);
  const stopped = tune.state === "cancelled" ? (best && best.psnr_db > first.psnr_db ? "Stopped; the best so far is kept." : "Stopped; nothing was better yet.") : "";
  const text = tuning ? "" : tune.message || stopped || (tune.state === "done" && best ? "Done. The look list holds both, before and after." : "");
  byId("tune-message").textContent = text;
  byId("tune-message").hidden = !text;
}

function openTune(open) {
  byId("tune").hidden = !open;
  byId("tune-button").setAttribute("aria-expanded", String(open));
}

async function order(job) {
  try {
    dismissed = "";
    follow(await ask("POST", `/api/scans/${scan.id}/jobs`, job));
  } catch (error) {
    showViewError(error.message);
  }
}

async function cancel() {
  if (uploading) return uploading.abort();
  if (!scan) return;
  await ask("DELETE", `/api/scans/${scan.id}/jobs`).then(follow, (error) => showViewError(error.message));
}

// Back to the start; the server forgets the scan.
function leave(message) {
  clearTimeout(pollTimer);
  if (scan) ask("DELETE", `/api/scans/${scan.id}`).catch(() => {});
  scan = null;
  shownLook = -1;
  showView.count = undefined;
  viewer.clear();
  openTune(false);
  byId("scan-name").textContent = "";
  history.replaceState(null, "", location.pathname);
  setState("drop");
  showDropError(message);
}

// --- start

function start() {
  let theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  try { theme = localStorage.getItem("theme") || theme; } catch { /* private windows */ }
  setTheme(theme);
  byId("limit").textContent = sizeText(config.max_upload_bytes);
  const first = byId("first-look");
  first.append(element("option", { value: "auto" }, "Automatic"),
               ...config.presets.map((preset) => element("option", { value: preset.name }, readable(preset.name))));
  const describe = () => {
    const preset = config.presets.find((p) => p.name === first.value);
    byId("look-text").textContent = preset ? preset.description : "Automatic chooses by what the scan shows; others can be chosen later.";
  };
  first.onchange = describe;
  describe();

  byId("theme").onclick = () => setTheme(document.documentElement.dataset.theme === "light" ? "dark" : "light");
  byId("choose").onclick = () => byId("file").click();
  byId("file").onchange = (event) => { take(event.target.files); event.target.value = ""; };
  byId("choose-labels").onclick = () => byId("labels-file").click();
  byId("labels-file").onchange = (event) => setLabels(event.target.files[0] || null);
  byId("drop-labels").onclick = () => setLabels(null);
  for (const name of ["work-cancel", "job-cancel", "tune-cancel"]) byId(name).onclick = cancel;
  byId("new-scan").onclick = () => leave("");
  byId("look").onchange = (event) => {
    const [kind, value] = event.target.value.split(":");
    if (kind === "tf") order({ kind: "look", tf: value });
    else { showLook(Number(value)); fillLooks(scan); }
  };
  byId("tune-button").onclick = () => openTune(byId("tune").hidden);
  byId("tune-close").onclick = () => openTune(false);
  byId("tune-start").onclick = () => {
    const effort = EFFORTS[document.querySelector("[name=effort]:checked").value];
    order({ kind: "tune", look: shownLook, ...effort });
  };
  byId("view-error").querySelector("button").onclick = () => {
    dismissed = byId("view-error").firstElementChild.textContent;
    byId("view-error").hidden = true;
  };
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".menu[open]")) {
      if (!menu.contains(event.target) || event.target.closest("a")) menu.open = false;
    }
  });
  addEventListener("blur", () => { for (const menu of document.querySelectorAll(".menu[open]")) menu.open = false; });
  addEventListener("beforeunload", () => { closing = true; });

  const hasFiles = (event) => [...event.dataTransfer.types].includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("over");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    if (document.body.dataset.state === "drop") {
      const folder = [...event.dataTransfer.items].some((item) => item.webkitGetAsEntry && item.webkitGetAsEntry() && item.webkitGetAsEntry().isDirectory);
      take(folder ? [] : event.dataTransfer.files);
    }
  });

  const open = /^#scan=([0-9a-f]{32})$/.exec(location.hash);
  if (open) {
    scan = { id: open[1] };
    poll();
  }
}

start();
