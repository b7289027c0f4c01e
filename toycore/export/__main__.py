"""Write the course as a static site: `python -m toycore.export`."""

import sys

from toycore.export import main

main(sys.argv[1:])
