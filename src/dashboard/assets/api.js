// Asks the gateway, with the key that this tab was given.

const KEY = "switchtower-key";

export const hasKey = () => sessionStorage.getItem(KEY) !== null;
export const setKey = (key) => sessionStorage.setItem(KEY, key);
export const forgetKey = () => sessionStorage.removeItem(KEY);

/** An answer that is none: `status` is 0 when the gateway is not there. */
export class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The key of this tab, or null. */
export const ownKey = () => sessionStorage.getItem(KEY);

/** Fetches with `key`, and throws a `Failure` unless all is well. */
export async function open(path, key, options = {}) {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Failure(0, "the gateway does not answer");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new Failure(response.status, body?.error?.message ?? `status ${response.status}`);
}

/** A JSON answer; whoever does not answer in time is not there. */
export async function get(path) {
  const response = await open(path, ownKey(), { signal: AbortSignal.timeout(10_000) }).catch((error) => {
    throw error instanceof Failure ? error : new Failure(0, "the gateway does not answer");
  });
  try {
    return await response.json();
  } catch {
    throw new Failure(0, "the answer broke off");
  }
}
