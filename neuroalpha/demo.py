"""The demo: a simulated V1 and real network architectures look at the same natural pictures; nothing is downloaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from neuroalpha._files import atomic_path, make_folder, write_text
from neuroalpha.compare.measure import Measurement, measure, to_table

N_PATCHES, PATCH = 600, 64
RECORDING = "natpatch600_M000000_MP000_2000-01-01"
# One of each kind: plain convolutions, residual, depthwise-separable, transformer. Weights are random: pretrained ones
# would need a download.
NETWORKS = {
    "alexnet": ("features.3", "features.6", "features.10"),
    "resnet18": ("layer2", "layer3", "layer4"),
    "mobilenet_v3_small": ("features.4", "features.9", "features.12"),
    "swin_t": ("features.1", "features.3", "features.5"),
}


@dataclass(frozen=True)
class Told:
    """What the demo found: the table, the truth in words, the files written."""

    table: pd.DataFrame
    truth: str
    written: list[Path]


def photo_patches(n: int = N_PATCHES, size: int = PATCH, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random square patches of scikit-learn's two photographs, of 96 to 320 px, scaled to ``size``.

    Returns
    -------
    patches : uint8 array (n, size, size, 3)
    label : array of str (n,)
        The photograph of each.

    Examples
    --------
    >>> patches, label = photo_patches(4)
    >>> patches.shape, sorted(set(label.tolist()))
    ((4, 64, 64, 3), ['china', 'flower'])
    """
    from PIL import Image
    from sklearn.datasets import load_sample_images

    photos = load_sample_images()
    names = [Path(name).stem for name in photos.filenames]
    rng = np.random.default_rng(seed)
    patches, label = np.empty((n, size, size, 3), dtype=np.uint8), []
    for index in range(n):
        which = index % len(photos.images)
        photo = photos.images[which]
        side = int(np.exp(rng.uniform(np.log(96), np.log(320))))
        top, left = rng.integers(0, photo.shape[0] - side + 1), rng.integers(0, photo.shape[1] - side + 1)
        square = Image.fromarray(photo[top : top + side, left : left + side])
        patches[index] = np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))
        label.append(names[which])
    return patches, np.array(label)


def run_demo(folder: Path, seed: int = 0, say: Callable[[str], None] = print) -> Told:
    """Run every room of the house once and write what it finds into ``folder``.

    Parameters
    ----------
    folder : Path
        Made if missing; files of an earlier demo are replaced.
    seed : int
        Of patches, neurons, noise, weights and subsamples.
    say : callable
        Takes progress lines.

    Returns
    -------
    Told

    Raises
    ------
    InputError
        When the folder cannot be made.

    Notes
    -----
    Under three minutes on two cores, about 1 GB of memory.
    """
    make_folder(folder)
    import neuroalpha as na

    patches, label = photo_patches(seed=seed)
    say(f"{len(patches)} patches of {PATCH} x {PATCH} px from the photographs {', '.join(sorted(set(label)))}")

    say("simulated V1: 1200 Gabor neurons, 2 repeats, written and read in the figshare layout")
    made, truth = na.simulate_v1(patches, n_neuroids=1200, signal_fraction=0.3, noise="white", seed=seed)
    recording = na.write_stringer(made, folder / f"{RECORDING}.mat")
    v1 = na.preprocess(na.read_stringer(recording))
    reliability = na.reliability(v1)
    brain = Measurement("V1 (simulated)", spectrum := na.cvpca(v1, seed=seed), na.fit_alpha(spectrum, ranks="auto"))
    known = Measurement("V1 truth (no noise)", truth, na.fit_alpha(truth, ranks=brain.fit.ranks))

    measured = [brain, known, *_networks(patches, label, seed, say)]
    table = to_table(measured)
    told = reliability.attrs
    words = (
        f"\ntruth: the noise-free responses of the simulated V1 have alpha {known.fit.alpha:.3f} over ranks "
        f"{known.fit.ranks[0]}-{known.fit.ranks[1]}; cvPCA read {brain.fit.alpha:.3f} from two noisy repeats "
        f"(signal variance {told['mean_signal_variance']:.2f}, one-of-{told['n_stimuli']} decoding "
        f"{told['decoding_accuracy']:.2f})"
    )
    written = [recording, *_write(folder, measured, table, truth)]
    return Told(table, words, written)


def _networks(patches: np.ndarray, label: np.ndarray, seed: int, say: Callable[[str], None]) -> list[Measurement]:
    """Spectra of three layers of each network on the same patches."""
    import neuroalpha as na

    pictures = na.images(patches, normalize="imagenet", label=label, identifier="photo patches")
    measured = []
    for name, layers in tqdm(NETWORKS.items(), desc="networks", unit="network", file=sys.stderr):
        network = na.load_model(f"torchvision:{name}", weights=None, seed=seed)
        # A map is averaged over space: its channels are the population.
        channels = "last" if name == "swin_t" else "first"
        net = na.extract(network, pictures, list(layers), reduce="mean", channels=channels, progress=False)
        measured += [Measurement(f"{name} {m.name}", m.spectrum, m.fit) for m in measure(net, by="layer", seed=seed)]
    return measured


def _write(folder: Path, measured: list[Measurement], table: pd.DataFrame, truth: xr.Dataset) -> list[Path]:
    import matplotlib

    matplotlib.use("Agg")
    import neuroalpha as na

    brain, networks = measured[0], measured[2:]
    shown = [brain, *networks[2::3]]  # of each network the last layer
    by_layer = na.plot.alpha_by_layer(to_table(networks).assign(model=np.repeat(list(NETWORKS), 3)), group="model")
    by_layer.axhspan(brain.fit.low, brain.fit.high, color="black", alpha=0.15, lw=0, label="V1 (simulated)")
    by_layer.legend(frameon=False, fontsize=8)
    figures = {
        "spectra.png": na.plot.spectra(
            [m.spectrum for m in shown], [m.fit for m in shown], [m.name for m in shown], truth=truth
        ),
        "alpha_by_layer.png": by_layer,
        "window_sensitivity.png": na.plot.window_sensitivity(brain.fit),
    }
    written = []
    for name, ax in figures.items():
        with atomic_path(folder / name) as part:
            ax.get_figure().savefig(part, dpi=150)  # type: ignore[union-attr]
        written.append(folder / name)
    written.append(na.save(brain.spectrum, folder / "v1.spectrum.nc"))
    written.append(write_text(folder / "alpha.csv", table.to_csv(index=False)))
    written.append(
        na.compare_page(measured, folder / "compare.html", title="Simulated V1 and networks on the same pictures")
    )
    return written
