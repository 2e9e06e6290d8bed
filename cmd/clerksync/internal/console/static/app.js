"use strict";
// Each page works without this file. It adds live updates, keys, copying, themes and dialogs, all by attributes:
//   data-live="message row dead counts"  the element, which has an id, is fetched anew when such an event comes; with
//                                        "pending", until the server has it
//   data-list                            j and k go through the links in it
//   data-key="r"                         the key clicks the element, or puts the focus into a field
//   data-copy="text"                     a click copies the text
//   data-opens="id"                      a click opens the dialog
//   data-order-add="id"                  a click adds the message to those of the Order page
//   data-drag                            the items of the list can be dragged, on the Order page
//   data-keep="name"                     what is typed stays in this browser; data-fresh: the server has newer text
const find = (selector, below = document) => below.querySelector(selector);
const all = (selector, below = document) => [...below.querySelectorAll(selector)];
const store = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(name, value); } catch { /* closed to us: not kept */ } },
};
const time = () => new Date().toTimeString().slice(0, 8);

// --- live updates
const live = find("#live");
let source, lostTimer, paused = false, run = document.body.dataset.run;

function showLive(state, text) {
  live.dataset.state = state;
  live.textContent = text;
}

function lost(text) {
  clearTimeout(lostTimer);
  if (live.dataset.state !== "lost" || text) showLive("lost", text || `not live since ${time()}, trying again`);
}

function connect() {
  disconnect();
  if (paused || document.hidden || !live) return;
  source = new EventSource("/api/v1/events");
  source.onerror = () => {
    // The server ends streams when many tabs are open, and the browser comes back by itself: no loss.
    clearTimeout(lostTimer);
    lostTimer = setTimeout(lost, 3000);
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
  source.addEventListener("hello", (e) => {
    clearTimeout(lostTimer);
    const now = JSON.parse(e.data).run;
    if (now !== run) find("#newrun").hidden = false;
    const missed = now !== run || live.dataset.state !== "live";
    run = now;
    showLive("live", "● live");
    if (missed) update("message", "row", "dead", "counts");
  });
  source.addEventListener("end", () => lost(`clerksync has ended; what you see is from ${time()}`));
  for (const kind of ["message", "row", "dead", "counts"]) source.addEventListener(kind, () => update(kind));
}

function disconnect() {
  source?.close();
  clearTimeout(lostTimer);
}

const due = new Set();
let updating, announced = 0, pace = 300;

// update fetches the page once for all that is due: at most three times a second, and less often where that takes
// long, so that pages which look on leave the machine to the pipeline.
function update(...kinds) {
  for (const kind of kinds) due.add(kind);
  updating ??= setTimeout(async () => {
    const now = new Set(due), began = performance.now();
    due.clear();
    try { await fetchParts(now); } catch { /* the stream says that the server is gone */ }
    pace = Math.min(1000, Math.max(300, 8 * (performance.now() - began)));
    updating = undefined;
    if (find("[data-live~=pending]")) due.add("pending");
    if (due.size) update();
  }, pace);
}

async function fetchParts(kinds) {
  const parts = all("[data-live]").filter((e) => e.dataset.live.split(" ").some((kind) => kinds.has(kind)));
  if (!parts.length) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) replacePart(part, page.getElementById(part.id));
  if (Date.now() - announced > 5000 && find("#counts")) {
    announced = Date.now();
    find("#announce").textContent = find("#counts").textContent;
  }
}

// What the server last sent of each part, for the browser changes what it shows.
const sent = new Map();

function replacePart(old, fresh) {
  if (!fresh || !old.isConnected || sent.get(old.id) === fresh.outerHTML) return;
  const focus = old.contains(document.activeElement) ? document.activeElement : null;
  const isSelected = getSelection().type === "Range" && old.contains(getSelection().anchorNode);
  if (focus?.matches("input, textarea, select") || isSelected) return; // someone is at work in it
  sent.set(old.id, fresh.outerHTML);
  const known = new Set(all("[data-svix-id], [data-pk]", old).map(keyOf));
  for (const d of all("details[id]", old)) find(`#${CSS.escape(d.id)}`, fresh)?.toggleAttribute("open", d.open);
  old.replaceWith(document.adoptNode(fresh));
  for (const e of all("[data-svix-id], [data-pk]", fresh)) if (!known.has(keyOf(e))) e.classList.add("fresh");
  htmx.process(fresh);
  if (focus) find(focus.id ? `#${CSS.escape(focus.id)}` : `[href="${CSS.escape(focus.getAttribute("href"))}"]`, fresh)?.focus({ preventScroll: true });
  restore(fresh);
}

const keyOf = (e) => e.dataset.svixId ?? e.dataset.pk + e.dataset.sk + e.dataset.rev; // a row that changed is fresh

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return disconnect();
  connect();
  update("message", "row", "dead", "counts");
});
addEventListener("pagehide", disconnect);
addEventListener("pageshow", (e) => { if (e.persisted) connect(); });

// --- what is typed is kept
function restore(below) {
  for (const e of all("[data-keep]", below)) {
    const kept = store.get(`keep:${e.dataset.keep}`);
    if ("fresh" in e.dataset) store.set(`keep:${e.dataset.keep}`, e.value);
    else if (kept !== null) e.value = kept;
  }
}
document.addEventListener("input", (e) => {
  if (e.target.dataset?.keep) store.set(`keep:${e.target.dataset.keep}`, e.target.value);
});

// --- clicks
async function copy(button) {
  let said = "Copied";
  try { await navigator.clipboard.writeText(button.dataset.copy); } catch { said = "Not copied: the browser refused"; }
  const label = button.dataset.label ??= button.textContent;
  button.textContent = said;
  find("#announce").textContent = said;
  setTimeout(() => { button.textContent = label; }, 1500);
}

document.addEventListener("click", (e) => {
  const on = (selector) => e.target.closest(selector);
  const copies = on("[data-copy]"), opens = on("[data-opens]");
  if (copies) copy(copies);
  if (opens) {
    e.preventDefault(); // it may be a link for those without JavaScript
    find(`#${CSS.escape(opens.dataset.opens)}`).showModal();
  }
  if (on("#pause")) {
    paused = !paused;
    find("#pause").textContent = paused ? "Go on" : "Pause";
    if (paused) { disconnect(); showLive("paused", "Ⅱ paused"); } else connect();
  }
  if (on("#theme")) {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    store.set("theme", root.dataset.theme = dark ? "light" : "dark");
  }
  if (on("#people")) hidePeople(document.documentElement.dataset.people !== "hidden");
});

function hidePeople(hide) {
  document.documentElement.dataset.people = hide ? "hidden" : "shown";
  store.set("people", hide ? "hidden" : "shown");
  find("#people").setAttribute("aria-pressed", hide);
}

// --- keys
function move(step) {
  const links = all("[data-list] a[href]");
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const current = at >= 0 ? at : links.findIndex((a) => a.getAttribute("aria-current"));
  links[Math.min(links.length - 1, Math.max(0, current + step))]?.focus();
}

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
  if (e.target.matches("input, textarea, select")) {
    if (e.key === "Escape") e.target.blur();
    return;
  }
  if (find("dialog[open]")) return;
  if (e.key === "j" || e.key === "k") return move(e.key === "j" ? 1 : -1);
  const name = e.key === "Escape" ? "Escape" : e.key;
  const target = all("[data-key]").find((t) => t.dataset.key === name && !t.hidden && !t.disabled);
  if (!target) return;
  e.preventDefault();
  if (target.matches("input, select, textarea")) target.focus(); else target.click();
});

// --- the Order page: messages that were added are kept in this browser until it is opened
const added = () => (store.get("order") ?? "").split(",").filter(Boolean);
const showOrder = (ids) =>
  location.assign(`/order?ids=${ids.map(encodeURIComponent).join(",")}&was=${find("#digest")?.dataset.digest ?? ""}`);

document.addEventListener("click", (e) => {
  const button = e.target.closest("[data-order-add]");
  if (!button) return;
  e.preventDefault();
  const ids = added().filter((id) => id !== button.dataset.orderAdd).concat(button.dataset.orderAdd);
  store.set("order", ids.join(","));
  button.textContent = find("#announce").textContent = `Added to Order: ${ids.length} there`;
});

if (location.pathname === "/order") {
  const ids = all("#order [data-svix-id]").map((e) => e.dataset.svixId);
  if (!location.search && added().length) location.replace(`/order?ids=${added().map(encodeURIComponent).join(",")}`);
  else if (new URLSearchParams(location.search).has("ids") && !ids.some((id) => id.startsWith("msg_story_"))) store.set("order", ids.join(","));
}

// --- the Traffic page: its minute moves on without events, and a switch ends by itself
if (find("#traffic")) setInterval(() => { if (!paused && !document.hidden) update("counts"); }, 5000);
for (const bar of all("[data-until]")) {
  setTimeout(() => {
    bar.remove();
    if (!find("[data-until]")) find("#faultbar").remove();
  }, Date.parse(bar.dataset.until) - Date.now());
}

// An item is dragged by pointer events: they come from a mouse, a pen and a finger alike.
let dragged;
document.addEventListener("pointerdown", (e) => {
  // A finger drags by the grip alone: elsewhere it scrolls.
  const may = e.button === 0 && !e.target.closest("a, button") && (e.pointerType !== "touch" || e.target.closest(".grip"));
  dragged = may ? e.target.closest("[data-drag] > li") : null;
  if (dragged) e.preventDefault(); // no text is selected
});
document.addEventListener("pointercancel", () => { dragged = null; });
document.addEventListener("pointermove", (e) => {
  if (!dragged) return;
  dragged.classList.add("dragged");
  const over = document.elementFromPoint(e.clientX, e.clientY)?.closest("[data-drag] > li");
  if (!over || over === dragged) return;
  const down = dragged.compareDocumentPosition(over) & Node.DOCUMENT_POSITION_FOLLOWING;
  over[down ? "after" : "before"](dragged);
});
document.addEventListener("pointerup", () => {
  const list = dragged?.parentNode, moved = dragged?.classList.contains("dragged");
  dragged = null;
  if (moved) showOrder(all("li", list).map((e) => e.dataset.svixId));
});

// --- start
for (const e of all("#pause, #people, #theme")) e.hidden = false;
for (const e of all("[data-opens]")) e.hidden = false;
hidePeople(document.documentElement.dataset.people === "hidden");
restore(document);
document.addEventListener("htmx:after:swap", () => {
  restore(document);
  // The slider has moved on meanwhile: htmx asks for one place at a time and forgets those between.
  const at = find("#at");
  if (at && at.value !== at.getAttribute("value")) at.dispatchEvent(new Event("change", { bubbles: true }));
});
connect();
if (find("[data-live~=pending]")) update("pending");
