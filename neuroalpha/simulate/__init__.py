"""Populations whose signal and noise spectra are known, returned with their truth."""
