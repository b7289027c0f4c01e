// Numbers as readers see them.

/** The true minus sign in place of the hyphen. @param {string} text */
export const minus = (text) => text.replace("-", "\u2212");

/** So many digits after the point. @param {number} x */
export const fixed = (x, digits = 2) => minus(x.toFixed(digits));

/** Three significant digits, two of small numbers. @param {number} x */
export const significant = (x) => (x < 0.0995 ? x.toPrecision(2) : x.toPrecision(3));

/** A share in [0, 1], a small one as a power of ten. @param {number} x */
export const share = (x, digits = 3) => (x < 1e-3 && x > 0 ? minus(x.toExponential(1)) : x.toFixed(digits));

/** A share in percent, without its sign. @param {number} x */
export const percent = (x) => (100 * x).toFixed(0);
