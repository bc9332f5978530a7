"""From assemblies to eigenspectra, exponents, intervals and reliability."""
