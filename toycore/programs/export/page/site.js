// The reading site: theme, search, mathematics, views without a kernel, slides, paper. No network is used.

import { startFront } from "./front.js";
import { typeset } from "./formulas.js";
import { startPaper } from "./paper.js";
import { markPredictions } from "./predictions.js";
import { startSearch } from "./search.js";
import { startSlides } from "./slides.js";
import { startTheme } from "./theme.js";
import { showViews } from "./views.js";

const main = document.getElementById("main");
startTheme();
startSearch();
typeset();
markPredictions(main);
showViews();
startSlides(main);
startPaper(main);
startFront();
