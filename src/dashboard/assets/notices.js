// What stands above all else: the connection, and what is wrong with the configuration.

import { $, el, say, sync } from "./dom.js";
import { ago, time } from "./format.js";

/** `kind` is `good`, `wait` or `bad`. */
export function connection(kind, text) {
  const element = $("connection");
  element.dataset.kind = kind;
  say(element, text);
}

const notices = new Map();

/** Shows, or takes back (without a title), the notice of this name. */
export function notice(name, kind, title, text, detail) {
  if (title) notices.set(name, { name, kind, title, text, detail });
  else notices.delete(name);
  sync($("notices"), notices.values(), (item) => item.name, make, update);
}

function make() {
  return el("div", "notice", el("h2"), el("p"), el("pre"));
}

function update(element, { kind, title, text, detail }) {
  const [heading, paragraph, code] = element.children;
  element.dataset.kind = kind;
  say(heading, title);
  say(paragraph, text);
  say(code, detail ?? "");
  code.hidden = !detail;
}

/** `GET /model-gateway/config` */
export function config({ origin, loaded_at, reloads, error, restart_needed }) {
  const isDemo = origin?.includes("demo provider");
  const refused = error && `Since ${time(error.at)} it cannot be used. The gateway goes on with the one of ${time(loaded_at)}; it takes up the next one that is right.`;
  notice("config", "bad", error && "The configuration was not taken up", refused, error?.message);
  notice(
    "restart", "wait", restart_needed.length > 0 && "A restart is needed",
    `These settings have changed, and are taken up when the gateway starts: ${restart_needed.join(", ")}.`,
  );
  notice(
    "demo", "info", isDemo && "This is the demo",
    "The providers answer in this process, and nothing leaves this machine. Ask for the model demo-failover to see one of them take over; write a gateway.yaml for real ones.",
  );
  const times = reloads === 0 ? "" : `, taken up ${reloads} more ${reloads === 1 ? "time" : "times"}, the last one ${ago(loaded_at)}`;
  say($("origin"), origin ? `Configuration: ${origin}${times}` : "");
}
