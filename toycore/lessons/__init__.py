"""What one lesson needs, and the core does not: one module per subject, each on top of the core."""
