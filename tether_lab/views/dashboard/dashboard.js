// Draws what the kernel decided. Controls are made once; later only their contents are replaced.
// Traits come from the kernel, messages go to it; nothing is written from two sides.

const STATUSES = ["running", "waiting", "pending", "scheduled", "blocked", "retrying", "completed", "failed",
  "cancelled", "expired", "skipped", "unfinished", "final"];
const SIGNS = { waiting: "◌", running: "▶", retrying: "↻", good: "✔", bad: "✘", ended: "■" };
const SILENCE = 12000, PATIENCE = 700, TYPING = 250;

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}
function say(node, text) { if (node.textContent !== text) node.textContent = text; }
function show(node, on) { if (node.hidden === on) node.hidden = !on; }
function set(node, name, value) {
  if (value === null || value === "") { if (node.hasAttribute(name)) node.removeAttribute(name); }
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}
function dark() {
  const body = document.body.dataset;
  if (body.jpThemeLight) return body.jpThemeLight === "false";
  if (body.vscodeThemeKind) return /dark|high-contrast$/.test(body.vscodeThemeKind);
  return matchMedia("(prefers-color-scheme: dark)").matches;
}
function badge(node, text, role) {
  set(node, "class", "tl-badge tl-" + role);
  if (!node.firstChild) node.append(make("span", { "aria-hidden": "true" }), make("span"));
  say(node.firstChild, (SIGNS[role] || "") + " "); say(node.lastChild, text);
}

function render({ model, el }) {
  const root = make("section", { class: "tl-board", "aria-label": "Tether Lab dashboard" });
  root.dataset.lmSuppressShortcuts = "true";               // keys typed here are not the notebook's
  const id = Math.random().toString(36).slice(2), only = model.get("only"), twin = model.get("twin");
  const ask = (changes) => model.send({ ask: changes });
  const question = () => model.get("question");
  let asked = 0, answered = 0, heard = Date.now(), waiting = 0;
  function act(verb, what) {
    asked += 1;
    model.send({ do: { verb, ...what }, n: asked });
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (answered < asked) notice("Kept: it is done when the running cell ends.", "retrying"); },
      PATIENCE);
  }

  // -- the frame, made once --------------------------------------------------------------------
  const lab = make("strong", { class: "tl-lab" }), worker = make("span", { class: "tl-worker" });
  const clock = make("span", { class: "tl-clock" });
  const start = make("button", { type: "button", onclick: () => act("start", {}) }, "Start the worker");
  const pause = make("button", { type: "button", onclick: () => act(model.get("head").paused ? "resume" : "pause", {}) });
  const top = make("div", { class: "tl-top" }, lab, worker, make("span", { class: "tl-space" }), clock, start, pause);
  const tiles = make("div", { class: "tl-tiles", role: "group", "aria-label": "Jobs by status" });
  const sentences = make("ul", { class: "tl-lines" });
  const blocked = make("div", { class: "tl-note tl-blocked", role: "status", hidden: true },
    "A cell is running. Numbers and rows keep up; what you click or type here is done when the cell ends.");
  const stale = make("div", { class: "tl-note tl-stale", role: "alert", hidden: true });
  const tabs = make("div", { class: "tl-tabs", role: "tablist", "aria-label": "What to see" });
  for (const [word, title] of model.get("tabs")) tabs.append(tab(word, title, () => ask({ tab: word, theme: theme() })));
  arrows(tabs);

  const search = make("input", { type: "search", placeholder: "Search (/)", "aria-label": "Search jobs", maxlength: 200 });
  const status = make("select", { "aria-label": "Status", onchange: () => ask({ status: status.value }) },
    make("option", { value: "" }, "any status"), ...STATUSES.map((word) => make("option", { value: word }, word)));
  const key = make("select", { "aria-label": "Handler", onchange: () => ask({ key: key.value }) });
  const queue = make("select", { "aria-label": "Queue", onchange: () => ask({ queue: queue.value }) });
  const tag = make("input", { type: "text", placeholder: "tag", "aria-label": "Tag", maxlength: 200, class: "tl-tag" });
  const chip = make("button", { type: "button", class: "tl-chip", hidden: true,
    onclick: () => ask({ chain: null, batch: null }) });
  const clear = make("button", { type: "button", hidden: true, onclick: () => { search.value = tag.value = "";
    ask({ status: "", key: "", queue: "", tag: "", words: "", chain: null, batch: null }); } }, "Clear filters");
  typed(search, () => ask({ words: search.value })); typed(tag, () => ask({ tag: tag.value }));
  const filters = make("div", { class: "tl-filters", role: "search" }, search, status, key, queue, tag, chip, clear);

  const figure = make("select", { "aria-label": "Figure", onchange: () => ask({ figure: figure.value, theme: theme() }) },
    ...model.get("figures").map(([word, title]) => make("option", { value: word }, title)));
  const since = make("select", { "aria-label": "Time", onchange: () => ask({ since: since.value, theme: theme() }) },
    ...[["1h", "last hour"], ["1d", "last day"], ["7d", "last 7 days"], ["30d", "last 30 days"], ["all", "all time"]]
      .map(([word, title]) => make("option", { value: word }, title)));
  const again = make("button", { type: "button", onclick: () => act("draw", {}) }, "Draw again");
  const analytics = make("div", { class: "tl-filters" }, figure, since, again);

  const header = make("tr"), body = make("tbody");
  const table = make("table", { class: "tl-table" }, make("thead", {}, header), body);
  const scroll = make("div", { class: "tl-scroll" }, table);
  const group = { name: make("strong"), badge: make("span"), far: make("span"), bar: make("span", { class: "tl-bar" },
    make("span")), said: make("span", { class: "tl-soft" }), buttons: make("span", { class: "tl-actions" }) };
  const groupBar = make("div", { class: "tl-top tl-group", hidden: true }, group.name, group.badge, group.far, group.bar,
    group.said, make("span", { class: "tl-space" }), group.buttons);
  const picked = new Set();                              // ids of the jobs that were chosen, on any page
  const pickedCount = make("span", { role: "status" }), pickCancel = picks("cancel"), pickRetry = picks("retry");
  const pickedBar = make("div", { class: "tl-top tl-picked", role: "toolbar", "aria-label": "Chosen jobs", hidden: true },
    pickedCount, pickCancel, pickRetry, make("button", { type: "button", onclick: () => pickNone() }, "None"));
  const empty = make("p", { class: "tl-empty" }), trouble = make("div", { class: "tl-note tl-stale", role: "alert", hidden: true });
  const first = step("«", "First page", () => 0), back = step("‹", "Page before", (q) => q.page - 1);
  const next = step("›", "Next page", (q) => q.page + 1), last = step("»", "Last page", (q, p) => Math.ceil(p.total / q.size) - 1);
  const range = make("span", { class: "tl-range", "aria-live": "off" });
  const size = make("select", { "aria-label": "Rows on a page", onchange: () => ask({ size: Number(size.value) }) },
    ...[10, 25, 50, 100].map((n) => make("option", { value: n }, `${n} rows`)));
  const pager = make("nav", { class: "tl-pager", "aria-label": "Pages" }, first, back, range, next, last, size);

  const open = { title: make("strong"), badge: make("span"), head: make("span", { class: "tl-soft" }),
    buttons: make("span", { class: "tl-actions" }), tabs: make("div", { class: "tl-tabs tl-small", role: "tablist",
      "aria-label": "The open job" }), body: make("div", { class: "tl-body", tabindex: 0, role: "tabpanel" }) };
  arrows(open.tabs);
  const shut = make("button", { type: "button", "aria-label": "Close the job", class: "tl-shut",
    onclick: () => ask({ job: null }) }, "✕");
  const detail = make("div", { class: "tl-detail", role: "region", "aria-label": "The open job", hidden: true },
    make("div", { class: "tl-top" }, open.title, open.badge, open.head, make("span", { class: "tl-space" }), open.buttons, shut),
    open.tabs, open.body);
  const said = make("div", { class: "tl-said", role: "status", "aria-live": "polite" });
  const foot = make("div", { class: "tl-foot" }, "Goes on while a cell runs; buttons and filters then wait for its end. "
    + "Keys: ↑ ↓ rows, Enter opens, Space chooses (Shift ↑ ↓ more, Ctrl A all shown), ← → tabs, / searches, Esc closes.");
  root.append(top, tiles, sentences, blocked, stale, tabs, filters, analytics, trouble,
    groupBar, scroll, empty, pickedBar, pager, said, detail, foot);
  const hide = twin ? make("style", {}, `.${twin}{display:none}`) : "";
  el.append(root, hide);

  // -- pieces ------------------------------------------------------------------------------------
  function theme() { return dark() ? "dark" : "light"; }
  function tab(word, title, choose) {
    return make("button", { type: "button", role: "tab", "data-word": word, onclick: choose }, title);
  }
  function arrows(list) {
    list.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move) return;
      const all = [...list.children], to = all[(all.indexOf(document.activeElement) + move + all.length) % all.length];
      to.focus(); to.click(); event.preventDefault();
    });
  }
  function typed(input, then) {
    let timer = 0;
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(then, TYPING); });
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") { clearTimeout(timer); then(); } });
  }
  function step(text, label, where) {
    return make("button", { type: "button", "aria-label": label, title: label,
      onclick: () => ask({ page: Math.max(0, where(question(), model.get("page"))) }) }, text);
  }
  function notice(text, role) { set(said, "class", "tl-said tl-text-" + role); say(said, text); }
  function choose(list, word) {
    for (const each of list.children) {
      const on = each.dataset.word === word;
      set(each, "aria-selected", on); set(each, "tabindex", on ? 0 : -1);
    }
  }
  function options(select, all, value, any) {
    const signature = JSON.stringify(all);
    if (select.dataset.all !== signature) {
      select.dataset.all = signature;
      select.replaceChildren(make("option", { value: "" }, any), ...all.map((word) => make("option", { value: word }, word)));
    }
    if (document.activeElement !== select || select.value !== value) select.value = value;
  }
  function buttons(place, actions, what) {
    while (place.children.length < actions.length) place.append(make("button", { type: "button" }));
    [...place.children].forEach((button, number) => {
      const action = actions[number];
      show(button, Boolean(action));
      if (!action) return;
      say(button, action[1]); set(button, "class", "tl-do tl-do-" + action[0]);
      set(button, "aria-label", `${action[1]}: ${Object.entries(what).map(([k, v]) => `${k} ${v}`)}`);
      button.onclick = (event) => { event.stopPropagation(); act(action[0], what); };
    });
  }

  // -- many at once: chosen here, done in the kernel ------------------------------------------------
  function picks(verb) {
    const sure = () => verb === "cancel" && picked.size >= 5;              // as in the panel: many are asked for twice
    const button = make("button", { type: "button", class: `tl-do-${verb}`, onblur: () => { button.dataset.sure = ""; drawPicked(); },
      onclick: () => {
        if (sure() && !button.dataset.sure) { button.dataset.sure = "1"; drawPicked(); return; }
        act(verb, { jobs: [...picked] }); pickNone();
      } });
    button.words = () => verb === "retry" ? `Run ${picked.size} again`
      : button.dataset.sure ? `Really cancel ${picked.size}?` : `Cancel ${picked.size}`;
    return button;
  }
  function pick(jobs, on) {
    for (const job of jobs) { if (on) picked.add(job); else picked.delete(job); }
    pickCancel.dataset.sure = "";
    drawPage();
  }
  function pickNone() { pick([...picked], false); }
  function shown() { return (model.get("page").lines || []).map((line) => line.what.job).filter((job) => job !== undefined); }
  function drawPicked() {
    show(pickedBar, picked.size > 0 && !only);
    say(pickedCount, picked.size === 1 ? "1 job chosen" : `${picked.size.toLocaleString("en-US")} jobs chosen`);
    for (const button of [pickCancel, pickRetry]) say(button, button.words());
  }

  // -- what the kernel says --------------------------------------------------------------------
  function drawHead() {
    const head = model.get("head");
    if (!head.lab) { say(lab, "Reading the lab …"); return; }
    say(lab, head.lab); say(worker, head.worker); set(worker, "class", "tl-worker tl-text-" + head.worker_role);
    say(clock, head.as_of); show(start, head.can_start && !only); show(pause, !only);
    say(pause, head.paused ? "Resume everything" : "Pause everything");
    const q = question();
    while (tiles.children.length < head.tiles.length)
      tiles.append(make("button", { type: "button", class: "tl-tile" }, make("b"), make("span")));
    head.tiles.forEach((tile, number) => {
      const node = tiles.children[number], on = q.status === tile.status && q.tab === "jobs";
      say(node.firstChild, tile.count === null ? "…" : tile.count.toLocaleString("en-US"));
      say(node.lastChild, tile.label);
      set(node, "class", `tl-tile tl-edge-${tile.role}${tile.count ? "" : " tl-none"}`); set(node, "aria-pressed", on);
      node.onclick = () => ask({ tab: "jobs", status: on ? "" : tile.status });
    });
    while (sentences.children.length < head.lines.length) sentences.append(make("li"));
    [...sentences.children].forEach((node, number) => {
      const line = head.lines[number];
      show(node, Boolean(line));
      if (line) { say(node, line[0]); set(node, "class", line[1] ? "tl-text-" + line[1] : ""); }
    });
    options(key, head.keys, q.key, "any handler"); options(queue, head.queues, q.queue, "any queue");
  }
  function drawQuestion() {
    const q = question(), jobs = q.tab === "jobs", figures = q.tab === "analytics";
    choose(tabs, q.tab);
    for (const node of [tabs, top, tiles, sentences]) show(node, !only);
    show(filters, jobs && !only); show(analytics, figures); show(pager, jobs && only !== "job");
    show(table.parentNode, !figures && only !== "job");
    if (document.activeElement !== search) search.value = q.words;
    if (document.activeElement !== tag) tag.value = q.tag;
    status.value = STATUSES.includes(q.status) ? q.status : "";
    figure.value = q.figure; since.value = q.since; size.value = q.size;
    const group = q.chain !== null ? `chain ${q.chain}` : q.batch !== null ? `batch ${q.batch}` : "";
    show(chip, Boolean(group)); say(chip, group + " ✕"); set(chip, "aria-label", group ? `Show more than ${group}` : "");
    show(clear, Boolean(q.status || q.key || q.queue || q.tag || q.words || group));
    drawHead();
  }
  function drawPage() {
    const page = model.get("page"), q = question();
    const signature = JSON.stringify([page.columns, q.sort, q.down]);
    if (header.dataset.all !== signature) {
      header.dataset.all = signature;
      header.replaceChildren(...(page.columns || []).map((column) => {
        const on = column.sort && column.sort === q.sort;
        const cell = make("th", { scope: "col", class: column.right ? "tl-right" : "",
          "aria-sort": on ? (q.down ? "descending" : "ascending") : null });
        cell.append(column.sort ? make("button", { type: "button", title: `Sort by ${column.title}`,
          onclick: () => ask({ sort: column.sort, down: on ? !q.down : column.sort !== "key" }) },
          column.title + (on ? (q.down ? " ▼" : " ▲") : "")) : column.title);
        return cell;
      }), make("th", { scope: "col", class: "tl-right" }, make("span", { class: "tl-hidden" }, "what can be done")));
      body.replaceChildren();
    }
    const focused = body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.what : null;
    const lines = page.lines || [];
    while (body.children.length < lines.length) body.append(row(page.columns.length));
    while (body.children.length > lines.length) body.lastChild.remove();
    lines.forEach((line, number) => fill(body.children[number], line, page.columns, number === 0));
    if (focused && document.activeElement.closest?.("tr")?.dataset.what !== focused)
      [...body.children].find((node) => node.dataset.what === focused)?.focus({ preventScroll: true });
    show(empty, !lines.length && Boolean(page.empty)); say(empty, page.empty || "");
    show(trouble, Boolean(page.error)); say(trouble, page.error || "");
    show(groupBar, Boolean(page.group));
    if (page.group) {
      const [number, name, standing, far, counts] = page.group.cells;
      say(group.name, `${name.text} · ${Object.keys(page.group.what)[0]} ${number.text}`);
      badge(group.badge, standing.text, standing.role); say(group.far, far.text); say(group.said, counts.text);
      group.bar.firstChild.style.width = `${((far.bar || 0) * 100).toFixed(1)}%`;
      buttons(group.buttons, page.group.actions, page.group.what);
    }
    const total = page.total === null || page.total === undefined ? "…" : page.total.toLocaleString("en-US");
    say(range, page.first ? `${page.first.toLocaleString("en-US")}–${page.last.toLocaleString("en-US")} of ${total}` : "0 of 0");
    const about = JSON.stringify([q.tab, q.status, q.key, q.queue, q.tag, q.words, q.chain, q.batch]);
    if (body.dataset.about !== about) {                      // another question: what was chosen is out of sight
      const asked = body.dataset.about; body.dataset.about = about;
      if (asked && picked.size) { pickNone(); return; }
    }
    drawPicked();
    first.disabled = back.disabled = !q.page; next.disabled = !page.more; last.disabled = !page.more || !page.total;
  }
  function row(width) {
    const node = make("tr", { tabindex: -1 });
    for (let n = 0; n < width; n++) node.append(make("td", {}, make("span"), make("span", { class: "tl-bar", hidden: true }, make("span"))));
    node.append(make("td", { class: "tl-actions tl-right" }, make("span"),
      make("input", { type: "checkbox", class: "tl-pick", tabindex: -1, onclick: (event) => event.stopPropagation() })));
    return node;
  }
  function fill(node, line, columns, isFirst) {
    const q = question();
    node.dataset.what = JSON.stringify(line.what);
    set(node, "aria-label", line.name); set(node, "tabindex", isFirst ? 0 : -1);
    set(node, "aria-selected", line.what.job !== undefined && line.what.job === q.job);
    node.onclick = () => ask(line.opens);
    line.cells.forEach((cell, number) => {
      const place = node.children[number], [text, bar] = place.children;
      set(place, "class", columns[number].right ? "tl-right" : ""); set(place, "title", cell.full || "");
      if (cell.role) badge(text, cell.text, cell.role);
      else { if (text.firstElementChild) { text.replaceChildren(); set(text, "class", ""); } say(text, cell.text); }
      show(bar, cell.bar !== null);
      if (cell.bar !== null) {
        bar.firstChild.style.width = `${(cell.bar * 100).toFixed(1)}%`;
        set(bar, "role", "progressbar"); set(bar, "aria-valuenow", Math.round(cell.bar * 100));
      }
    });
    const [doing, box] = node.lastChild.children, job = line.what.job;
    buttons(doing, line.actions, line.what);
    show(box, job !== undefined && !only); box.checked = picked.has(job);
    set(box, "aria-label", `Choose job ${job}`); set(node, "class", picked.has(job) ? "tl-chosen" : "");
    box.onchange = () => pick([job], box.checked);
  }
  function drawDetail() {
    const found = model.get("detail"), on = Boolean(found && found.job);
    const opens = on && detail.hidden;
    show(detail, on); show(shut, only !== "job"); scroll.classList.toggle("tl-opened", on);
    if (!on) { open.body.replaceChildren(); open.body.dataset.all = ""; return; }
    if (opens) body.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
    say(open.title, `${found.title} #${found.job}`); badge(open.badge, found.status, found.role); say(open.head, found.headline);
    buttons(open.buttons, found.actions, { job: found.job });
    const signature = JSON.stringify(found.tabs.map(([word]) => word));
    if (open.tabs.dataset.all !== signature) {
      open.tabs.dataset.all = signature;
      open.tabs.replaceChildren(...found.tabs.map(([word, title]) => tab(word, title, () => ask({ detail: word }))));
    }
    found.tabs.forEach(([, title], number) => say(open.tabs.children[number], title));
    choose(open.tabs, found.chosen);
    if (open.body.dataset.all !== found.body) {          // made and escaped by views/markup.py
      open.body.dataset.all = found.body;
      open.body.innerHTML = found.body;
    }
    show(open.body, Boolean(found.body));
  }
  function drawSaid() {
    const { n, text, role } = model.get("said");
    if (n) answered = Math.max(answered, n);
    notice(text || "", role || "ended");
  }
  function beat() {
    heard = Date.now();
    show(stale, false); root.classList.remove("tl-old");
  }
  function listen() {
    if (model.get("closed")) { show(stale, true); say(stale, "Closed. Run the cell again to open it."); }
    else if (Date.now() - heard > SILENCE) {
      show(stale, true); root.classList.add("tl-old");
      say(stale, `No news since ${new Date(heard).toLocaleTimeString()}: the kernel has ended, or runs code that holds `
        + "Python's lock. After a restart run the cell again; the jobs go on either way.");
    }
  }
  root.addEventListener("keydown", (event) => {
    const field = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "Escape") {
      if (field && event.target.value && event.target.type !== "checkbox") return;
      if (picked.size) pickNone();
      else if (question().job !== null && !only) ask({ job: null });
    } else if (field) return;
    else if (event.key === "/" && !filters.hidden) { search.focus(); event.preventDefault(); }
    else if (body.contains(event.target)) {
      const line = event.target.closest("tr");
      const to = { ArrowDown: line.nextSibling, ArrowUp: line.previousSibling, Home: body.firstChild, End: body.lastChild }[event.key];
      const job = JSON.parse(line.dataset.what).job;
      if (to) {
        if (event.shiftKey && job !== undefined) pick([job, JSON.parse(to.dataset.what).job], true);
        to.focus(); event.preventDefault();
      } else if (event.key === " " && event.target === line && job !== undefined) {
        pick([job], !picked.has(job)); event.preventDefault();
      } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) { pick(shown(), true); event.preventDefault(); }
      else if (event.key === "Enter" && event.target === line) { line.click(); event.preventDefault(); }
    }
    event.stopPropagation();
  });

  const draw = { head: drawHead, question: () => { drawQuestion(); drawPage(); }, page: drawPage, detail: drawDetail,
    said: drawSaid, at: beat, blocked: () => show(blocked, model.get("blocked")), closed: listen };
  for (const [name, handler] of Object.entries(draw)) model.on(`change:${name}`, handler);
  const themed = () => { root.classList.toggle("tl-dark", dark()); if (question().tab === "analytics") ask({ theme: theme() }); };
  const watcher = new MutationObserver(themed);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
  const timer = setInterval(listen, 2000);
  const gone = () => model.send({ view: id, there: false });
  addEventListener("pagehide", gone);
  root.classList.toggle("tl-dark", dark());
  root.classList.toggle("tl-only", Boolean(only));
  drawQuestion(); drawPage(); drawDetail(); drawSaid(); listen();
  model.send({ view: id, there: true });
  return () => {
    for (const [name, handler] of Object.entries(draw)) model.off(`change:${name}`, handler);
    watcher.disconnect(); clearInterval(timer); clearTimeout(waiting); removeEventListener("pagehide", gone);
    try { gone(); } catch { /* the kernel has gone first */ }
  };
}
export default { render };
