"""AlexNet's published errors agree with each other wherever they were published."""

from __future__ import annotations

import numpy as np
import pytest
import torchvision

from neuroalpha.errors import InputError
from neuroalpha.tasks.reference_errors import ALEXNET_CLEAN_ERROR, alexnet_errors
from neuroalpha.tasks.shift_scores import mean_corruption_error

# Per kind, as github.com/hendrycks/robustness has them; the module holds the errors of each severity.
PUBLISHED = {
    "gaussian_noise": 0.886428, "shot_noise": 0.894468, "impulse_noise": 0.922640, "defocus_blur": 0.819880,
    "glass_blur": 0.826268, "motion_blur": 0.785948, "zoom_blur": 0.798360, "snow": 0.866816, "frost": 0.826572,
    "fog": 0.819324, "brightness": 0.564592, "contrast": 0.853204, "elastic_transform": 0.646056,
    "pixelate": 0.717840, "jpeg_compression": 0.606500,
}  # fmt: skip

# Accuracies of torchvision's ResNet-50 (IMAGENET1K_V1) on 5,000 ImageNet-C images, severities 1 to 5, by RobustBench
# (model_info/imagenet/corruptions/unaggregated_results_2d.csv).
RESNET50 = {
    "shot_noise": (0.5744, 0.4294, 0.2528, 0.0792, 0.029),
    "impulse_noise": (0.4844, 0.358, 0.2546, 0.083, 0.0182),
    "defocus_blur": (0.5956, 0.5152, 0.382, 0.2748, 0.183),
    "contrast": (0.6494, 0.5852, 0.469, 0.2122, 0.0546),
    "brightness": (0.7392, 0.7244, 0.6956, 0.6498, 0.5866),
    "jpeg_compression": (0.6664, 0.6244, 0.5982, 0.4728, 0.3144),
    "pixelate": (0.6402, 0.6426, 0.4598, 0.2898, 0.2068),
    "glass_blur": (0.54, 0.4012, 0.1688, 0.131, 0.1024),
    "motion_blur": (0.6382, 0.537, 0.3758, 0.2154, 0.1482),
    "zoom_blur": (0.529, 0.4324, 0.358, 0.2878, 0.2206),
    "gaussian_noise": (0.5978, 0.4686, 0.2748, 0.1128, 0.0218),
    "fog": (0.6138, 0.5612, 0.4704, 0.4088, 0.241),
    "frost": (0.615, 0.4346, 0.309, 0.2896, 0.2294),
    "snow": (0.5498, 0.3154, 0.3518, 0.2382, 0.1654),
    "elastic_transform": (0.6704, 0.4556, 0.5526, 0.4196, 0.1746),
}


def test_means_are_those_of_the_benchmark():
    np.testing.assert_allclose(alexnet_errors(list(PUBLISHED)).mean(axis=1), list(PUBLISHED.values()), atol=5e-7)
    assert alexnet_errors().shape == (15, 5)
    np.testing.assert_array_equal(alexnet_errors(), alexnet_errors(list(PUBLISHED)))


def test_mean_accuracy_is_that_of_robustbench():
    # 21.12 % there, on a tenth of the images: a standard error of 0.1 percentage points at the least.
    assert abs(100 * (1 - alexnet_errors().mean()) - 21.12) < 0.05


def test_clean_error_is_that_of_torchvision():
    published = torchvision.models.AlexNet_Weights.IMAGENET1K_V1.meta["_metrics"]["ImageNet-1K"]["acc@1"]
    assert ALEXNET_CLEAN_ERROR == pytest.approx(1 - published / 100, abs=1e-9)


def test_the_published_mce_of_resnet50():
    errors = 1 - np.array(list(RESNET50.values()))
    assert round(100 * (1 - errors.mean()), 4) == 39.2304  # RobustBench's own average, 0.392304
    # 76.7 % on all 50,000 images (github.com/hendrycks/robustness, leaderboard of ImageNet-C).
    assert abs(100 * float(mean_corruption_error(errors, alexnet_errors(list(RESNET50)))) - 76.7) < 0.3


def test_chosen_kinds_and_severities():
    np.testing.assert_array_equal(alexnet_errors(["fog", "snow"], [5, 1]), [[0.945, 0.67474], [0.94952, 0.71726]])
    assert alexnet_errors([]).shape == (0, 5)


def test_bad_input():
    with pytest.raises(InputError, match="no published error of AlexNet for 'gaussian_blur'; did you mean"):
        alexnet_errors(["fog", "gaussian_blur"])
    for severities in ([0], [6], [], [1.5]):
        with pytest.raises(InputError, match="expected whole numbers from 1 to 5"):
            alexnet_errors(["fog"], severities)
