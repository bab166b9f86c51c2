// Puts the page together.

const page = JSON.parse(byId("page").textContent);

let toastTimer;
function toast(text) {
  const box = byId("toast");
  box.textContent = text;
  box.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.classList.remove("shown"), 2600);
}

// No picture in three dimensions: the still one, and why.
function fallBack(reason) {
  byId("reason").textContent = reason;
  byId("fallback").hidden = false;
  byId("loading").hidden = true;
  document.body.classList.add("bare");
}

function readShaders() {
  const parts = byId("shaders").textContent.split(/^#part (\w+)\n/m);
  const shaders = {};
  for (let k = 1; k < parts.length; k += 2) shaders[parts[k]] = parts[k + 1];
  return shaders;
}

function makeStage() {
  if (typeof WebGL2RenderingContext === "undefined") throw new Error("This browser has no WebGL 2.");
  if (typeof DecompressionStream === "undefined") throw new Error("This browser is too old to unpack the picture.");
  const source = new Blob([byId("worker").textContent], { type: "text/javascript" });
  const url = URL.createObjectURL(source);
  const stage = new Stage(page, byId("canvas"), new Worker(url), readShaders());
  stage.worker.onerror = (event) => { event.preventDefault(); fallBack(`The picture could not be unpacked: ${event.message}`); };
  stage.onFail = (text) => fallBack(`The picture could not be unpacked: ${text}`);
  return stage;
}

const COMPACT = matchMedia("(max-width: 560px), (max-height: 430px)");  // as in style.css

function start(stage) {
  const { canvas } = stage;
  let hashTimer, turning = false, lastTurn = 0;
  const cube = new Cube(byId("cube"), (letter) => goTo(letter));

  const keepHash = () => {
    clearTimeout(hashTimer);
    hashTimer = setTimeout(() => history.replaceState(null, "", hashFromState(page, stage.state)), 250);
  };
  const changed = () => { stage.change(); keepHash(); };
  const moved = () => { stage.change({ moving: true }); keepHash(); };
  const organPanel = new OrganPanel(page, stage, changed);
  const cutPanel = new CutPanel(stage, moved);
  const controls = new Controls(stage, canvas, moved, () => setTurning(false));

  // Turns to a standard view along the shorter way.
  function goTo(letter) {
    setTurning(false);
    const { az, el } = VIEWS[letter];
    const from = { az: stage.state.az, el: stage.state.el };
    const way = ((az - from.az + 540) % 360) - 180;
    const begin = performance.now();
    const ms = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 280;
    const step = (now) => {
      const share = ms === 0 ? 1 : Math.min(1, Math.max(0, now - begin) / ms);
      const eased = share * share * (3 - 2 * share);
      stage.state.az = (((from.az + way * eased) % 360) + 360) % 360;
      stage.state.el = from.el + (el - from.el) * eased;
      moved();
      if (share < 1) requestAnimationFrame(step);
      else Object.assign(stage.state, { az, el });
    };
    step(begin + ms * 0.01);
  }

  function setTurning(on) {
    if (turning === on) return;
    turning = on;
    byId("turn").setAttribute("aria-pressed", String(on));
    lastTurn = performance.now();
    if (on) requestAnimationFrame(turn);
  }
  function turn(now) {
    if (!turning) return;
    stage.state.az = (stage.state.az + Math.min(100, Math.max(0, now - lastTurn)) * 0.03) % 360;
    lastTurn = now;
    moved();
    requestAnimationFrame(turn);
  }

  // Where room is short, the scan fills it.
  let box, atHome = false;
  const homeZoom = () => (COMPACT.matches && box ? Math.max(1, fittingZoom(stage.camera(1), box, stage.radius)) : 1);

  function reset() {
    setTurning(false);
    Object.assign(stage.state, { az: 0, el: 0, zoom: 1, pan: [0, 0, 0] });
    stage.state.zoom = homeZoom();
    changed();
  }

  // An address without a view shows the scan as reset does.
  function goHome() {
    if (atHome && box) reset();
    if (box) atHome = false;
  }

  function setTheme(theme) {
    stage.state.theme = theme;
    document.documentElement.dataset.theme = theme;
    stage.background = theme === "light" ? [0.953, 0.961, 0.969] : [0, 0, 0];
    changed();
  }

  const PANELS = ["organs", "cuts"];
  function openPanel(id, open) {
    openTools("");
    for (const name of PANELS) {
      const show = name === id && open;
      byId(name).hidden = !show;
      byId(`${name}-button`).setAttribute("aria-expanded", String(show));
    }
  }
  const closePanels = () => openPanel("", false);
  const sheets = Object.fromEntries(PANELS.map((name) => [name, new Sheet(byId(name), closePanels)]));

  // Where room is short, the tools wait behind two buttons.
  const TOOLS = ["views", "more"];
  function openTools(name) {
    byId("tools").dataset.open = name;
    for (const each of TOOLS) byId(`${each}-button`).setAttribute("aria-expanded", String(each === name));
  }
  for (const name of TOOLS) byId(`${name}-button`).onclick = () => openTools(byId("tools").dataset.open === name ? "" : name);
  byId("tools").addEventListener("click", (event) => { if (event.target.closest(".picture button")) openTools(""); });
  canvas.addEventListener("pointerdown", () => openTools(""));

  // The scan stands in the middle of what the panels leave free.
  function measureCovered() {
    const whole = canvas.getBoundingClientRect();
    const covered = { ...NOTHING_COVERED };
    const panel = PANELS.map(byId).find((each) => !each.hidden);
    if (stage.state.ui && COMPACT.matches) {
      covered.top = byId("title-bar").getBoundingClientRect().bottom;
      covered.bottom = whole.bottom - byId("tools").getBoundingClientRect().top;
    }
    if (stage.state.ui && panel) {
      const box = panel.getBoundingClientRect();
      if (!NARROW.matches) covered.right = whole.right - box.left;
      // A sheet that is raised further than half covers the scan.
      else covered.bottom = Math.max(covered.bottom, Math.min(whole.bottom - box.top, SHEET_STOPS[1] * whole.height));
    }
    if (covered.top + covered.bottom > 0.7 * whole.height) covered.top = covered.bottom = 0;  // a thumbnail
    byId("stage").style.setProperty("--covered", `${covered.bottom}px`);
    byId("stage").style.setProperty("--aside", `${covered.right}px`);
    if (Object.keys(covered).every((side) => covered[side] === stage.covered[side])) return stage.requestDraw();
    stage.covered = covered;
    stage.change({ moving: true });
  }
  const togglePanel = (id) => openPanel(id, byId(id).hidden);

  // Another transfer function: the same point of the patient stays in the middle at the same size.
  function chooseSet(index) {
    if (index === stage.state.tf) return;
    const from = page.sets[stage.state.tf], to = page.sets[index];
    const shift = added(from.centre, scaled(to.centre, -1));
    const { state } = stage;
    state.pan = added(state.pan, shift);
    state.zoom *= to.radius / from.radius;
    for (const plane of state.planes) plane.offset -= dot(plane.normal, shift);
    if (state.box) state.box = state.box.map((v, k) => v + shift[k >> 1]);
    state.tf = index;
    showSet();
    keepHash();
  }
  function showSet() {
    byId("loading").hidden = false;
    for (const button of byId("presets").children) {
      button.setAttribute("aria-checked", String(Number(button.dataset.set) === stage.state.tf));
    }
    const set = page.sets[stage.state.tf];
    byId("caption").textContent = `${set.title} · ${set.count.toLocaleString("en")} Gaussians`;
    stage.load(stage.state.tf);
  }

  if (page.sets.length > 1) {
    byId("presets").hidden = false;
    byId("presets").append(...page.sets.map((set, index) =>
      element("button", { role: "radio", "data-set": index, "aria-checked": "false", onclick: () => chooseSet(index) }, set.title)));
  }

  stage.onLoad = (index, loaded) => {
    byId("loading").hidden = true;
    box = loaded.box;
    goHome();
    organPanel.show(index, loaded.histogram);
    cutPanel.update();
  };
  stage.onDraw = (camera) => {
    cube.update(camera);
    const unit = canvas.width / canvas.clientWidth;
    const bar = scaleBar(camera.mmPerPixel, 120 * unit);
    byId("scale-bar").style.width = `${bar.px / unit}px`;
    byId("scale-text").textContent = bar.text;
  };

  byId("search").addEventListener("focus", () => sheets.organs.raise());  // a phone's keyboard needs the lower half
  for (const button of document.querySelectorAll("[data-view]")) button.onclick = () => goTo(button.dataset.view);
  byId("reset").onclick = reset;
  byId("turn").onclick = () => setTurning(!turning);
  byId("theme").onclick = () => setTheme(stage.state.theme === "light" ? "dark" : "light");
  byId("organs-button").onclick = () => togglePanel("organs");
  byId("cuts-button").onclick = () => togglePanel("cuts");
  for (const button of document.querySelectorAll(".panel .close")) button.onclick = closePanels;
  byId("help-button").onclick = () => byId("help").showModal();
  byId("help").onclick = (event) => { if (event.target === byId("help")) byId("help").close(); };
  const shoot = async () => download(await takePicture(stage), "render-fm.png");
  byId("shot").onclick = shoot;
  byId("record").onclick = async () => {
    setTurning(false);
    byId("record").disabled = true;
    closePanels();  // for what they cover
    const film = await takeFilm(stage, { seconds: window.renderfm.filmSeconds, onProgress: (share) => toast(`Recording, ${Math.round(100 * share)} %`) });
    byId("record").disabled = false;
    if (film) download(film.blob, `render-fm.${film.suffix}`);
    else toast("This browser cannot record films.");
  };
  byId("link").onclick = async () => {
    const link = location.href.split("#")[0] + hashFromState(page, stage.state);
    history.replaceState(null, "", hashFromState(page, stage.state));
    try {
      await navigator.clipboard.writeText(link);
      toast("Link copied.");
    } catch {
      toast("The address bar now holds this view.");
    }
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    const typing = event.target.matches("input[type=search]");
    // Arrows move a slider, the space key presses what has the focus.
    const slides = event.target.matches("input[type=range]") && event.key.startsWith("Arrow");
    const pressable = event.target.matches("button, summary, input");
    if (event.key === "Escape") {
      if (typing) event.target.blur();
      else closePanels();
      return canvas.focus();
    }
    if (typing || slides) return;
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const acts = { 0: reset, T: () => byId("theme").click(), O: () => togglePanel("organs"), C: () => togglePanel("cuts"),
                   H: () => byId("help").showModal(), X: shoot,
                   "/": () => { openPanel("organs", true); byId("search").focus(); } };
    if (key === " " && pressable) return;
    if (key === " ") setTurning(!turning);
    else if (key in VIEWS) goTo(key);
    else if (acts[key]) acts[key]();
    else if (!controls.key(event)) return;
    event.preventDefault();
  });

  function applyHash() {
    const before = stage.state.tf;
    stage.state = stateFromHash(page, location.hash);
    atHome = stage.state.ui && !/[#&](az|el|zoom|pan)=/.test(location.hash);
    document.body.classList.toggle("bare", !stage.state.ui);
    measureCovered();
    setTheme(stage.state.theme);
    organPanel.update();
    cutPanel.update();
    if (stage.loading === undefined || before !== stage.state.tf) showSet();
    else goHome();
  }
  window.addEventListener("hashchange", applyHash);
  const observer = new ResizeObserver(measureCovered);
  for (const each of [canvas, byId("title-bar"), byId("tools"), ...PANELS.map(byId)]) observer.observe(each);
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    fallBack("The graphics card was lost. Reload the page to try again.");
  });

  applyHash();
  // On a small screen the scan comes first.
  if (stage.state.ui && window.innerWidth > 1000 && page.organs.length > 1) openPanel("organs", true);

  // For pages that embed this one, and for tests.
  window.renderfm = {
    settled: () => stage.settled(),
    hash: () => hashFromState(page, stage.state),
    show: (hash) => { history.replaceState(null, "", hash); applyHash(); return stage.settled(); },
    filmSeconds: 8,
    stats: () => ({ ...stage.stats, quality: stage.quality, float: stage.renderer.float }),
  };
}

fillIcons(document);
try {
  start(makeStage());
} catch (error) {
  fallBack(error.message);
}
