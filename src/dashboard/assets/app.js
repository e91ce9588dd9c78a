// Puts it together: asks now and then, listens all the time, and says when it cannot.

import { forgetKey, get, hasKey, setKey } from "./api.js";
import { $, el, say, sync } from "./dom.js";
import { count } from "./format.js";
import * as notices from "./notices.js";
import * as providers from "./providers.js";
import * as requests from "./requests.js";
import { share } from "./shared.js";
import * as tasks from "./tasks.js";

const OFTEN = 2000;
const SELDOM = 6000;

let stream;
let timers = [];
let lost = 0;

/** Whatever goes wrong ends here. */
function failed(error) {
  if (error.status === 401) return login(hasKey() ? "This key is not known here." : "");
  if (error.status === 403) return login(error.message);
  if (error.status === 0) {
    lost ||= Date.now();
    notices.connection("bad", "Not connected");
    notices.notice("gone", "bad", "The gateway does not answer", "What is shown may be old. This page tries again until it is back.");
    return;
  }
  notices.notice("odd", "bad", "Something could not be fetched", error.message);
}

function fine() {
  if (lost) stream?.now();
  lost = 0;
  notices.connection("good", "Live");
  notices.notice("gone");
  notices.notice("odd");
  $("login").hidden = true;
  $("content").hidden = false;
  $("forget").hidden = !hasKey();
}

async function standing() {
  const [health, stats, quota] = await Promise.all(["health", "stats", "quota"].map((name) => get(`/model-gateway/${name}`)));
  providers.show(health, stats, quota);
  totals(health, stats);
}

async function background() {
  const [config, budgets, health] = await Promise.all([get("/model-gateway/config"), get("/model-gateway/budgets"), get("/health")]);
  notices.config(config);
  tasks.showBudgets(budgets);
  say($("version"), `v${health.version}`);
}

/** A key may open the gateway and not the agents. */
async function agents() {
  try {
    const list = await get("/agents");
    await tasks.load();
    tasks.showAgents(list);
  } catch (error) {
    if (error.status !== 403) throw error;
    tasks.refused(error.message);
  }
}

function totals(health, stats) {
  const models = Object.values(stats.providers).flatMap(Object.values);
  const sum = (field) => models.reduce((all, model) => all + field(model), 0);
  const up = health.providers_available.length;
  const rows = [
    ["Providers", `${up} of ${up + health.providers_unavailable.length}`],
    ["Attempts", count(sum((model) => model.attempts))],
    ["Failovers", count(sum((model) => model.failovers))],
    ["Faults", count(sum((model) => model.outcomes.fault))],
    ["Tokens", count(sum((model) => model.tokens.input + model.tokens.output))],
  ];
  sync($("totals"), rows, ([name]) => name, ([name]) => el("div", "", el("dt", "", name), el("dd")), (row, [, value]) => say(row.lastElementChild, value));
}

/** Runs now, then again some time after it has ended; soon when `again` is called. Nothing is
 * asked for while nobody looks. */
function repeat(work, pause) {
  let timer;
  let running = false;
  let stopped = false;
  let soon = false;
  const run = async () => {
    clearTimeout(timer);
    soon = false;
    if (running || stopped) return;
    running = true;
    try {
      if (!document.hidden) {
        await work();
        if (!stopped) fine();
      }
    } catch (error) {
      if (!stopped) failed(error);
    }
    running = false;
    if (!stopped && !soon) timer = setTimeout(run, lost ? 1000 : pause);
  };
  const again = () => {
    // However often it is called, it is not put off.
    if (soon || stopped) return;
    soon = true;
    clearTimeout(timer);
    timer = setTimeout(run, 200);
  };
  run();
  timers.push(() => { stopped = true; clearTimeout(timer); });
  return again;
}

function start() {
  stop();
  const again = [repeat(standing, OFTEN), repeat(background, OFTEN), repeat(agents, SELDOM)];
  const [standingAgain, , agentsAgain] = again;
  const all = () => again.forEach((ask) => ask());
  document.onvisibilitychange = () => document.hidden || all();
  // One for both sides. What a key may not see of the agents is not in it, and is said where it would be.
  stream = share("/model-gateway/events?agents=true", {
    onOpen: all,
    onFailure: failed,
    onEvent: (event, name) => {
      if (name === "agents") {
        if (tasks.heard(event)) agentsAgain();
        return;
      }
      requests.heard(event);
      if (event.type === "request") {
        providers.heard(event);
        standingAgain();
      }
    },
  });
}

function stop() {
  stream?.stop();
  timers.forEach((cancel) => cancel());
  stream = undefined;
  timers = [];
}

function login(why) {
  stop();
  forgetKey();
  notices.notice("gone");
  notices.notice("odd");
  notices.connection("wait", "Waiting for a key");
  const wasHidden = $("login").hidden;
  $("login").hidden = false;
  $("content").hidden = true;
  $("forget").hidden = true;
  say($("login-error"), why);
  if (wasHidden) $("key").focus();
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey($("key").value.trim());
  $("key").value = "";
  start();
});
$("forget").addEventListener("click", () => login(""));

// A tab that is closed leaves the shared stream. One that the browser only put aside comes back.
addEventListener("pagehide", stop);
addEventListener("pageshow", (event) => event.persisted && start());

requests.start();
start();
