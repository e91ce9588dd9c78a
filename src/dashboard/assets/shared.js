// The event stream of this tab, shared with the other tabs where the browser has shared workers.

import { Failure, ownKey } from "./api.js";
import { listen } from "./stream.js";

/** How long the worker may take to say that it is there. */
const PATIENCE = 5000;

/** As `listen`, with the key of this tab. */
export function share(path, handlers) {
  const key = ownKey();
  let own;
  let port;
  let timer;
  let isStopped = false;

  const leave = () => {
    clearTimeout(timer);
    port?.postMessage({ kind: "leave" });
    port?.close();
    port = undefined;
  };
  const alone = () => {
    leave();
    if (!isStopped) own ??= listen(path, key, handlers);
  };
  const heard = ({ data }) => {
    clearTimeout(timer);
    if (isStopped || own) return;
    if (data.kind === "open") handlers.onOpen?.();
    if (data.kind === "event") handlers.onEvent(data.event, data.name);
    if (data.kind === "failure") handlers.onFailure?.(new Failure(data.status, data.message));
  };

  try {
    const worker = new SharedWorker("/dashboard/worker.js", { type: "module", name: "switchtower" });
    worker.onerror = alone;
    port = worker.port;
    port.onmessage = heard;
    port.postMessage({ kind: "listen", path, key });
    timer = setTimeout(alone, PATIENCE);
  } catch {
    alone();
  }
  return {
    stop: () => {
      isStopped = true;
      leave();
      own?.stop();
    },
    now: () => {
      own?.now();
      port?.postMessage({ kind: "now" });
    },
  };
}
