"""Accuracies find their models, and no others."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.compare.accuracy import join_accuracy

HEAD = "model,img_size,top1,top1_err,param_count,interpolation,top1_diff"
ROWS = [
    "resnet50.a1_in1k,224,80.2,19.8,25.56,bicubic,+1.5",
    "resnet50.a1_in1k,288,81.2,18.8,25.56,bicubic,-2",
    "resnet50.tv_in1k,224,76.1,23.9,25.56,bilinear,+0.5",
    'eva.big_in1k,448,89.9,10.1,"1,014.45",bicubic,0',
    "vgg11.tv_in1k,224,69.0,31.0,132.86,bilinear,-3",
]


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "results-imagenet.csv"
    path.write_text("\n".join([HEAD, *ROWS]) + "\n", encoding="utf-8")
    return path


def zoo(*models, weights="trained.pth", **more):
    table = pd.DataFrame({"model": list(models), "alpha": 1.0, **more})
    table["weights"] = weights
    return table


def quiet(table, files):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return join_accuracy(table, files)


def crop(size):
    return json.dumps([{"step": "resize", "shorter_side": 256}, {"step": "centre_crop", "size": [size, size]}])


@pytest.mark.parametrize(
    "model", ["vgg11", "torchvision:vgg11", "timm:vgg11", "vgg11.tv_in1k", "timm:vgg11.tv_in1k", " vgg11 "]
)
def test_prefix_and_tag_do_not_matter_where_one_model_is_meant(results, model):
    joined = quiet(zoo(model), results)
    assert joined["top1"].tolist() == [69.0]
    assert joined["top1_diff"].tolist() == [-3.0]
    assert list(joined.columns) == [
        "model",
        "alpha",
        "weights",
        "img_size",
        "top1",
        "top1_err",
        "param_count",
        "top1_diff",
    ]


def test_thousands_and_signs_are_numbers(results):
    joined = quiet(zoo("eva", "vgg11"), results)
    assert joined["param_count"].tolist() == [1014.45, 132.86]
    joined = quiet(zoo("resnet50.tv_in1k"), results)
    assert joined["top1_diff"].tolist() == [0.5]


@pytest.mark.parametrize("model", ["vgg11.other_tag", "cifar:vgg11", "vgg", "VGG11", "vgg11_bn"])
def test_another_model_gets_nothing(results, model):
    joined = quiet(zoo(model, "eva"), results)
    assert np.isnan(joined["top1"].iloc[0])
    assert joined["top1"].iloc[1] == 89.9


def test_a_name_with_several_trainings_needs_its_tag(results):
    with pytest.warns(UserWarning, match=r"no number for 1 of the models.*'timm:resnet50' could be 'resnet50.a1_in1k'"):
        joined = join_accuracy(zoo("timm:resnet50"), results)
    assert joined["top1"].isna().all()
    named = quiet(zoo("timm:resnet50", weights="timm/resnet50.tv_in1k (model.safetensors)"), results)
    assert named["top1"].tolist() == [76.1]


def test_torchvisions_name_of_a_training_is_its_tag(results):
    joined = quiet(zoo("torchvision:resnet50", weights="IMAGENET1K_V1 (sha256:0f)"), results)
    assert joined["top1"].tolist() == [76.1]
    with pytest.warns(UserWarning, match="several trainings"):
        joined = na.join_accuracy(zoo("torchvision:resnet50", weights="IMAGENET1K_V9"), results)
    assert joined["top1"].isna().all()


def test_the_image_size_of_the_row_counts(results):
    models = ["resnet50.a1_in1k"] * 2
    joined = quiet(zoo(*models, preprocessing=[crop(288), crop(224)]), results)
    assert joined["top1"].tolist() == [81.2, 80.2]
    with pytest.warns(UserWarning, match=r"several image sizes.* at 224 of \[224, 288\]"):
        joined = join_accuracy(zoo(*models, preprocessing=[crop(64), "by hand"]), results)
    assert joined["top1"].tolist() == [80.2, 80.2]
    assert joined["img_size"].tolist() == [224, 224]


def test_random_weights_get_no_published_accuracy(results):
    table = zoo("vgg11", "vgg11", "eva", "unknown", weights=["random, seed 0", "vgg11.pth", "Random", "random"])
    with pytest.warns(UserWarning, match="no published accuracy for 2 of the rows, whose weights are random"):
        joined = join_accuracy(table, results)
    assert joined["top1"].tolist()[1] == 69.0
    assert joined["top1"].isna().tolist() == [True, False, True, True]
    with pytest.warns(UserWarning, match="no published accuracy for 1 of the rows"):
        assert join_accuracy(zoo("vgg11", weights="random, seed 1"), results)["top1"].isna().all()


def test_a_file_that_names_weights_is_matched_by_them(tmp_path):
    path = tmp_path / "readout.csv"
    path.write_text('model,weights,readout\nvgg11,"random, seed 0",0.3\nvgg11,vgg11.pth,0.8\n')
    table = zoo("vgg11", "torchvision:vgg11", "vgg11", weights=["vgg11.pth", "random, seed 0", "random, seed 1"])
    joined = quiet(table, path)
    np.testing.assert_array_equal(joined["readout"], [0.8, 0.3, np.nan])


def test_a_shared_column_gets_the_files_name(results, tmp_path):
    other = tmp_path / "results-sketch.csv"
    other.write_text("model,top1,alpha,speed\nvgg11,17.5,3,100\n")
    joined = quiet(zoo("vgg11", "eva"), [results, other])
    np.testing.assert_array_equal(joined["results-imagenet top1"], [69.0, 89.9])
    np.testing.assert_array_equal(joined["results-sketch top1"], [17.5, np.nan])
    np.testing.assert_array_equal(joined["results-sketch alpha"], [3, np.nan])
    np.testing.assert_array_equal(joined["speed"], [100, np.nan])
    assert joined["alpha"].tolist() == [1.0, 1.0]
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "results-sketch.csv").write_text("model,top1\nvgg11,17.5\n")
    with pytest.raises(na.InputError, match="two columns would be called 'results-sketch top1'"):
        join_accuracy(zoo("vgg11"), [other, folder / "results-sketch.csv"])


def test_rows_and_index_stay(results):
    table = zoo("eva", "nobody", "eva").set_axis([7, 3, 7])
    joined = quiet(table, str(results))
    pd.testing.assert_frame_equal(joined[table.columns.tolist()], table)
    np.testing.assert_array_equal(joined["top1"], [89.9, np.nan, 89.9])


def test_cells_that_are_no_numbers(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text('\ufeffmodel,accuracy,comma,gaps\na,0.5,"85,1",\nb,high,"1,000",2\n\n,9,9,9\n', encoding="utf-8")
    with pytest.warns(UserWarning, match="is left out") as told:
        joined = join_accuracy(zoo("a", "b"), path)
    assert sorted(str(each.message) for each in told) == [
        "column 'accuracy' of own.csv is left out: it holds 'high', which is not a number",
        "column 'comma' of own.csv is left out: it holds '85,1', which is not a number",
    ]
    assert list(joined.columns) == ["model", "alpha", "weights", "gaps"]
    np.testing.assert_array_equal(joined["gaps"], [np.nan, 2])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_a_row_gets_the_same_whatever_stands_beside_it(tmp_path_factory, picks):
    path = tmp_path_factory.getbasetemp() / "any-order.csv"
    names = ["a", "b.x", "c.x", "c.y", "timm:d"]
    path.write_text("model,top1\n" + "".join(f"{name},{i}\n" for i, name in enumerate(names)))
    models = ["a", "timm:b", "c", "c.y", "torchvision:d"]
    truth = np.array([0, 1, np.nan, 3, np.nan])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        joined = join_accuracy(zoo("a", *[models[i] for i in picks]), path)
    np.testing.assert_array_equal(joined["top1"], truth[[0, *picks]])


def test_timms_files_as_they_are(shared_data):
    files = sorted((shared_data / "tables" / "timm").glob("*.csv"))
    assert len(files) == 8
    table = zoo(
        "timm:eva_giant_patch14_560.m30m_ft_in22k_in1k", "torchvision:vgg11", "torchvision:vgg11",
        weights=["model.safetensors", "vgg11-8a719046.pth", "random, seed 0"],
    )  # fmt: skip
    with pytest.warns(UserWarning, match="no published accuracy for 1 of the rows"):
        joined = join_accuracy(table, files)
    raw = pd.read_csv(files[0].with_name("results-imagenet.csv"))
    vgg = raw.loc[raw["model"] == "vgg11.tv_in1k", "top1"].item()
    np.testing.assert_array_equal(joined["results-imagenet top1"], [89.79, vgg, np.nan])
    assert joined["results-imagenet param_count"].iloc[0] == 1014.45
    assert joined["results-imagenet-a rank_diff"].iloc[0] == 1
    assert not joined.columns.duplicated().any()
    assert joined.drop(columns=["model", "weights"]).dtypes.eq(float).all()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("Model,top1\na,1\n", "no column 'model'; did you mean 'Model'"),
        ("name,top1\na,1\n", "no column 'model': it has 'name', 'top1'|no column 'model'; did you mean 'name'"),
        ("model;top1\na;1\n", "separated by semicolons"),
        ("model,top1\nresnet17,1\n", "none of the 1 names in .* models 'resnet18'; did you mean 'resnet17'"),
        ("model,top1\na,1,2,3\nb\nc,1,2,3,4,5\n", "not a CSV"),
        ("", "not a CSV"),
        ("model,top1\n,3\n", "names no model"),
    ],
)
def test_bad_files(tmp_path, text, match):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(na.InputError, match=match) as error:
        join_accuracy(zoo("resnet18"), path)
    assert "\n" not in str(error.value)


def test_bad_input(tmp_path, results):
    binary = tmp_path / "image.png"
    binary.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(na.InputError, match="not a CSV"):
        join_accuracy(zoo("a"), binary)
    with pytest.raises(na.InputError, match=r"cannot read .*none\.csv: No such file"):
        join_accuracy(zoo("a"), tmp_path / "none.csv")
    with pytest.raises(na.InputError, match="cannot read"):
        join_accuracy(zoo("a"), tmp_path)
    with pytest.raises(na.InputError, match="no file of accuracies"):
        join_accuracy(zoo("a"), [])
    with pytest.raises(
        na.InputError, match="the table has no column 'weights' to join accuracies by; did you mean 'weight'"
    ):
        join_accuracy(zoo("a").rename(columns={"weights": "weight"}), results)
