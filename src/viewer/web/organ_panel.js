// The list of organs: groups, search, show and hide, isolate, opacity, and which the planes leave whole.

class OrganPanel {
  constructor(page, stage, changed) {
    this.page = page;
    this.stage = stage;
    this.changed = changed;
    this.rows = new Map();
    this.list = byId("organ-list");
    byId("search").addEventListener("input", () => this.filter());
    byId("show-all").onclick = () => this.setHidden(this.present, false);
    byId("hide-all").onclick = () => this.setHidden(this.present, true);
  }

  // The organs that this set has Gaussians of.
  show(setIndex, histogram) {
    const set = this.page.sets[setIndex];
    this.list.replaceChildren();
    this.rows.clear();
    const here = this.page.organs.filter((organ) => histogram[organ.label] > 0);
    this.present = here.map((organ) => organ.label);
    this.groups = [];
    for (const group of this.page.groups) {
      const organs = here.filter((organ) => organ.group === group.id);
      if (organs.length === 0) continue;
      const labels = organs.map((organ) => organ.label);
      const eye = this.button("shown", `Show or hide ${group.title}`, () => this.setHidden(labels, !this.allHidden(labels)));
      const keep = this.button("cut", `Leave ${group.title} whole where planes cut`, () => this.setKeep(labels));
      const only = element("button", { class: "only", title: `Show only ${group.title}`, "aria-label": `Show only ${group.title}`,
                                       onclick: (e) => { e.preventDefault(); this.isolate(labels); } }, "only");
      const details = element("details", { class: "organ-group", open: here.length < 14 || this.page.groups.length === 1 },
        element("summary", {}, element("span", {}, group.title), element("span", { class: "count" }, String(organs.length)),
                element("span", { class: "acts" }, only, keep, eye)));
      for (const organ of organs) details.append(this.row(organ, set.colours[organ.label] || "#888"));
      this.groups.push({ details, labels, eye, keep });
      this.list.append(details);
    }
    this.nothing = element("p", { class: "nothing", hidden: true }, "No organ of this name here.");
    this.list.append(this.nothing);
    this.filter();
    this.update();
  }

  button(name, label, act) {
    return element("button", { icon: name, title: label, "aria-label": label, "aria-pressed": "false",
                               onclick: (event) => { event.preventDefault(); act(); } });
  }

  row(organ, colour) {
    const labels = [organ.label];
    const eye = this.button("shown", `Show or hide ${organ.title}`, () => this.setHidden(labels, !this.stage.state.hidden.has(organ.label)));
    const keep = this.button("cut", `Leave ${organ.title} whole where planes cut`, () => this.setKeep(labels));
    const only = element("button", { class: "only", title: `Show only ${organ.title}`, "aria-label": `Show only ${organ.title}`,
                                     onclick: () => this.isolate(labels) }, "only");
    const slider = element("input", { type: "range", min: "0", max: "100", step: "1", hidden: true, "aria-label": `Opacity of ${organ.title}`,
      oninput: () => {
        this.stage.state.opacity.set(organ.label, Number(slider.value) / 100);
        this.refresh();
      } });
    const fade = this.button("opacity", `Opacity of ${organ.title}`, () => {
      slider.hidden = !slider.hidden;
      if (!slider.hidden) slider.focus();
    });
    const node = element("div", { class: "organ", "data-organ": organ.name },
      element("span", { class: "swatch", style: { background: colour } }), element("span", { class: "name", title: organ.title }, organ.title),
      element("span", { class: "acts" }, only, fade, keep, eye), slider);
    this.rows.set(organ.label, { organ, node, eye, keep, fade, slider });
    return node;
  }

  allHidden(labels) { return labels.every((label) => this.stage.state.hidden.has(label)); }

  setHidden(labels, hidden) {
    for (const label of labels) {
      if (hidden) this.stage.state.hidden.add(label);
      else this.stage.state.hidden.delete(label);
    }
    this.refresh();
  }
  // Again: all are back.
  isolate(labels) {
    const { state } = this.stage;
    const others = this.page.organs.map((organ) => organ.label).filter((label) => !labels.includes(label));
    const alone = others.every((label) => state.hidden.has(label)) && labels.every((label) => !state.hidden.has(label));
    state.hidden = new Set(alone ? [] : others);
    this.refresh();
  }
  setKeep(labels) {
    const { keep } = this.stage.state;
    const all = labels.every((label) => keep.has(label));
    for (const label of labels) {
      if (all) keep.delete(label);
      else keep.add(label);
    }
    this.refresh();
  }

  refresh() {
    this.update();
    this.changed();
  }

  update() {
    const { hidden, keep, opacity } = this.stage.state;
    const set = (button, pressed) => button.setAttribute("aria-pressed", String(pressed));
    for (const [label, row] of this.rows) {
      const off = hidden.has(label);
      row.node.classList.toggle("off", off);
      row.eye.innerHTML = icon(off ? "hidden" : "shown");
      set(row.eye, !off);
      set(row.keep, keep.has(label));
      const value = opacity.get(label) ?? 1;
      set(row.fade, value < 1);
      row.slider.value = String(Math.round(value * 100));
    }
    for (const group of this.groups || []) {
      const off = this.allHidden(group.labels);
      group.eye.innerHTML = icon(off ? "hidden" : "shown");
      set(group.eye, !off);
      set(group.keep, group.labels.every((label) => keep.has(label)));
    }
    const kept = this.page.organs.filter((organ) => keep.has(organ.label)).map((organ) => organ.title);
    byId("keep-text").textContent = kept.length === 0 ? "No organ. In the organ list, the scissors leave an organ whole."
      : kept.length > 6 ? `${kept.slice(0, 5).join(", ")} and ${kept.length - 5} more.` : `${kept.join(", ")}.`;
  }

  filter() {
    const words = byId("search").value.toLowerCase().replace(/_/g, " ").split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { organ, node } of this.rows.values()) {
      const text = `${organ.title} ${organ.name} ${organ.groups.join(" ")}`.toLowerCase();
      node.hidden = !words.every((word) => text.includes(word));
      found += node.hidden ? 0 : 1;
    }
    for (const group of this.groups || []) {
      const any = group.labels.some((label) => !this.rows.get(label).node.hidden);
      group.details.hidden = !any;
      if (words.length > 0 && any) group.details.open = true;
    }
    if (this.nothing) this.nothing.hidden = found > 0;
  }
}
