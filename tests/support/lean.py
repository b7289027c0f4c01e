"""What the tests leave out of other packages; pytest loads this file before any other plugin."""

import sys

# jsonschema compiles its grammar of IRIs when it is imported, for 2 s; no notebook holds an IRI to be checked.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
