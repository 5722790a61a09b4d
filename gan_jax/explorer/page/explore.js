"use strict";
// What is shown: the images to choose from, the one that is chosen, and the lineage, which the server keeps.
const at = (id) => document.getElementById(id);
const COUNT = 16;
let run, shown = [], chosen = null, partnering = false, lineage = { entries: [], favourites: [] }, pictures = new Map(), moving = 0;

function say(line, wrong = false) { at("said").textContent = line; at("said").classList.toggle("wrong", wrong); }

async function ask(path, given) {
  const options = given === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) };
  return answered(fetch(path, options));
}

async function answered(request) {
  let response;
  try { response = await request; } catch { throw new Error("the server does not answer; is it still running?"); }
  const answer = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// Does what a button or a key asks for, and says what went wrong.
function doing(act) { return (event) => { event?.preventDefault?.(); return act(event).catch((error) => say(error.message, true)); }; }

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key in made ? (made[key] = value) : made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const title = (image) => image.label === null ? "a drawn image" : `a drawn image of class ${image.label}`;

function figure(image, act, alt = title(image)) {
  const images = image.shown.map((source, i) => node("img", { src: source, alt: run.runs.length > 1 ? `${alt}, by ${run.runs[i].name}` : alt }));
  const made = node("figure", { tabIndex: 0, role: "option" }, ...images);
  made.setAttribute("aria-selected", "false");
  made.addEventListener("click", doing(act));
  made.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") doing(act)(event); });
  return made;
}

function showGrid(images, heading, how, parents) {
  shown = images;
  at("grid-title").textContent = heading;
  at("grid").replaceChildren(...images.map((image) => figure(image, () => choose(image, how, parents))));
}

// Remembers an image in the lineage; the number of its entry.
async function remember(image, how, parents) {
  const { entry } = await ask("api/visit", { genome: image.genome, how, parents });
  pictures.set(image.genome, image);
  await showLineage({ ...lineage, entries: [...lineage.entries, entry] });
  return entry.id;
}

async function choose(image, how, parents) {
  const id = await remember(image, how, parents);
  return partnering ? crossWith(image, id) : showChosen(image, id);
}

async function showChosen(image, id) {
  chosen = { image, id, first: image };
  at("own-label").value = image.label === null ? "" : String(run.classes.indexOf(image.label));
  at("chosen").hidden = false;
  for (const slider of at("genes").querySelectorAll("input")) { slider.value = 0; slider.nextElementSibling.value = "0"; }
  showImage(image);
  history.replaceState(null, "", `#${image.genome}`);
}

function showImage(image) {
  chosen.image = image;
  at("large").replaceChildren(...image.shown.map((source, i) => node("img", { src: source, alt: `${title(image)}, large, by ${run.runs[i].name}` })));
  at("link").href = `#${image.genome}`;
  at("png").href = `image.png?genome=${encodeURIComponent(image.genome)}`;
  at("npy").href = `latent.npy?genome=${encodeURIComponent(image.genome)}`;
  at("command").textContent = image.command;
  const liked = lineage.favourites.includes(chosen.id);
  at("like").setAttribute("aria-pressed", String(liked));
  at("star").textContent = liked ? "★" : "☆";
  for (const each of at("grid").children) each.setAttribute("aria-selected", "false");
  const place = shown.findIndex((each) => each.genome === image.genome);
  if (place >= 0) at("grid").children[place].setAttribute("aria-selected", "true");
}

async function samples() {
  const label = at("label").value, truncation = at("truncation").value;
  const given = { seed: Number(at("seed").value), count: COUNT, label: label === "" ? null : Number(label), truncation: truncation === "" ? null : Number(truncation) };
  const { images } = await ask("api/samples", given);
  showGrid(images, `Samples of seed ${given.seed}`, "sample", []);
  say("");
}

const chance = () => Math.floor(Math.random() * 2 ** 31);

async function children() {
  if (!chosen) return say("choose an image first");
  await keep();
  const { images } = await ask("api/children", { genome: chosen.image.genome, count: COUNT, distance: Number(at("distance").value), seed: chance() });
  showGrid(images, "Children", "child", [chosen.id]);
  say("");
}

async function crossWith(image, id) {
  await keep();
  const parents = [chosen.id, id];
  const { images } = await ask("api/cross", { first: chosen.image.genome, second: image.genome, count: COUNT, seed: chance() });
  setPartnering(false);
  showGrid(images, `Crosses of ${parents.join(" and ")}`, "cross", parents);
}

function setPartnering(on) {
  partnering = on && chosen !== null;
  at("partner").setAttribute("aria-pressed", String(partnering));
  say(partnering ? "choose the image that the chosen one is crossed with" : "");
}

const amounts = () => [...at("genes").querySelectorAll("input")].map((slider) => Number(slider.value));

async function move() {
  const turn = ++moving, label = at("own-label").value;
  const { images } = await ask("api/move", { genome: chosen.first.genome, amounts: amounts(), ...(label === "" ? {} : { label: Number(label) }) });
  if (turn === moving) showImage(images[0]); // a later one has been asked for
}

// What sliders made becomes an entry of its own, before anything comes of it.
async function keep() {
  if (chosen && chosen.image.genome !== chosen.first.genome) await showChosen(chosen.image, await remember(chosen.image, "gene", [chosen.id]));
}

async function like() {
  if (!chosen) return say("choose an image first");
  await keep();
  const { favourites } = await ask("api/like", { id: chosen.id, liked: !lineage.favourites.includes(chosen.id) });
  await showLineage({ ...lineage, favourites });
  showImage(chosen.image);
}

async function undo() {
  const { undone } = await ask("api/undo", {});
  const others = (ids) => ids.filter((id) => id !== undone);
  await showLineage({ entries: lineage.entries.filter((each) => each.id !== undone), favourites: others(lineage.favourites) });
  const last = lineage.entries.at(-1);
  if (last) await showChosen(pictures.get(last.genome), last.id);
  else { chosen = null; at("chosen").hidden = true; history.replaceState(null, "", "#"); }
}

async function showLineage(next) {
  lineage = next;
  const missing = [...new Set(next.entries.map((each) => each.genome).filter((genome) => !pictures.has(genome)))];
  for (let first = 0; first < missing.length; first += 64) {
    const { images } = await ask("api/draw", { genomes: missing.slice(first, first + 64) });
    for (const image of images) pictures.set(image.genome, image);
  }
  const under = new Map();
  for (const entry of next.entries) {
    const parent = entry.parents[0] ?? null;
    under.set(parent, [...(under.get(parent) ?? []), entry]);
  }
  const again = (entry) => figure(pictures.get(entry.genome), () => partnering ? crossWith(pictures.get(entry.genome), entry.id) : showChosen(pictures.get(entry.genome), entry.id), `number ${entry.id}, ${entry.how}`);
  const list = (entries) => node("ul", {}, ...entries.map((entry) => {
    const with_ = entry.parents.length > 1 ? ` of ${entry.parents.join(" and ")}` : "";
    const item = node("li", {}, again(entry), node("small", {}, `${entry.id} ${entry.how}${with_}`));
    if (under.has(entry.id)) item.append(list(under.get(entry.id)));
    return item;
  }));
  at("lineage").replaceChildren(list(under.get(null) ?? []));
  const known = new Map(next.entries.map((entry) => [entry.id, entry]));
  at("favourites").replaceChildren(...next.favourites.map((id) => again(known.get(id))));
  at("gif").hidden = next.favourites.length < 2;
}

async function upload() {
  const file = at("file").files[0];
  if (!file) return;
  const label = at("image-label").value;
  at("file").value = ""; // so that the same file can be chosen again
  let found = await answered(fetch(`api/invert${label === "" ? "" : `?label=${label}`}`, { method: "POST", body: file }));
  say("");
  const number = found.number;
  while (!found.done && found.number === number) {
    at("inverting").hidden = false;
    at("progress").max = found.steps;
    at("progress").value = found.step;
    at("error").textContent = found.error === null ? "" : `mean squared error ${found.error.toFixed(4)}`;
    const nearest = (found.images ?? []).map((image) => node("img", { src: image.shown[0], alt: "what is drawn nearest so far" }));
    at("nearest").replaceChildren(...nearest);
    await new Promise((after) => setTimeout(after, 300));
    found = await ask("api/inverting");
  }
  at("inverting").hidden = true;
  if (found.number !== number) return say("the search for your image was given up");
  if (found.failed) throw new Error(found.failed);
  showGrid(found.images, "What is drawn nearest to your image", "image", []);
  await choose(found.images[0], "image", []);
}

async function fromLink() {
  const genome = location.hash.slice(1);
  if (!genome) return;
  const { images } = await ask("api/draw", { genomes: [genome] });
  const known = lineage.entries.find((entry) => entry.genome === genome);
  if (known) await showChosen(images[0], known.id);
  else await choose(images[0], "link", []);
}

function keys(event) {
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const acts = { n: samples, c: children, f: like, u: undo, x: async () => setPartnering(!partnering) };
  if (event.key in acts) return doing(acts[event.key])(event);
  const grid = [...at("grid").children], place = grid.indexOf(document.activeElement);
  const columns = getComputedStyle(at("grid")).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  if (step === undefined || !grid.length || (place < 0 && document.activeElement !== at("grid"))) return;
  event.preventDefault();
  grid[Math.min(grid.length - 1, Math.max(0, place < 0 ? 0 : place + step))].focus();
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
  at("own-label").addEventListener("change", doing(move));
  at("truncation-field").hidden = !run.truncates;
  at("genes").replaceChildren(...run.genes.map((name) => {
    const value = node("output", {}, "0");
    const slider = node("input", { type: "range", min: -run.far, max: run.far, step: 0.1, value: 0 });
    slider.addEventListener("input", (event) => { value.value = slider.value; doing(move)(event); });
    return node("label", {}, name, slider, value);
  }));
  const distance = () => { at("distance-shown").value = Number(at("distance").value).toFixed(2); };
  at("distance").addEventListener("input", distance);
  distance();
  at("drawing").addEventListener("submit", doing(samples));
  for (const [id, act] of Object.entries({ children, like, undo, keep, partner: async () => setPartnering(!partnering) })) at(id).addEventListener("click", doing(act));
  at("reset").addEventListener("click", doing(async () => showChosen(chosen.first, chosen.id)));
  at("cancel").addEventListener("click", doing(() => ask("api/cancel", {})));
  at("file").addEventListener("change", doing(upload));
  addEventListener("hashchange", doing(fromLink));
  addEventListener("focus", doing(async () => showLineage(await ask("api/lineage")))); // another tab may have added to it
  addEventListener("keydown", keys);
  await samples();
  await showLineage(await ask("api/lineage"));
  await fromLink();
}

doing(begin)();
