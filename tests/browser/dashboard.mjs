// The dashboard in a browser, in front of a gateway whose providers fail. `.ci/dashboard` runs it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";

import { Gateway } from "./gateway.mjs";
import { accessible, launch, picture, tab } from "./look.mjs";
import { provider } from "./provider.mjs";

let browser, atlas, borealis;
const gateways = [];

const HOSTILE = "<img src=x onerror=alert(1)>";

before(async () => {
  [browser, atlas, borealis] = await Promise.all([launch(), provider({ delay: 40 }), provider({ delay: 90 })]);
});

after(async () => {
  await browser?.close();
  atlas?.close();
  borealis?.close();
  await Promise.all(gateways.map((gateway) => gateway.remove()));
});

function gateway() {
  const gateway = new Gateway();
  gateways.push(gateway);
  return gateway;
}

/** Two providers that know the same model, one that has no key, and agents that are shell scripts. */
function configuration(gateway, settings = "") {
  const probe = [{ provider: "claude", usage: { primary: { usedPercent: 82, windowMinutes: 300 } } }];
  const codexbar = gateway.file("codexbar", `#!/bin/sh\ncat <<'END'\n${JSON.stringify(probe)}\nEND\n`, 0o755);
  const speaks = "cat >/dev/null; echo Looking at the failing test; sleep 1; echo The port was taken; sleep 1; echo Done";
  return `
models:
  retry: {max_retries: 0}
  circuit_breaker: {failure_threshold: 3, reset_timeout_ms: 60000}
  quota: {codexbar: {command: "${codexbar}"}, map: {borealis: claude}}
  budgets: {default: {requests_per_day: 1000, tokens_per_day: 50000}}
  providers:
    atlas: {base_url: "${atlas.url}", api_key: k, models: [gpt-5.1, o4-mini]}
    borealis: {base_url: "${borealis.url}", api_key: k, models: [gpt-5.1, qwen3]}
    cirrus: {base_url: "${atlas.url}", api_key_env: CIRRUS_API_KEY, models: [gpt-5.1]}
agents:
  - {id: fixer, name: Fixer, type: process, command: sh, args: ["-c", "${speaks}"], capabilities: [tests]}
  - {id: broken, name: Broken, type: process, command: sh, args: ["-c", "echo no such file >&2; exit 3"]}
  - {id: echo, name: Echo, type: process, command: cat}
routing: {defaultAgent: echo}
${settings}`;
}

const live = (page) => page.locator('#connection[data-kind="good"]').waitFor();
const text = (locator) => locator.innerText();

/** Waits until `locator` has this text. */
async function says(locator, expected) {
  await locator.filter({ hasText: expected }).first().waitFor();
}

test("nothing has happened yet, and nothing is wrong with the page", async () => {
  const house = gateway();
  house.configure("{}");
  await house.start();
  const page = await tab(browser);
  await page.goto(`${house.url}/dashboard`);
  await live(page);
  await says(page.locator("#providers"), "No provider is configured");
  await says(page.locator("#no-requests"), "No request has ended");
  await says(page.locator("#no-tasks"), "No task was given yet");
  await accessible(page, "empty");
  await picture(page, "empty");
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("the demo says that it is one, and fails over", async () => {
  const house = await gateway().start();
  const page = await tab(browser);
  await page.goto(`${house.url}/dashboard/`);
  await live(page);
  await says(page.locator("#notices"), "This is the demo");
  assert.equal(await house.call("demo-failover"), 200);
  const steps = page.locator("#requests tbody tr").first().locator(".steps li");
  await says(steps.nth(0), /demo\/demo-failover\s*overloaded/);
  await says(steps.nth(1), /demo-backup\/demo\s*success/);
  assert.deepEqual(page.troubles, []);
  await page.context().close();
});

test("failovers, breakers, tasks and what is wrong with the configuration", async (t) => {
  const house = gateway();
  const yaml = configuration(house);
  house.configure(yaml);
  await house.start();
  const page = await tab(browser);
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).host));
  await page.goto(`${house.url}/dashboard`);
  await live(page);
  const rows = page.locator("#requests tbody tr");
  const card = (name) => page.locator("#providers .card", { has: page.locator("h3", { hasText: name }) });

  await t.test("providers and their quota are shown", async () => {
    await says(card("cirrus"), "CIRRUS_API_KEY");
    await says(card("cirrus").locator(".badge").first(), "Unavailable");
    await says(card("borealis").locator(".quota"), "82% of the quota used");
    await says(card("atlas").locator(".badge").first(), "Available");
  });

  await t.test("requests are shown as they end, and how quick they were", async () => {
    for (let n = 0; n < 12; n += 1) {
      assert.equal(await house.call(n % 3 ? "gpt-5.1" : "qwen3"), 200);
      await page.waitForTimeout(100);
    }
    await rows.nth(11).waitFor();
    await says(rows.first().locator(".way"), "atlas/gpt-5.1");
    await says(card("atlas").locator(".tokens"), /First token \d+ ms, the last 8/);
    await says(card("atlas").locator(".figures"), /Requests\s*8/);
    assert.ok(await card("atlas").locator(".spark polyline").getAttribute("points"));
  });

  await t.test("a failover has both targets and the cause", async () => {
    atlas.fails = 503;
    assert.equal(await house.call("gpt-5.1"), 200);
    const steps = rows.first().locator(".steps li");
    await says(steps.nth(0), /atlas\/gpt-5\.1\s*unavailable/);
    await says(steps.nth(1), /borealis\/gpt-5\.1\s*success/);
    await says(rows.first(), "200 success");
  });

  await t.test("an open breaker is shown, and that it is why nobody is asked", async () => {
    for (let n = 0; n < 3; n += 1) await house.call("gpt-5.1");
    await says(card("atlas").locator(".circuits"), /open, probe in \d+ s\s*atlas\/gpt-5\.1/);
    await says(card("atlas").locator(".badge").first(), "Unavailable");
    await says(rows.first().locator(".steps li").first(), "rejected by circuit breaker");
    borealis.fails = 500;
    assert.equal(await house.call("qwen3"), 502);
    await says(rows.first(), "502 fault");
    borealis.fails = null;
    await page.getByLabel("Failovers and errors only").check();
    assert.equal(await rows.filter({ hasText: "success" }).filter({ hasNotText: "atlas" }).count(), 0);
    await page.getByLabel("Failovers and errors only").uncheck();
  });

  await t.test("a task's output appears while it runs", async () => {
    await house.post("/tasks", { target: "fixer", payload: { task: "Find out why the build fails" } });
    const task = page.locator("#tasks .task", { hasText: "Find out why" });
    await says(task.locator(".output"), "Looking at the failing test");
    await says(task.locator(".badge"), "running");
    assert.ok(!(await text(task.locator(".output"))).includes("Done"));
    await says(page.locator("#agents .agent", { hasText: "Fixer" }), "busy");
    await says(task.locator(".badge"), "completed");
    await says(task.locator(".output"), "Done");
    await house.post("/tasks", { target: "broken", payload: { task: "Tidy up" } });
    await says(page.locator("#tasks .task", { hasText: "Tidy up" }), "failed");
    await says(page.locator("#tasks .task .bad"), "no such file");
    await picture(page, "readme");
  });

  await t.test("what strangers write stays text", async () => {
    await house.call(HOSTILE);
    await says(rows.first().locator(".model"), HOSTILE);
    await house.post("/tasks", { target: "echo", payload: { task: HOSTILE } });
    await says(page.locator("#tasks .task h3").first(), HOSTILE);
    await says(page.locator("#tasks .task").first().locator("details"), "Output");
    assert.equal(await page.locator("img").count(), 0);
  });

  await t.test("a configuration that cannot be used is shown until it can", async () => {
    house.configure(yaml.replace("max_retries: 0", "max_retries: many"));
    await says(page.locator("#notices"), "The configuration was not taken up");
    await says(page.locator("#notices pre"), "max_retries");
    await accessible(page, "a wrong configuration");
    await picture(page, "wrong-configuration");
    house.configure(yaml.replace("tokens_per_day: 50000", "tokens_per_day: 60000"));
    await page.locator("#notices .notice").waitFor({ state: "detached" });
  });

  await t.test("too many at a time are counted", async () => {
    await page.waitForTimeout(1000);
    await Promise.all(Array.from({ length: 30 }, () => house.call("qwen3", { stream: false })));
    await page.waitForTimeout(1000);
    await house.call("qwen3");
    await says(page.locator("#left-out"), /\d+ more, too many at a time/);
  });

  await t.test("it can be read in the light, in the dark and on a phone", async () => {
    atlas.fails = null;
    await house.call("o4-mini");
    for (const [name, colorScheme, width] of [
      ["light", "light", 1280], ["dark", "dark", 1280], ["narrow", "light", 360], ["narrow-dark", "dark", 360],
    ]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 900 });
      await accessible(page, name);
      await picture(page, name);
    }
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  await t.test("the keyboard reaches everything, and it can be seen where it is", async () => {
    await page.evaluate(() => document.activeElement?.blur());
    const reached = new Set();
    for (let n = 0; n < 12; n += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const element = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return { name: element.id || element.className || element.tagName, seen: outlineStyle !== "none" && outlineWidth !== "0px" };
      });
      if (at.name !== "BODY") assert.ok(at.seen, at.name);
      reached.add(at.name);
    }
    for (const name of ["skip", "only-trouble", "pause", "scroll"]) assert.ok(reached.has(name), name);
    await page.locator("#pause").focus();
    await page.keyboard.press("Space");
    const count = await rows.count();
    await house.call("qwen3");
    await page.waitForTimeout(500);
    assert.equal(await rows.count(), count);
    await page.keyboard.press("Space");
    await page.waitForFunction((count) => document.querySelectorAll("#requests tbody tr").length > count, count);
  });

  await t.test("nothing is asked of anybody else, and nothing is wrong with the page", async () => {
    assert.deepEqual([...new Set(asked)], [new URL(house.url).host]);
    assert.ok(!(await text(page.locator("body"))).includes("secret"));
    assert.deepEqual(page.troubles, []);
  });

  await t.test("a gateway that is gone is missed, and found again", async () => {
    await house.stop();
    await says(page.locator("#notices"), "The gateway does not answer");
    await says(page.locator("#connection"), "Not connected");
    await accessible(page, "gone");
    await page.evaluate(() => scrollTo(0, 0));
    await picture(page, "gone", { fullPage: false });
    await house.start();
    await live(page);
    await page.locator("#notices .notice").waitFor({ state: "detached" });
    // The stream, too, is there again.
    for (let n = 0; n < 20 && !(await text(rows.first())).includes("o4-mini"); n += 1) {
      await house.call("o4-mini");
      await page.waitForTimeout(500);
    }
    await says(rows.first(), "o4-mini");
  });
  await page.context().close();
});

test("many tabs share one stream, and closing any of them leaves it to the others", async () => {
  const house = gateway();
  house.configure(configuration(house));
  await house.start();
  const first = await tab(browser);
  const context = first.context();
  const pages = [first];
  const opened = async (page) => {
    await page.goto(`${house.url}/dashboard`);
    await live(page);
  };
  await opened(first);
  // More than a browser has connections to one host.
  for (let n = 1; n < 9; n += 1) {
    const page = await context.newPage();
    page.on("pageerror", (error) => first.troubles.push(String(error)));
    pages.push(page);
    await opened(page);
  }
  /** How many event streams the gateway has open. */
  const streams = async () => (await (await house.post("/broadcast", { type: "my.count" })).json()).delivered;
  const shown = async (model) => {
    await house.call(model);
    await Promise.all(pages.map((page) => says(page.locator("#requests tbody tr").first(), model)));
  };
  assert.equal(await streams(), 1);
  await shown("qwen3");
  for (const closed of [0, 3]) {
    await pages.splice(closed, 1)[0].close();
    assert.equal(await streams(), 1);
    await shown(closed ? "gpt-5.1" : "o4-mini");
  }
  await house.post("/tasks", { target: "echo", payload: { task: "Seen by all" } });
  await Promise.all(pages.map((page) => says(page.locator("#tasks .task").first(), "Seen by all")));

  // A tab that is reloaded comes back to it.
  await pages[0].reload();
  await live(pages[0]);
  await shown("qwen3");
  assert.equal(await streams(), 1);

  // A gateway that comes back is heard of in each.
  await house.stop();
  await Promise.all(pages.map((page) => says(page.locator("#connection"), "Not connected")));
  await house.start();
  await Promise.all(pages.map(live));
  for (let n = 0; n < 50 && (await streams()) !== 1; n += 1) await pages[0].waitForTimeout(100);
  assert.equal(await streams(), 1);
  await shown("o4-mini");

  const last = pages.pop();
  await Promise.all(pages.splice(0).map((page) => page.close()));
  pages.push(last);
  await shown("gpt-5.1");
  assert.equal(await streams(), 1);
  await context.close();
  for (let n = 0; n < 50 && (await streams()) !== 0; n += 1) await new Promise((resume) => setTimeout(resume, 100));
  assert.equal(await streams(), 0);
  const strange = first.troubles.filter((trouble) => !/ERR_|Failed to load/.test(trouble));
  assert.deepEqual(strange, []);
});

test("without shared workers each tab has a stream of its own", async () => {
  const house = gateway();
  house.configure(configuration(house));
  await house.start();
  for (const missing of ["delete globalThis.SharedWorker", "globalThis.SharedWorker = class { constructor() { throw new Error(); } }",
    "globalThis.SharedWorker = class { constructor() { this.port = new MessageChannel().port1; setTimeout(() => this.onerror(), 0); } }"]) {
    const page = await tab(browser);
    await page.addInitScript(missing);
    await page.goto(`${house.url}/dashboard`);
    await live(page);
    await house.call("qwen3");
    await says(page.locator("#requests tbody tr").first(), "qwen3");
    assert.deepEqual(page.troubles, []);
    await page.context().close();
  }
});

test("tabs with different keys do not share", async () => {
  const house = gateway();
  const entry = (name, scopes) => {
    const hash = createHash("sha256").update(`st-key-of-${name}-0123456789`).digest("hex");
    return `{name: ${name}, hash: "sha256:${hash}", scopes: [${scopes}]}`;
  };
  house.configure(configuration(house, `auth: {keys: [${entry("all", "admin, agents, models")}, ${entry("admin", "admin")}]}`));
  await house.start();
  const first = await tab(browser);
  const second = await first.context().newPage();
  for (const [page, name] of [[first, "all"], [second, "admin"]]) {
    await page.goto(`${house.url}/dashboard`);
    await page.getByLabel("Key", { exact: true }).fill(`st-key-of-${name}-0123456789`);
    await page.keyboard.press("Enter");
    await live(page);
  }
  const headers = { authorization: "Bearer st-key-of-all-0123456789" };
  const told = await (await house.post("/broadcast", { type: "my.count" }, headers)).json();
  assert.equal(told.delivered, 1, "the other key has no scope for that");
  await house.post("/v1/chat/completions", { model: "qwen3", messages: [{ role: "user", content: "x" }] }, headers);
  for (const page of [first, second]) await says(page.locator("#requests tbody tr").first(), "qwen3");
  await first.locator("#forget").click();
  await first.locator("#login").waitFor();
  await live(second);
  await first.context().close();
});

test("where there are keys, it asks for one and forgets it", async () => {
  const house = gateway();
  const entry = (name, scopes) => {
    const hash = createHash("sha256").update(`st-key-of-${name}-0123456789`).digest("hex");
    return `{name: ${name}, hash: "sha256:${hash}", scopes: [${scopes}]}`;
  };
  house.configure(configuration(house, `auth: {keys: [${entry("all", "admin, agents, models")}, ${entry("admin", "admin")}, ${entry("models", "models")}]}`));
  await house.start();
  const page = await tab(browser);
  await page.goto(`${house.url}/dashboard`);
  const enter = async (name) => {
    await page.getByLabel("Key", { exact: true }).fill(`st-key-of-${name}-0123456789`);
    await page.keyboard.press("Enter");
  };
  await page.locator("#login").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "key");
  assert.equal(await text(page.locator("#login-error")), "");
  await accessible(page, "login");
  await picture(page, "login");
  await enter("nobody");
  await says(page.locator("#login-error"), "not known here");
  await enter("models");
  await says(page.locator("#login-error"), "no scope `admin`");
  assert.equal(await page.locator("#content").isVisible(), false);
  await enter("admin");
  await live(page);
  await says(page.locator("#no-tasks"), "no scope `agents`");
  await page.locator("#forget").click();
  await page.locator("#login").waitFor();
  await enter("all");
  await live(page);
  await says(page.locator("#agents"), "Fixer");
  await page.reload();
  await live(page);
  assert.ok(!page.url().includes("st-key"));
  const strange = page.troubles.filter((trouble) => !/status of 40[13]/.test(trouble));
  assert.deepEqual(strange, []);
  await page.context().close();
});
