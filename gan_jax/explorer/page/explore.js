"use strict";
// What is shown: the images to choose from, the one that is chosen, and the lineage, which the server keeps.
const at = (id) => document.getElementById(id);
const COUNT = 16, DEEP = 12; // images in the grid; steps of the tree that are indented
const PARTNER = "choose the image that the chosen one is crossed with; Escape forgets it";
let run, shown = [], chosen = null, partnering = false, uploads = 0;
const pictures = new Map(); // images by what they are drawn of
const lineage = { known: 0, entries: new Map(), favourites: [] };

// What people ask for, one after the other: so an answer always belongs to what is still shown.
let last = Promise.resolve();
function queued(act) {
  return (last = last.then(act).catch(async (error) => {
    say(error.message, true);
    await catchUp().catch(() => {}); // with another tab, which may have changed what this one shows
  }));
}

function doing(act) {
  return (event) => {
    event?.preventDefault?.();
    return queued(() => { say(partnering ? PARTNER : ""); return act(event); });
  };
}

function say(line, wrong = false) { at("said").textContent = line; at("said").classList.toggle("wrong", wrong); }

async function ask(path, given, query = {}) {
  const options = given === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) };
  return answered(fetch(`${path}?${new URLSearchParams(query)}`, options));
}

async function answered(request) {
  let response;
  try { response = await request; } catch { throw new Error("the server does not answer; is it still running?"); }
  const answer = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key in made ? (made[key] = value) : made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Puts others in the place of what is there; who had the focus there has it again.
function replace(container, ...others) {
  const key = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  container.replaceChildren(...others);
  if (key !== undefined) container.querySelector(`[data-key="${key}"]`)?.focus({ preventScroll: true });
}

// An image as each of the runs draws it.
const drawn = (image, alt) => image.shown.map((source, i) => node("img", { src: source, alt: run.runs.length > 1 ? `${alt}, by ${run.runs[i].name}` : alt }));

function figure(image, alt, act, key, attributes) {
  const made = node("figure", { tabIndex: 0, ...attributes }, ...drawn(image, alt));
  made.dataset.key = key;
  made.addEventListener("click", doing(act));
  made.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") doing(act)(event); });
  return made;
}

const ofClass = (image) => image.label === null ? "" : ` of class ${image.label}`;

// The grid.

function showGrid(images, heading, how, parents) {
  shown = images;
  at("grid-title").textContent = heading;
  replace(at("grid"), ...images.map((image, i) => {
    const alt = `image ${i + 1} of ${images.length}${ofClass(image)}`;
    return figure(image, alt, () => choose(image, how, parents), i, { role: "option", tabIndex: i ? -1 : 0, "aria-selected": "false" });
  }));
  at("grid-title").scrollIntoView({ block: "nearest" });
}

async function samples() {
  const label = at("label").value, truncation = at("truncation").value;
  const given = { seed: Number(at("seed").value), count: COUNT, label: label === "" ? null : Number(label), truncation: truncation === "" ? null : Number(truncation) };
  const { images } = await ask("api/samples", given);
  showGrid(images, `Samples of seed ${given.seed}`, "sample", []);
}

async function nextSeed() {
  at("seed").value = Number(at("seed").value) + 1;
  await samples();
}

const chance = () => Math.floor(Math.random() * 2 ** 31);

async function children() {
  if (!chosen) return say("choose an image first");
  await keep();
  const { images } = await ask("api/children", { genome: chosen.image.genome, count: COUNT, distance: Number(at("distance").value), seed: chance() });
  showGrid(images, `Children of ${chosen.id}`, "child", [chosen.id]);
}

async function crossWith(image, id) {
  await keep();
  const parents = [chosen.id, id];
  const { images } = await ask("api/cross", { first: chosen.image.genome, second: image.genome, count: COUNT, seed: chance() });
  await setPartnering(false);
  showGrid(images, `Crosses of ${parents.join(" and ")}`, "cross", parents);
}

async function setPartnering(on) {
  if (on && !chosen) return say("choose an image first");
  partnering = on;
  at("partner").setAttribute("aria-pressed", String(on));
  say(on ? PARTNER : "");
}

// The chosen image.

async function choose(image, how, parents) {
  const id = await remember(image, how, parents);
  return partnering ? crossWith(image, id) : showChosen(image, id);
}

// The number of an image's entry in the lineage; a new one, unless it has one.
async function remember(image, how, parents) {
  pictures.set(image.genome, image);
  const known = [...lineage.entries.values()].find((entry) => entry.genome === image.genome);
  if (known) return known.id;
  const answer = await ask("api/visit", { genome: image.genome, how, parents, known: lineage.known });
  await learn(answer);
  return answer.id;
}

function showChosen(image, id) {
  chosen = { image, id, first: image };
  at("own-label").value = image.label === null ? "" : String(run.classes.indexOf(image.label));
  at("chosen").hidden = false;
  for (const slider of at("genes").querySelectorAll("input")) { slider.value = 0; slider.nextElementSibling.value = "0"; }
  showImage(image);
  history.replaceState(null, "", `#${image.genome}`);
}

function showImage(image) {
  chosen.image = image;
  at("large").replaceChildren(...drawn(image, `the chosen image${ofClass(image)}, large`));
  at("link").href = `#${image.genome}`;
  at("png").href = `image.png?genome=${encodeURIComponent(image.genome)}`;
  at("npy").href = `latent.npy?genome=${encodeURIComponent(image.genome)}`;
  at("command").textContent = image.command;
  const liked = lineage.favourites.includes(chosen.id) && image.genome === chosen.first.genome;
  at("like").setAttribute("aria-pressed", String(liked));
  at("star").textContent = liked ? "★" : "☆";
  [...at("grid").children].forEach((each, i) => each.setAttribute("aria-selected", String(shown[i].genome === image.genome)));
}

async function move() {
  const label = at("own-label").value, amounts = [...at("genes").querySelectorAll("input")].map((slider) => Number(slider.value));
  const { images } = await ask("api/move", { genome: chosen.first.genome, amounts, ...(label === "" ? {} : { label: Number(label) }) });
  showImage(images[0]);
}

// Of many changes that come while one is answered, only the last is asked for.
let moveWaits = false;
function moving() {
  if (moveWaits) return;
  moveWaits = true;
  doing(() => { moveWaits = false; return move(); })();
}

// What sliders made becomes an entry of its own, before anything comes of it.
async function keep() {
  if (chosen && chosen.image.genome !== chosen.first.genome) showChosen(chosen.image, await remember(chosen.image, "gene", [chosen.id]));
}

async function like() {
  if (!chosen) return say("choose an image first");
  await keep();
  await learn(await ask("api/like", { id: chosen.id, liked: !lineage.favourites.includes(chosen.id), known: lineage.known }));
  showImage(chosen.image);
}

// The lineage.

async function undo() {
  await learn(await ask("api/undo", { known: lineage.known }));
  if (chosen && lineage.entries.has(chosen.id)) return;
  const entry = [...lineage.entries.values()].at(-1);
  if (entry) return showChosen(pictures.get(entry.genome), entry.id);
  chosen = null;
  at("chosen").hidden = true;
  history.replaceState(null, "", "#");
}

async function catchUp() { await learn(await ask("api/lineage", undefined, { known: lineage.known })); }

// What was done to the lineage, here or by others, after what is known of it.
async function learn({ known, acts }) {
  const news = acts.slice(lineage.known - known);
  for (const act of news) {
    if (act.add) lineage.entries.set(act.add.id, act.add);
    if (act.undo !== undefined) lineage.entries.delete(act.undo);
    const liked = act.like ?? act.undo;
    if (liked !== undefined) lineage.favourites = [...lineage.favourites.filter((id) => id !== liked), ...(act.liked ? [liked] : [])];
  }
  lineage.known += news.length;
  const missing = [...new Set([...lineage.entries.values()].map((each) => each.genome).filter((genome) => !pictures.has(genome)))];
  for (let first = 0; first < missing.length; first += 64) {
    const { images } = await ask("api/draw", { genomes: missing.slice(first, first + 64) });
    for (const image of images) pictures.set(image.genome, image);
  }
  if (news.length) showLineage();
}

function showLineage() {
  const under = new Map(), depths = new Map(), items = [];
  for (const entry of lineage.entries.values()) {
    const parent = entry.parents[0] ?? null;
    if (!under.has(parent)) under.set(parent, []);
    under.get(parent).push(entry);
    depths.set(entry.id, parent === null ? 0 : depths.get(parent) + 1);
  }
  const again = (entry) => {
    const image = pictures.get(entry.genome);
    return figure(image, `number ${entry.id}, ${entry.how}`, () => partnering ? crossWith(image, entry.id) : showChosen(image, entry.id), entry.id, { role: "button" });
  };
  const waiting = [...(under.get(null) ?? [])].reverse();
  while (waiting.length) {
    const entry = waiting.pop(), depth = depths.get(entry.id);
    waiting.push(...[...(under.get(entry.id) ?? [])].reverse());
    const of = entry.parents.length > 1 ? ` of ${entry.parents.join(" and ")}` : "";
    const item = node("li", { "aria-level": depth + 1 }, again(entry), node("small", {}, `${entry.id} ${entry.how}${of}`));
    item.style.marginLeft = `${0.9 * Math.min(depth, DEEP)}rem`;
    items.push(item);
  }
  replace(at("lineage"), ...items);
  replace(at("favourites"), ...lineage.favourites.map((id) => again(lineage.entries.get(id))));
  at("gif").hidden = lineage.favourites.length < 2;
}

// An image of one's own.

async function upload() {
  const file = at("file").files[0], label = at("image-label").value;
  if (!file) return;
  at("file").value = ""; // so that the same file can be chosen again
  const query = new URLSearchParams(label === "" ? {} : { label });
  const begun = await answered(fetch(`api/invert?${query}`, { method: "POST", body: file }));
  watch(begun, ++uploads).catch((error) => say(error.message, true));
}

async function watch(found, turn) {
  const { number } = found;
  while (!found.done && found.number === number && turn === uploads) {
    at("inverting").hidden = false;
    at("progress").max = found.steps;
    at("progress").value = found.step;
    at("error").textContent = found.error === null ? "" : `mean squared error ${found.error.toFixed(4)}`;
    at("nearest").replaceChildren(...(found.images ?? []).map((image) => node("img", { src: image.shown[0], alt: "what is drawn nearest so far" })));
    await new Promise((after) => setTimeout(after, 300));
    found = await ask("api/inverting").catch((error) => { at("inverting").hidden = true; throw error; });
  }
  if (turn !== uploads) return; // another image is looked for
  at("inverting").hidden = true;
  if (found.number !== number) return say("the search for your image was given up");
  if (found.failed) throw new Error(found.failed);
  await doing(async () => {
    showGrid(found.images, "What is drawn nearest to your image", "image", []);
    showChosen(found.images[0], await remember(found.images[0], "image", []));
  })();
}

async function fromLink() {
  const genome = location.hash.slice(1);
  if (!genome) return;
  if (genome === chosen?.image.genome) return keep();
  const { images } = await ask("api/draw", { genomes: [genome] });
  showChosen(images[0], await remember(images[0], "link", []));
}

function keys(event) {
  if (event.target.matches("input:not([type=range]), select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const acts = { n: nextSeed, c: children, f: like, u: undo, x: () => setPartnering(!partnering), Escape: () => setPartnering(false) };
  if (event.key in acts) return event.repeat ? undefined : doing(acts[event.key])(event);
  const grid = [...at("grid").children], place = grid.indexOf(document.activeElement);
  const columns = getComputedStyle(at("grid")).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  if (step === undefined || place < 0) return;
  event.preventDefault();
  const next = grid[Math.min(grid.length - 1, Math.max(0, place + step))];
  for (const each of grid) each.tabIndex = each === next ? 0 : -1;
  next.focus();
}

async function begin() {
  run = await ask("api/run");
  at("run").textContent = run.runs.map((each) => `${each.name}: ${each.experiment}, ${each.rounds.toLocaleString("en")} rounds`).join(" | ");
  at("label-field").hidden = !run.classes.length;
  at("label").replaceChildren(node("option", { value: "" }, "any"), ...run.classes.map((name, i) => node("option", { value: String(i) }, name)));
  for (const id of ["own-label", "image-label"]) {
    at(`${id}-field`).hidden = !run.classes.length;
    at(id).replaceChildren(...run.classes.map((name, i) => node("option", { value: String(i) }, name)));
  }
  at("own-label").addEventListener("change", moving);
  at("truncation-field").hidden = !run.truncates;
  at("genes").replaceChildren(...run.genes.map((name) => {
    const value = node("output", {}, "0");
    const slider = node("input", { type: "range", min: -run.far, max: run.far, step: 0.1, value: 0 });
    slider.addEventListener("input", () => { value.value = slider.value; moving(); });
    return node("label", {}, name, slider, value);
  }));
  const distance = () => { at("distance-shown").value = Number(at("distance").value).toFixed(2); };
  at("distance").addEventListener("input", distance);
  distance();
  at("drawing").addEventListener("submit", doing(samples));
  const clicked = { next: nextSeed, children, like, undo, keep, partner: () => setPartnering(!partnering), reset: () => showChosen(chosen.first, chosen.id) };
  for (const [id, act] of Object.entries(clicked)) at(id).addEventListener("click", doing(act));
  at("cancel").addEventListener("click", () => ask("api/cancel", {}).catch((error) => say(error.message, true)));
  at("file").addEventListener("change", doing(upload));
  addEventListener("hashchange", doing(fromLink));
  addEventListener("focus", () => queued(catchUp));
  addEventListener("keydown", keys);
  await samples();
  await catchUp();
  await fromLink();
}

doing(begin)();
