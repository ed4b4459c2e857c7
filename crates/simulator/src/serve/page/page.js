"use strict";

// Everything that the world names is put in as text, never as markup.

const PAGE = 100;
const EVENTS_SHOWN = 200;
const at = (id) => document.getElementById(id);

function text(id, value) {
  const node = at(id);
  if (node.textContent !== value) node.textContent = value;
}

function cell(value, kind, tag = "td") {
  const node = document.createElement(tag);
  node.textContent = value;
  if (kind) node.className = kind;
  if (tag === "th") node.scope = "row";
  return node;
}

function row(...cells) {
  const node = document.createElement("tr");
  node.append(...cells);
  return node;
}

// Rows are replaced only where they say something else, so that a selection or a screen reader keeps its place.
function rows(body, made) {
  made.forEach((fresh, index) => {
    const old = body.children[index];
    if (!old) body.append(fresh);
    else if (!old.isEqualNode(fresh)) old.replaceWith(fresh);
  });
  while (body.children.length > made.length) body.lastElementChild.remove();
}

function filled(name, count) {
  at(`${name}-empty`).hidden = count > 0;
  at(`${name}-box`).hidden = count === 0;
}

const number = (value) => value.toLocaleString("en-GB");

function duration(ms) {
  if (ms < 1000) return `${ms} ms`;
  const seconds = ms / 1000;
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const part = (value) => String(value).padStart(2, "0");
  return `${part(Math.floor(seconds / 3600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}`;
}

const STATE_KINDS = { listening: "good", restarting: "work", refusing: "bad", silent: "bad" };

function showSites(sites) {
  const made = [];
  for (const site of sites) {
    site.endpoints.forEach((endpoint, index) => {
      made.push(row(
        cell(index === 0 ? site.name : "", "", "th"),
        cell(endpoint.name),
        cell(endpoint.state, STATE_KINDS[endpoint.state]),
        cell(number(endpoint.sessions), "number"),
        index === 0 ? cell(site.full ? "full" : "has room", site.full ? "bad" : "") : cell(""),
      ));
    });
  }
  rows(at("sites"), made);
}

function whatFault(action) {
  if (typeof action === "string") return action.replaceAll("_", " ");
  const [name, given] = Object.entries(action)[0];
  const members = Object.entries(given)
    .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return `${name.replaceAll("_", " ")}: ${members.join(", ")}`;
}

const isCondition = (rule) => ["lose_site", "fill_disk", "flap_link"].some((name) => rule.do[name]);

function whichCalls(rule) {
  const parts = ["service", "endpoint", "operation", "object"].filter((key) => rule[key]).map((key) => rule[key]);
  if (rule.probability !== undefined) parts.push(`${rule.probability * 100} %`);
  if (rule.from_ms !== undefined) parts.push(`from ${clock(rule.from_ms)}`);
  if (rule.until_ms !== undefined) parts.push(`until ${clock(rule.until_ms)}`);
  if (rule.for_ms !== undefined) parts.push(`for ${duration(rule.for_ms)}`);
  return parts.join(", ") || (isCondition(rule) ? "" : "every call");
}

function faultState(fault) {
  if (fault.holds_since_ms !== null) return cell("holds", "bad");
  if (fault.over) return cell("over", "");
  if (!isCondition(fault.rule) && fault.rule.count !== null && fault.hits >= fault.rule.count) return cell("used up", "");
  return cell("waits", "work");
}

function showFaults(faults) {
  text("faults-count", faults.length ? number(faults.length) : "");
  filled("faults", faults.length);
  rows(at("faults"), faults.map((fault) => row(
    cell(String(fault.id), "", "th"),
    cell(whatFault(fault.rule.do)),
    cell(whichCalls(fault.rule)),
    faultState(fault),
    cell(number(fault.matched), "number"),
    cell(number(fault.hits), "number"),
  )));
}

// One closed list for each state: its members are fetched when it is opened, a page at a time.
function showStates(name, counted, describe) {
  text(`${name}-count`, number(counted.total));
  const box = at(name);
  const known = new Map([...box.children].map((node) => [node.dataset.state, node]));
  for (const entry of counted.by_state) {
    let node = known.get(entry.state);
    if (!node) {
      node = stateList(name, entry.state, describe);
      box.append(node);
    }
    known.delete(entry.state);
    const notes = [];
    if (entry.busy) notes.push(`${number(entry.busy)} at work`);
    if (entry.late) notes.push(`${number(entry.late)} behind their RPO`);
    node.querySelector(".note").textContent = notes.join(", ");
    node.querySelector(".note").className = `note ${entry.late ? "bad" : "work"}`;
    node.querySelector(".number").textContent = number(entry.count);
    node.hidden = false;
    if (node.open) refill(node, name, describe);
  }
  for (const node of known.values()) node.remove();
  [...box.children]
    .sort((one, other) => (one.dataset.state < other.dataset.state ? -1 : 1))
    .forEach((node, index) => { if (box.children[index] !== node) box.insertBefore(node, box.children[index]); });
}

function stateList(name, state, describe) {
  const node = document.createElement("details");
  node.dataset.state = state;
  node.dataset.pages = "1";
  const summary = document.createElement("summary");
  for (const [value, kind] of [[state, "name"], ["", "note"], ["", "number"]]) {
    const span = document.createElement("span");
    span.textContent = value;
    span.className = kind;
    summary.append(span);
  }
  const box = document.createElement("div");
  box.className = "box";
  const table = document.createElement("table");
  table.append(document.createElement("tbody"));
  box.append(table);
  node.append(summary, box);
  node.addEventListener("toggle", () => { if (node.open) refill(node, name, describe); });
  return node;
}

async function refill(node, name, describe) {
  if (node.dataset.filling) return;
  node.dataset.filling = "yes";
  try {
    const limit = PAGE * Number(node.dataset.pages);
    const query = new URLSearchParams({ state: node.dataset.state, limit: String(limit) });
    const list = await get(`/admin/${name}?${query}`);
    const body = node.querySelector("tbody");
    rows(body, list.items.map(describe));
    let more = node.querySelector("button");
    const rest = list.total - list.items.length;
    if (rest > 0 && !more) {
      more = document.createElement("button");
      more.type = "button";
      more.addEventListener("click", () => {
        node.dataset.pages = String(Number(node.dataset.pages) + 1);
        refill(node, name, describe);
      });
      node.querySelector(".box").append(more);
    }
    if (more) {
      more.hidden = rest <= 0;
      more.textContent = `Show ${number(Math.min(PAGE, rest))} of ${number(rest)} more`;
    }
  } finally {
    delete node.dataset.filling;
  }
}

const describeGroup = (group) => row(cell(group.name, "", "th"), cell(group.busy ? "at work" : "", "work"));

const describeReplication = (replication) => row(
  cell(replication.vm, "", "th"),
  cell(replication.id),
  replication.busy ? cell("at work", "work")
    : cell(replication.rpo_violation_minutes ? `RPO + ${replication.rpo_violation_minutes} min` : "", "bad"),
);

function showTasks(tasks, nowMs) {
  text("tasks-count", tasks.total ? number(tasks.total) : "");
  filled("tasks", tasks.total);
  const made = tasks.items.map((task) => row(
    cell(task.endpoint, "", "th"),
    cell(task.work),
    cell(duration(nowMs - task.since_ms), "number"),
    cell(task.id),
  ));
  const rest = tasks.total - tasks.items.length;
  if (rest > 0) made.push(row(cell("", "", "th"), cell(`and ${number(rest)} more`), cell(""), cell("")));
  rows(at("tasks"), made);
}

function showClusters(clusters) {
  rows(at("clusters"), clusters.map((cluster) => row(
    cell(cluster.vcenter, "", "th"),
    cell(`node ${cluster.active} (${cluster.address})`),
    cell(cluster.mode, cluster.mode === "ENABLED" ? "" : "work"),
    cell(cluster.healthy ? "healthy" : "degraded", cluster.healthy ? "good" : "bad"),
    cell(number(cluster.switches), "number"),
  )));
}

function showHosts(hosts) {
  text("hosts-count", number(hosts.total));
  const { items, total } = hosts.noted;
  filled("hosts", total);
  const made = items.map((host) => row(
    cell(host.id, "", "th"),
    cell(host.moving ? `DPU ${host.active}, moving` : `DPU ${host.active}`, host.moving ? "work" : ""),
    cell(host.links_down.join(", "), "bad"),
  ));
  if (total > items.length) made.push(row(cell("", "", "th"), cell(`and ${number(total - items.length)} more`), cell("")));
  rows(at("hosts"), made);
}

let last = null;

function showCalls(calls, shownAt) {
  for (const name of ["attempts", "refused", "accepted", "effects"]) text(name, number(calls[name]));
  if (last && shownAt > last.at) {
    const rate = Math.max(0, (calls.attempts - last.attempts) * 1000 / (shownAt - last.at));
    text("rate", `${rate < 10 ? rate.toFixed(1) : number(Math.round(rate))} per second`);
  }
  last = { attempts: calls.attempts, at: shownAt };
}

function show(world) {
  text("time", clock(world.now_ms));
  text("seed", String(world.seed));
  text("speed", `${number(world.speed)} x`);
  showSites(world.sites);
  showFaults(world.faults);
  showStates("groups", world.groups, describeGroup);
  showStates("replications", world.replications, describeReplication);
  showTasks(world.tasks, world.now_ms);
  showClusters(world.clusters);
  showHosts(world.hosts);
  showCalls(world.calls, performance.now());
}

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// One look at a time, and a pause after each, however fast events come.
let looking = false;
let again = false;

async function look() {
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  try {
    show(await get("/admin/overview"));
    document.body.dataset.shown = "yes";
  } catch (error) {
    console.warn(String(error));
  }
  setTimeout(() => {
    looking = false;
    if (again) {
      again = false;
      look();
    }
  }, 500);
}

const TELL = {
  call: (what) => `${what.endpoint}: ${what.operation} ${what.object}`
    + `${what.objects > 1 ? ` and ${what.objects - 1} more` : ""}: ${what.outcome}`,
  task: (what) => `${what.endpoint}: ${what.work} ${what.state} (${what.task})`,
  group: (what) => `${what.name}: ${what.states.map((side) => side.join(" ")).join(", ")}`,
  replication: (what) => `${what.vm}: ${what.state}`,
  cluster: (what) => `${what.vcenter}: node ${what.active} active, ${what.mode}, ${what.healthy ? "healthy" : "degraded"}`,
  dpu: (what) => `${what.host}: DPU ${what.active} active`,
  links: (what) => `${what.host}: ${what.down.length ? `${what.down.join(", ")} down` : "all links up"}`,
  endpoint: (what) => `${what.name}: ${what.state}`,
  world: (what) => `another world was ${what.state}`,
  fault: (what) => `rule ${what.fault}: ${what.state}`,
};

function kindOf(what) {
  const word = what.outcome || what.state;
  if (["refused", "failed", "silent", "refusing", "holds", "cut", "closed"].includes(word)) return "bad";
  if (what.kind === "cluster" && !what.healthy) return "bad";
  return "";
}

function addEvent(time, kind, told, mark) {
  const body = at("events");
  at("events-empty").hidden = true;
  body.prepend(row(cell(time), cell(kind), cell(told, mark)));
  while (body.children.length > EVENTS_SHOWN) body.lastElementChild.remove();
}

function listen() {
  const events = new EventSource("/admin/events");
  events.addEventListener("open", () => {
    text("link", "live");
    at("link").className = "good";
    look();
  });
  events.addEventListener("error", () => {
    text("link", "no connection");
    at("link").className = "bad";
  });
  for (const kind of Object.keys(TELL)) {
    events.addEventListener(kind, (event) => {
      const what = JSON.parse(event.data);
      addEvent(clock(what.at_ms), kind, TELL[kind](what), kindOf(what));
      look();
    });
  }
  events.addEventListener("missed", (event) => {
    const { missed } = JSON.parse(event.data);
    addEvent("", "missed", missed === null ? "another world has begun" : `${number(missed)} events`, "bad");
    look();
  });
}

listen();
look();
// Time passes, and calls that only read are no events.
setInterval(look, 2000);
