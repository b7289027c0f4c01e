// eslint -c toycore/live/page/eslint.config.mjs toycore/live/page tests/live/js      (types are checked by tsc)
import js from "@eslint/js";
import globals from "globals";

const lines = { skipBlankLines: false, skipComments: false };

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: { ...globals.browser } },
    rules: {
      eqeqeq: "error",
      "func-style": ["error", "declaration", { allowArrowFunctions: true }],
      "max-len": ["error", { code: 120 }],
      "max-lines": ["error", { max: 400, ...lines }],
      "max-lines-per-function": ["error", { max: 40, ...lines }],
      "no-restricted-properties": [
        "error", { object: "Math", property: "random", message: "Views repeat: take normals(seed, step, n)." },
      ],
      "no-shadow": ["error", { builtinGlobals: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      quotes: ["error", "double", { avoidEscape: true }],
      semi: "error",
    },
  },
  { files: ["tests/**"], languageOptions: { globals: { ...globals.node } } },
];
