// Event streams, read with fetch: an EventSource cannot show a key.

import { Failure, open } from "./api.js";

const LONGEST = 8 << 20;

/** Takes text in pieces, and gives the events that are complete: `{id, name, data}`. */
export function parser() {
  let rest = "";
  return (text) => {
    rest += text;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop();
    if (rest.length > LONGEST) throw new Error("an event has no end");
    return blocks.map(event).filter((event) => event.data !== "");
  };
}

function event(block) {
  let id;
  let name;
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (line.startsWith("data:")) data.push(value);
    if (line.startsWith("id:")) id = value;
    if (line.startsWith("event:")) name = value;
  }
  return { id, name, data: data.join("\n") };
}

/** Listens for as long as `stop` is not called, and comes back when the stream ends: with the id of
 * the last event, if events have one. `now` has it come back without a further wait. */
export function listen(path, key, { onEvent, onOpen, onFailure }) {
  const control = new AbortController();
  let last;
  let wait = 500;
  let now = () => {};

  async function once() {
    const query = last === undefined ? "" : `${path.includes("?") ? "&" : "?"}lastEventId=${encodeURIComponent(last)}`;
    const response = await open(path + query, key, { signal: control.signal });
    onOpen?.();
    const parse = parser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      for (const { id, name, data } of parse(value)) {
        wait = 500;
        last = id ?? last;
        onEvent(JSON.parse(data), name);
      }
    }
  }

  (async () => {
    while (!control.signal.aborted) {
      try {
        await once();
      } catch (error) {
        if (control.signal.aborted) return;
        onFailure?.(error instanceof Failure ? error : new Failure(0, "the stream broke off"));
        // Who has no key, or no scope, has to change that first.
        if (error.status === 401 || error.status === 403) return;
      }
      await new Promise((resume) => {
        now = resume;
        setTimeout(resume, wait);
      });
      wait = Math.min(wait * 2, 8000);
    }
  })();
  return { stop: () => control.abort(), now: () => now() };
}
