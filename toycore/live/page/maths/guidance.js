// Guidance as weights of lattices, as in toycore's `guidance`: s = 0 unconditional, 1 conditional, more extrapolates.

/**
 * weak + s (strong - weak).
 *
 * @template L @param {L} weak @param {L} strong @param {number} s @returns {[L, number][]}
 */
export const guided = (weak, strong, s) => [[weak, 1 - s], [strong, s]];

/**
 * "two-term": eps + sPos (eps_p - eps) - sNeg (eps_n - eps);  "replace": eps_n + sPos (eps_p - eps_n).
 *
 * @template L @param {L} free @param {L} positive @param {L} avoided @param {number} sPos @param {number} sNeg
 * @param {"two-term" | "replace"} form @returns {[L, number][]}
 */
export function negative(free, positive, avoided, sPos, sNeg, form) {
  if (form === "replace") return guided(avoided, positive, sPos);
  return [[free, 1 - sPos + sNeg], [positive, sPos], [avoided, -sNeg]];
}
