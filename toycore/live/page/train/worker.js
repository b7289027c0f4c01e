// What a worker runs: a trainer that hears messages and posts reports.

import { trainer } from "./trainer.js";

const hear = trainer((report) => self.postMessage(report), 12);

self.onmessage = ({ data }) => hear(data);
