"""Files of labs in, assemblies out: one reader for each format, and the published preprocessing."""
