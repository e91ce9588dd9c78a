// A provider on a loopback port that does as `answer` says.

import { createServer } from "node:http";
import { once } from "node:events";

const chunk = (delta, finish = null) => ({
  id: "c", object: "chat.completion.chunk", created: 1, model: "m",
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** Begins to listen. `fails` is the status of all answers, as long as it is set. */
export async function provider({ delay = 0 } = {}) {
  const state = { fails: null, delay };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    if (state.fails) {
      response.writeHead(state.fails, { "content-type": "application/json" });
      return response.end(JSON.stringify({ error: { message: "busy", type: "server_error", code: "busy" } }));
    }
    await new Promise((resume) => setTimeout(resume, state.delay * (0.5 + Math.random())));
    const usage = { prompt_tokens: 412, completion_tokens: 96, total_tokens: 508 };
    if (!JSON.parse(text || "{}").stream) {
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify({
        id: "c", object: "chat.completion", created: 1, model: "m", usage,
        choices: [{ index: 0, message: { role: "assistant", content: "A secret answer" }, finish_reason: "stop" }],
      }));
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (data) => response.write(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    send(chunk({ role: "assistant", content: "A secret" }));
    await new Promise((resume) => setTimeout(resume, state.delay));
    send(chunk({ content: " answer" }));
    send(chunk({}, "stop"));
    send({ ...chunk({}), choices: [], usage });
    send("[DONE]");
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  state.url = `http://127.0.0.1:${server.address().port}/v1`;
  state.close = () => { server.closeAllConnections(); server.close(); };
  return state;
}
