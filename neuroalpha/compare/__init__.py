"""Spectra and fits of many populations side by side."""
