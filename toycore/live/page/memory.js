// What is worth keeping between two frames.

/** @template T @typedef {(keys: unknown[], make: () => T) => T} Memory */

/**
 * Remember the latest result of make() for as long as no key changes; arrays and objects are compared by identity.
 *
 * @template T @returns {Memory<T>}
 */
export function memory() {
  /** @type {{ keys: unknown[], value: T } | null} */
  let known = null;
  return (keys, make) => {
    const same = known?.keys.length === keys.length && known.keys.every((key, i) => key === keys[i]);
    if (!known || !same) known = { keys, value: make() };
    return known.value;
  };
}
