"""Predictions from a spectrum: how well a readout of n training images generalises, each beside its simulator."""
