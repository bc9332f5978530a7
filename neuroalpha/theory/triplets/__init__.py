"""Kernels of supervision signals as answers to triplet questions (is x nearer to y than to z).

Source: Sucholutsky et al., On the Informativeness of Supervision Signals, UAI 2023 (PMLR 216:2036-2046).
"""
