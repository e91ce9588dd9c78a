// Tasks with what their agents say, and the agents.

import { get } from "./api.js";
import { $, badge, el, say, sync } from "./dom.js";
import { ago, count, duration, money, words } from "./format.js";

const MOST = 20;
const MOST_TEXT = 16_000;
const kinds = { pending: "quiet", assigned: "quiet", running: "wait", completed: "good", failed: "bad", cancelled: "quiet" };
const agentKinds = { online: "good", busy: "wait", offline: "quiet" };

let tasks = new Map();
const outputs = new Map();

/** Asks for the latest tasks. What agents said before this page was opened is not known. */
export async function load() {
  const list = await get(`/tasks?limit=${MOST}`);
  tasks = new Map(list.map((task) => [task.id, task]));
  for (const id of outputs.keys()) if (!tasks.has(id)) outputs.delete(id);
  draw();
}

/** An event of `/events`; whether agents or tasks have to be asked for again. */
export function heard(event) {
  if (event.type === "task.progress") {
    const text = (outputs.get(event.task_id) ?? "") + event.text;
    outputs.set(event.task_id, text.slice(-MOST_TEXT));
    const item = [...$("tasks").children].find((child) => child.dataset.key === event.task_id);
    if (item) showOutput(item, event.task_id);
    return false;
  }
  return event.type.startsWith("task.") || event.type.startsWith("agent.");
}

function draw() {
  sync($("tasks"), tasks.values(), (task) => task.id, make, update);
  $("no-tasks").hidden = tasks.size > 0;
  say($("no-tasks"), "No task was given yet. ");
  if (!tasks.size) $("no-tasks").append(el("code", "", 'switchtower task "…"'), " gives one.");
}

function make() {
  const output = el("pre", "output");
  output.tabIndex = 0;
  const details = el("details", "", el("summary", "", "Output"), output);
  return el("li", "task", el("div", "head", el("h3"), el("span")), el("p", "quiet"), el("p", "bad"), details);
}

function update(item, task) {
  const [head, about, wrong, details] = item.children;
  say(head.firstElementChild, task.task);
  head.lastElementChild.replaceWith(badge(kinds[task.status], task.status));
  const took = ["completed", "failed", "cancelled"].includes(task.status) ? `, took ${duration(task.updated_at - task.created_at)}` : "";
  say(about, `${task.assigned_agents.join(", ") || "nobody yet"} · ${ago(task.created_at)}${took}`);
  wrong.hidden = !task.error;
  say(wrong, task.error?.message ?? "");
  details.lastElementChild.setAttribute("aria-label", `Output of ${task.task.slice(0, 80)}`);
  // As long as it runs its output is in sight; whoever closes it has closed it.
  if (task.status === "running" && item.dataset.opened !== "yes") {
    item.dataset.opened = "yes";
    details.open = true;
  }
  showOutput(item, task.id);
}

function showOutput(item, id) {
  const { result } = tasks.get(id) ?? {};
  const final = typeof result === "string" ? result : result ? JSON.stringify(result, null, 2) : "";
  const text = outputs.get(id) || final;
  const details = item.lastElementChild;
  const output = details.lastElementChild;
  details.hidden = text === "";
  if (output.textContent === text) return;
  const follows = output.scrollTop + output.clientHeight >= output.scrollHeight - 8;
  output.textContent = text;
  if (follows) output.scrollTop = output.scrollHeight;
}

/** `GET /agents` */
export function showAgents(agents) {
  sync($("agents"), agents, (agent) => agent.id, () => el("li", "agent", el("h3"), el("span"), el("p", "quiet")), (item, agent) => {
    say(item.firstElementChild, agent.name);
    item.children[1].replaceWith(badge(agentKinds[agent.status], agent.status));
    say(item.lastElementChild, [agent.id, agent.type, ...agent.capabilities].join(" · "));
  });
  $("no-agents").hidden = agents.length > 0;
  say($("no-agents"), "No agent is known. Install claude or codex, or list a program under agents in gateway.yaml.");
}

/** What a key without the scope sees. */
export function refused(message) {
  for (const id of ["tasks", "agents"]) $(id).replaceChildren();
  for (const id of ["no-tasks", "no-agents"]) {
    $(id).hidden = false;
    say($(id), `Not shown: ${message}`);
  }
}

/** `GET /model-gateway/budgets` */
export function showBudgets(budgets) {
  const amount = (name, value) => (name.startsWith("usd") ? money(value, "USD") : count(value));
  const rows = Object.entries(budgets).flatMap(([client, limits]) =>
    Object.entries(limits).map(([name, budget]) => ({ client, name, ...budget })));
  const box = $("budgets");
  if (!rows.length) return box.replaceChildren();
  if (!box.firstElementChild) box.append(el("h2", "", "Budgets"), el("ul", "list"));
  sync(box.lastElementChild, rows, (row) => `${row.client} ${row.name}`, () => el("li", "quota", el("p", "", el("span"), el("span", "quiet")), el("meter")), (item, row) => {
    const [text, meter] = item.children;
    say(text.firstElementChild, `${row.client || "unknown"}, ${words(row.name)}`);
    say(text.lastElementChild, `${amount(row.name, row.used)} of ${amount(row.name, row.limit)}`);
    meter.setAttribute("aria-label", `${words(row.name)} used by ${row.client || "unknown"}`);
    const part = row.limit ? Math.min(100, (row.used / row.limit) * 100) : 100;
    Object.assign(meter, { min: 0, max: 100, low: 75, high: 90, optimum: 0, value: part });
  });
}
