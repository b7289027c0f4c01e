// Which kernels a training computes with, and the memory they share with the network.

import { plain } from "./plain.js";

/** @param {number} floats @param {string} [wanted] */
export function kernelsOf(floats, wanted) {
  const M = new Float32Array(floats);
  if (wanted && wanted !== "js") throw new Error(`there are no kernels "${wanted}"`);
  return { M, kernels: plain(M) };
}
