// The program itself, in a directory of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Gateway {
  constructor() {
    this.home = mkdtempSync(join(tmpdir(), "switchtower-browser-"));
    this.port = 0;
  }

  file(name, text, mode) {
    const path = join(this.home, name);
    writeFileSync(`${path}.new`, text, { mode });
    renameSync(`${path}.new`, path);
    return path;
  }

  configure(yaml) {
    this.file("gateway.yaml", yaml);
  }

  /** Runs, on the port that it had before if it had one. */
  async start() {
    const { home } = this;
    const env = { HOME: home, PATH: "/usr/bin:/bin" };
    this.child = spawn(process.env.SWITCHTOWER, ["serve", "--port", String(this.port)], { cwd: home, env });
    this.ended = once(this.child, "exit");
    let log = "";
    const listens = new Promise((resolve, reject) => {
      const read = (piece) => {
        log += piece;
        const port = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(log)?.[1];
        if (port) resolve(Number(port));
      };
      this.child.stdout.on("data", read);
      this.child.stderr.on("data", read);
      this.ended.then(() => reject(new Error(log)));
    });
    this.port = await listens;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
  }

  async remove() {
    if (this.child?.exitCode === null) this.child.kill("SIGKILL");
    await this.ended;
    rmSync(this.home, { recursive: true, force: true });
  }

  post(path, body, headers = {}) {
    return fetch(this.url + path, {
      method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers },
    });
  }

  /** A call to a model, read to its end. */
  async call(model, { stream = true, path = "/v1/chat/completions" } = {}) {
    // No two are the same: a breaker counts the faults of a request that is sent again once.
    this.calls = (this.calls ?? 0) + 1;
    const messages = [{ role: "user", content: `A secret prompt, number ${this.calls}` }];
    const response = await this.post(path, { model, stream, messages });
    await response.text();
    return response.status;
  }
}
