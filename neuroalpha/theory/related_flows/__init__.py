"""Exact dynamics beside the eigenspace theory: DirectPred's predictor, stepwise self-supervision, supervision."""
