// A SharedWorker: holds the event stream of all tabs, since a browser opens no more than six
// connections to a gateway over HTTP/1.1, and each stream takes one for as long as it is open. It ends
// with the last tab.

import { listen } from "./stream.js";

/** By path and key: tabs with different keys may see different things. */
const streams = new Map();

function join(port, path, key) {
  const name = JSON.stringify([path, key]);
  let shared = streams.get(name);
  if (!shared) {
    shared = { ports: new Set(), isOpen: false };
    const tell = (message) => shared.ports.forEach((port) => port.postMessage(message));
    shared.stream = listen(path, key, {
      onOpen: () => {
        shared.isOpen = true;
        tell({ kind: "open" });
      },
      onEvent: (event, name) => tell({ kind: "event", event, name }),
      onFailure: ({ status, message }) => {
        shared.isOpen = false;
        tell({ kind: "failure", status, message });
        // It does not come back by itself; whoever listens next tries again.
        if (status === 401 || status === 403) streams.delete(name);
      },
    });
    streams.set(name, shared);
  }
  shared.ports.add(port);
  if (shared.isOpen) port.postMessage({ kind: "open" });
  const leave = () => {
    shared.ports.delete(port);
    if (shared.ports.size) return;
    shared.stream.stop();
    if (streams.get(name) === shared) streams.delete(name);
  };
  return { leave, now: () => shared.stream.now() };
}

self.onconnect = ({ ports: [port] }) => {
  let joined;
  port.onmessage = ({ data }) => {
    if (data.kind === "listen") {
      port.postMessage({ kind: "here" });
      joined?.leave();
      joined = join(port, data.path, data.key);
    } else if (data.kind === "now") {
      joined?.now();
    } else if (data.kind === "leave") {
      joined?.leave();
      joined = undefined;
      port.close();
    }
  };
};
