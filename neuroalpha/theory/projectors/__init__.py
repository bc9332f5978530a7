"""Kernels: self-supervised learning under orthonormal weights, which moves projectors; its simulators, and networks."""
