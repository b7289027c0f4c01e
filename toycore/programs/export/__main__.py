"""Write the course as a static site: `python -m toycore.programs.export`."""

import sys

from toycore.programs.export import main

main(sys.argv[1:])
