// Numbers and times for people.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const plain = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

export const time = (ms) => clock.format(new Date(ms));

export const count = (number) => (number < 10_000 ? plain : compact).format(number);

/** `85 ms`, `1.2 s`, `3 min` */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** `12 s ago` */
export const ago = (ms) => `${duration(Math.max(1000, Math.round((Date.now() - ms) / 1000) * 1000)).replace(".0", "")} ago`;

export const money = (amount, currency) => {
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(amount);
  } catch {
    return `${amount} ${currency}`;
  }
};

/** `rate_limited` as words; a code such as `NO_PROVIDER` stays one. */
export const words = (text) => String(text).replace(/([a-z])_(?=[a-z])/g, "$1 ");
