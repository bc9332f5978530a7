"""A small zoo for the tests of its report, of real spectra of seeded arrays; and a real browser that is offline."""

from __future__ import annotations

import json
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.spectrum.dimension import of_eigenvalues

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip
LOCAL = ("file:", "data:", "blob:")  # what never leaves the machine
PATIENCE = 60_000  # ms; the machine may be shared


@pytest.fixture(scope="module")
def browser():
    """The Chromium or Chrome of this machine; none is downloaded."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser found; looked for {', '.join(BROWSERS)}")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture
def open_offline(browser):
    """Open files; on the way out, nothing may have gone wrong, run a dialog or been asked of the network."""
    opened, wrong = [], []

    def go(path, width=1280, height=900, **how):
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **how)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: None if request.url.startswith(LOCAL) else wrong.append(request.url))
        opened.append(context)
        page.goto(path.as_uri())
        return page

    yield go
    for context in opened:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def make_zoo():
    def make(n_models=6, n_layers=3, images=("imagenette",), windows=("auto",), n_draws=8, seed=0):
        rng = np.random.default_rng(seed)
        rows, spectra = [], {}
        for model in range(n_models):
            for image in images:
                for layer in range(n_layers):
                    steep = 0.6 + 0.9 * layer / n_layers + 0.3 * rng.random()
                    x = rng.normal(size=(100, 80)) * np.arange(1, 81) ** (-steep / 2)
                    assembly = na.make_assembly(
                        x,
                        stimulus_id=np.arange(100),
                        attrs={"layer": f"layer{layer}", "source": f"sha256:{model:016x}"},
                    )
                    spectrum = na.eigenspectrum(assembly, n_draws=n_draws, seed=seed)
                    key = f"{model:08x}{image.encode().hex()[:16]:0>16}{layer:040x}"
                    spectra[key] = spectrum
                    for window in windows:
                        ranks = "auto" if window == "auto" else tuple(int(rank) for rank in window.split("-"))
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore")
                            fit = na.fit_alpha(spectrum, ranks)
                        rows.append(_row(key, model, image, layer, n_layers, window, spectrum, fit))
        return pd.DataFrame(rows), spectra

    return make


def _row(key, model, image, layer, n_layers, window, spectrum, fit):
    low, high = fit.window_range
    measures = of_eigenvalues(spectrum["eigenvalue"].values)
    return {
        "key": key,
        "model": f"torchvision:net{model}",
        "weights": f"random, seed {model}" if model % 2 else f"net{model}-0f3a.pth",
        "images": image,
        "layer": f"layer{layer}",
        "depth": (layer + 1) / n_layers,
        "reduce": "avgpool",
        "estimator": fit.estimator,
        "window": window,
        "alpha": fit.alpha,
        "low": fit.low,
        "high": fit.high,
        "r2": fit.r2,
        "first": fit.ranks[0],
        "last": fit.ranks[1],
        "alpha_window_min": low,
        "alpha_window_max": high,
        "verdict": "straight" if fit.r2 > 0.98 else "bends down",
        "verdict_detail": f"R² is {fit.r2:.4f} over the window.",
        "n_stimuli": fit.n_stimuli,
        "n_neuroids": fit.n_neuroids,
        **measures,
        "parameters": 11_689_512 + 1000 * model,
        "source": f"sha256:{model:016x}",
        "preprocessing": json.dumps([{"step": "rgb"}, {"step": "centre_crop", "size": [64, 64]}]),
        "seed": fit.seed,
        "software": fit.software,
    }
