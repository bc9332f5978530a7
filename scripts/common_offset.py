"""A common offset in each presentation: what it does to cvPCA, and to the published notebook's variant of it.

Run: python scripts/common_offset.py    (about a minute)

True alpha 1, 1400 stimuli, 2000 neurons, half of the variance signal; the offset, the same for all neurons in a
presentation, has one neuron's standard deviation. Ranks 11 to 400, absolute values, five shuffles, as in the notebook.
"""

from __future__ import annotations

import numpy as np

import neuroalpha as na


def main() -> None:
    print("seed  offset  stringer2019  python2019")
    for seed in range(3):
        made, _ = na.simulate_recording(1.0, 1400, 2000, 2, 0.5, "white", spontaneous=False, seed=seed)
        v1 = na.preprocess(made, zscore=None)
        offset = np.random.default_rng(seed).normal(size=(v1.sizes["presentation"], 1)) * v1.values.std()
        for name, responses in (("no", v1), ("yes", v1 + offset)):
            alphas = [
                na.fit_alpha(
                    na.cvpca(responses, convention=convention, n_shuffles=5, n_draws=0), (11, 400), negative="abs"
                ).alpha
                for convention in ("stringer2019", "python2019")
            ]
            print(f"{seed:4d}  {name:>6s}  {alphas[0]:12.3f}  {alphas[1]:10.3f}", flush=True)


if __name__ == "__main__":
    main()
