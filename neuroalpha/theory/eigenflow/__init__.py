"""Kernels: how the eigenvalues of an embedding's covariance move under self-supervised losses with a predictor."""
