// Nodes of the page.

/**
 * Make an element; a boolean sets a property, `text` the text, everything else an attribute.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | boolean>} attributes @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = String(value);
    else if (typeof value === "boolean") Object.assign(node, { [name]: value });
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** What each node showed last. @type {WeakMap<Node, string>} */
const shown = new WeakMap();

/**
 * Whether a node must be filled anew, because this is not what it showed last.
 *
 * @param {Node} node @param {unknown} content
 */
export function renewed(node, content) {
  const key = JSON.stringify(content);
  if (shown.get(node) === key) return false;
  shown.set(node, key);
  return true;
}
