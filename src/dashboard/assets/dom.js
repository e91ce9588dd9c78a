// Makes elements. Whatever strangers wrote goes in as text, so that it stays text.

/** An element with a class (or several), and texts or nodes inside. */
export function el(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const $ = (id) => document.getElementById(id);

/** A point of a colour that says what kind of thing follows; the words beside it say it as well. */
export function badge(kind, text) {
  const element = el("span", "badge", text);
  element.dataset.kind = kind;
  return element;
}

/** Sets a text only if it differs: a live region speaks whenever it is set. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes the children of `parent` those of `items`, by key: `make` a new one, `update` any. What
 * stays keeps its place, focus and scroll position. */
export function sync(parent, items, key, make, update) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = before.get(name);
    before.delete(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
    update(child, item);
  }
  for (const gone of before.values()) gone.remove();
}
