// Calls to models as they end, with the targets each came to.

import { $, badge, el, say } from "./dom.js";
import { count, duration, time, words } from "./format.js";

const MOST = 100;
const kinds = { success: "good", neutral: "wait", fault: "bad", cancelled: "quiet", rejected: "wait" };

let requests = [];
let base = null;
let paused = false;
const trouble = { failovers: 0, errors: 0 };

const isFailover = (request) => new Set(request.attempts.map((a) => `${a.provider}/${a.model}`)).size > 1;
const isError = (request) => request.outcome !== "success" && request.outcome !== "cancelled";

/** An event of `/model-gateway/events`. */
export function heard(event) {
  // It is of all listeners, and of all time: what counts is how far it has grown.
  if (base === null || event.left_out < base) base = event.left_out;
  const leftOut = event.left_out - base;
  say($("left-out"), leftOut ? `${count(leftOut)} more, too many at a time to be shown` : "");
  if (event.type !== "request") return;
  requests = [event, ...requests].slice(0, MOST);
  if (isFailover(event)) trouble.failovers += 1;
  if (isError(event)) trouble.errors += 1;
  if (paused) return;
  const body = $("requests").tBodies[0];
  if (isShown(event)) body.prepend(row(event, true));
  while (body.rows.length > MOST) body.lastElementChild.remove();
  empty();
}

export const troubles = () => trouble;

export function start() {
  $("only-trouble").addEventListener("change", redraw);
  $("pause").addEventListener("click", () => {
    paused = !paused;
    $("pause").setAttribute("aria-pressed", String(paused));
    $("pause").textContent = paused ? "Go on" : "Pause";
    if (!paused) redraw();
  });
  // Not each one: a reader of the screen would never hear anything else.
  let said = { ...trouble };
  setInterval(() => {
    const failovers = trouble.failovers - said.failovers;
    const errors = trouble.errors - said.errors;
    said = { ...trouble };
    if (failovers + errors) say($("said"), `In the last 15 seconds: ${failovers} failed over, ${errors} failed.`);
  }, 15_000);
  empty();
}

const isShown = (request) => !$("only-trouble").checked || isFailover(request) || isError(request);

function redraw() {
  $("requests").tBodies[0].replaceChildren(...requests.filter(isShown).map((request) => row(request, false)));
  empty();
}

function empty() {
  const isEmpty = $("requests").tBodies[0].rows.length === 0;
  $("requests").hidden = isEmpty;
  $("no-requests").hidden = !isEmpty;
  say($("no-requests"), requests.length ? "Nothing failed over and nothing failed, of the latest requests." : "No request has ended since this page was opened. They are shown here as they end.");
}

function row(request, isNew) {
  const when = el("time", "", time(request.timestamp));
  when.dateTime = new Date(request.timestamp).toISOString();
  const model = el("th", "model", request.model ?? "–", " ", el("span", "quiet", request.path));
  model.scope = "row";
  const cell = (label, className, ...children) => {
    const cell = el("td", className, ...children);
    cell.dataset.label = label;
    return cell;
  };
  const tokens = request.tokens ? `${count(request.tokens.input)} → ${count(request.tokens.output)}` : "–";
  return el(
    "tr", isNew ? "new" : "",
    cell("Time", "", when),
    model,
    cell("Targets", "way", way(request)),
    cell("Result", "", badge(kinds[request.outcome] ?? "quiet", result(request))),
    cell("Took", "number", duration(request.duration_ms)),
    cell("First token", "number", duration(request.first_token_ms)),
    cell("Tokens", "number", tokens),
  );
}

function result({ outcome, status, code }) {
  return [status ?? "", code ?? outcome].join(" ").trim();
}

/** Each target with what came of it, and why the next one was asked. */
function way({ attempts }) {
  if (!attempts.length) return el("span", "quiet", "no target was asked");
  const steps = attempts.map((attempt) => {
    const target = el("span", "target", `${attempt.provider}/${attempt.model}`);
    target.dataset.kind = kinds[attempt.outcome] ?? "quiet";
    const cause = attempt.cause ?? attempt.outcome;
    return el("li", "", target, " ", el("span", attempt.cause ? "cause" : "quiet", words(cause)));
  });
  return el("ol", "steps", ...steps);
}
