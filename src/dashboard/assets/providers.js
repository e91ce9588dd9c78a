// Providers: whether they can be used, their circuits, quota, and how quick they are.

import { $, badge, el, say, sync } from "./dom.js";
import { ago, count, duration, money } from "./format.js";
import { canvas, spark } from "./spark.js";

const LATEST = 40;
const firstTokens = new Map();

/** Remembers how long the first token took, for the line. */
export function heard(request) {
  const last = request.attempts.at(-1);
  if (last?.outcome !== "success" || request.first_token_ms === null) return;
  const values = firstTokens.get(last.provider) ?? [];
  values.push(request.first_token_ms);
  firstTokens.set(last.provider, values.slice(-LATEST));
}

/** `GET /model-gateway/{health,stats,quota}` */
export function show(health, stats, quota) {
  const all = [
    ...health.providers_available.map((provider) => ({ ...provider, usable: true })),
    ...health.providers_unavailable.map((provider) => ({ ...provider, usable: false })),
  ];
  const providers = all.map((provider) => ({
    ...provider,
    models: Object.entries(stats.providers[provider.name] ?? {}),
    quota: quota[provider.name],
  }));
  sync($("providers"), providers.length ? providers : [null], (provider) => provider?.name ?? "", make, update);
}

function make(provider) {
  if (!provider) {
    return el("li", "empty", "No provider is configured. ", el("code", "", "switchtower setup"), " asks for what it needs, and writes it down.");
  }
  const head = el("div", "head", el("h3", "", provider.name), el("span"));
  return el("li", "card", head, el("p", "quiet"), el("ul", "circuits"), el("div", "quota"), el("dl", "figures"), el("div", "tokens"));
}

function update(card, provider) {
  if (!provider) return;
  const [head, summary, circuits, quota, figures, tokens] = card.children;
  const all = provider.circuits ?? [];
  const worst = all.find((circuit) => kind(circuit) === "bad") ?? all.find((circuit) => kind(circuit) === "wait");
  const state = provider.usable ? (worst ? ["wait", "Partly available"] : ["good", "Available"]) : ["bad", "Unavailable"];
  card.dataset.kind = state[0];
  head.lastElementChild.replaceWith(badge(...state));
  say(summary, provider.summary);
  circuits.hidden = all.length === 0;
  showCircuits(circuits, all);
  showQuota(quota, provider);
  showFigures(figures, provider.models.map(([, model]) => model));
  showTokens(tokens, provider);
}

/** Of a circuit's state in words: `open, probe in 12 s`. */
function kind({ state }) {
  if (state.includes("half-open") || state.includes("probe due")) return "wait";
  return state.includes("open") ? "bad" : "good";
}

/** Closed ones have nothing to say, one by one. */
function showCircuits(list, all) {
  const shown = all.filter((circuit) => kind(circuit) !== "good");
  const closed = all.length - shown.length;
  if (closed) shown.push({ key: "", state: closed === all.length ? "closed" : `closed for ${closed} more` });
  sync(list, shown, (circuit) => circuit.key, () => el("li", "", badge("good", ""), " ", el("span")), (item, circuit) => {
    const [state, key] = item.children;
    state.dataset.kind = circuit.key ? kind(circuit) : "good";
    say(state, circuit.key ? circuit.state : `Breaker ${circuit.state}`);
    say(key, circuit.key);
  });
}

function showQuota(box, { name, quota }) {
  const used = quota?.usedPercent;
  const balance = quota?.balance && `${money(quota.balance.amount, quota.balance.currency)} left`;
  box.hidden = used === undefined && !balance;
  if (box.hidden) return box.replaceChildren();
  if (!box.firstElementChild) box.append(el("p", "", el("span"), el("span", "quiet")), el("meter"));
  const [text, meter] = box.children;
  say(text.firstElementChild, used === undefined ? balance : `${Math.round(used)}% of the quota used`);
  say(text.lastElementChild, [used === undefined ? null : balance, ago(quota.as_of)].filter(Boolean).join(" · "));
  meter.hidden = used === undefined;
  meter.setAttribute("aria-label", `Used quota of ${name}`);
  Object.assign(meter, { min: 0, max: 100, low: 75, high: 90, optimum: 0, value: used ?? 0 });
}

/** The sums over all models; percentiles do not add up, so the slowest model's are shown. */
function showFigures(list, models) {
  const sum = (field) => models.reduce((all, model) => all + field(model), 0);
  const slowest = (field) => models.map(field).filter(Boolean).sort((a, b) => b.p50 - a.p50)[0];
  const latency = slowest((model) => model.latency_ms);
  const rows = [
    ["Requests", count(sum((model) => model.requests))],
    ["Failed over", count(sum((model) => model.failovers))],
    ["Faults", count(sum((model) => model.outcomes.fault))],
    ["Latency p50", duration(latency?.p50)],
    ["p90", duration(latency?.p90)],
    ["p99", duration(latency?.p99)],
  ];
  sync(list, rows, ([name]) => name, ([name]) => el("div", "", el("dt", "", name), el("dd")), (row, [, value]) => say(row.lastElementChild, value));
}

function showTokens(box, { name, models }) {
  const values = firstTokens.get(name) ?? [];
  const p50 = models.map(([, model]) => model.first_token_ms?.p50).filter((ms) => ms !== undefined);
  if (!box.firstElementChild) box.append(el("span", "quiet"), canvas());
  const text = values.length ? `First token ${duration(values.at(-1))}, the last ${values.length}` : p50.length ? `First token ${duration(Math.max(...p50))} (p50)` : "First token –";
  say(box.firstElementChild, text);
  spark(box.lastElementChild, values);
}
