"""Tables: what is proposed for their columns, and numbers as people write them."""

import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import Conflict, InvalidValue
from tests.importers.samples import SHARED


def imported(tmp_path, content, *, name="table.csv", mapping=None):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    options = {"mapping": mapping} if mapping is not None else None
    read = importers.load("csv", path, options=options)
    project = cc.open(tmp_path / "p")
    return project, importers.write(read, project)


def values(project, metric):
    return {
        row["id"]: project.model(row["id"]).metrics[metric][0].value
        for row in project.models().to_pylist()
        if metric in project.model(row["id"]).metrics
    }


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("93.55%", 93.55, "%"),
        ('"1,014.45"', 1014.45, ""),
        (" 0.5 ", 0.5, ""),
        ("1e-3", 0.001, ""),
        ("nan", math.nan, ""),
        ("-inf", -math.inf, ""),
        ("−3", -3.0, ""),
    ],
)
def test_numbers_as_people_write_them(tmp_path, cell, value, unit):
    project, report = imported(tmp_path, f"name,score\na,{cell}\nb,{cell}\n")
    found = values(project, "score")["a"]
    assert found == value or (math.isnan(found) and math.isnan(value))
    assert project.metrics()[0].unit == unit and report.warnings == []


@pytest.mark.parametrize("cell", ["", "N/A", "-", "null", "–"])
def test_missing_is_missing_and_not_zero(tmp_path, cell):
    project, _ = imported(tmp_path, f"name,accuracy\na,0.5\nb,{cell}\n")
    assert values(project, "accuracy") == {"a": 0.5}


def test_a_decimal_comma_a_byte_order_mark_and_padded_names(tmp_path):
    content = "\ufeff name ; accuracy ; size \na; 0,935 ;1.014,5\nb;0,5;2\n"
    project, report = imported(tmp_path, content)
    assert values(project, "accuracy") == {"a": 0.935, "b": 0.5}
    assert values(project, "size") == {"a": 1014.5, "b": 2.0}
    assert "The table writes a comma for the decimal point." in report.notices


def test_base_operation_and_a_mapping_in_a_cell(tmp_path):
    rows = [
        "model,base,method,params,accuracy",
        "big,,,,0.9",
        "small,big,gptq,\"{'bits': 4, 'group': {'size': 32}}\",0.8",
        'tiny,big,gptq,"{""bits"": 2}",0.7',
    ]
    project, _ = imported(tmp_path, "\n".join(rows))
    assert project.model("small").base == "big"
    assert project.model("small").operation == cc.Operation("gptq", **{"bits": 4, "group.size": 32})
    assert project.model("tiny").operation == cc.Operation("gptq", bits=2)


def test_a_table_that_says_nothing_of_models_is_refused(tmp_path):
    """Such as lines of another format that have commas in them."""
    (tmp_path / "table.csv").write_text("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n")
    with pytest.raises(InvalidValue, match="no column has numbers") as caught:
        importers.load("csv", tmp_path / "table.csv")
    assert caught.value.code == "import.mapping"


def test_base_and_operation_that_stand_in_a_mapping_in_a_cell(tmp_path):
    rows = [
        "model,run settings,accuracy",
        "big,\"{'method': 'train', 'seed': 1}\",0.9",
        "small,\"{'method': 'gptq', 'base': 'big', 'bits': 4, 'seed': 1}\",0.8",
    ]
    project, report = imported(tmp_path, "\n".join(rows))
    assert project.model("small").base == "big"
    assert project.model("small").operation == cc.Operation("gptq", bits=4)  # the seed never varies
    assert project.model("big").operation == cc.Operation("train")
    assert "The operation is taken from config.method in 2 of 2 models." in report.notices
    rules = importers.Rules(operation_from="config.kind")
    (tmp_path / "other.csv").write_text("\n".join(rows).replace("'method'", "'kind'"))
    read = importers.load("csv", tmp_path / "other.csv", rules=rules)
    assert [one["operation"].name for one in read.models] == ["train", "gptq"]


def test_what_is_no_number_and_what_is_not_understood_is_told(tmp_path):
    rows = ["name,accuracy,colour"] + [f"m{i},0.{i + 1},red" for i in range(10)] + ["odd,broken,red"]
    project, report = imported(tmp_path, "\n".join(rows))
    assert len(project) == 11 and "odd" not in values(project, "accuracy")
    assert report.warnings == ["Model 'odd': accuracy is no number ('broken'); it counts as missing."]
    assert "Columns that are not understood and left out: colour." in report.notices


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "json"])
def test_other_kinds_of_tables(tmp_path, kind):
    rows = [{"name": "a", "accuracy": 0.5}, {"name": "b", "accuracy": float("nan")}]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "made.parquet")
        content = (tmp_path / "made.parquet").read_bytes()
    else:
        content = json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows))
    project, _ = imported(tmp_path, content, name=f"table.{kind}")
    found = values(project, "accuracy")
    assert found["a"] == 0.5 and math.isnan(found["b"])


def test_a_mapping_is_written_changed_and_used(tmp_path):
    content = "who,score,bits,from\na,0.5,32,\nb,0.25,4,a\n"
    (tmp_path / "table.csv").write_text(content)
    proposed = importers.load("csv", tmp_path / "table.csv").mapping
    assert "who" in proposed and "score" in proposed
    mapping = {
        "id": ["who"],
        "base": "from",
        "metrics": {"score": {"name": "Accuracy", "unit": "%", "higher_is_better": True, "scale": 100}},
    }
    project, _ = imported(tmp_path, content, mapping=mapping)
    assert values(project, "Accuracy") == {"a": 50.0, "b": 25.0}
    assert project.model("b").base == "a"
    (metric,) = project.metrics()
    assert (metric.unit, metric.higher_is_better) == ("%", True)


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ([], "is no mapping"),
        ({"nope": 1}, "There is no 'nope'"),
        ({"id": 3}, "id must be"),
        ({"metrics": {"score": {"unit": 3}}}, "unit of the metric"),
        ({"metrics": {"gone": {}}}, "has no column 'gone'"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(tmp_path, mapping, told):
    with pytest.raises(InvalidValue, match=told) as caught:
        imported(tmp_path, "name,score\na,1\n", mapping=mapping)
    assert caught.value.code == "import.mapping"


def test_a_table_without_names_asks_for_a_mapping(tmp_path):
    with pytest.raises(InvalidValue, match="no column names the models"):
        imported(tmp_path, "x,y\n1,2\n1,3\n")


def test_an_export_of_weights_and_biases_leaves_out_what_has_not_finished(tmp_path):
    rows = ["Name,State,Created,base,method,bits,eval/accuracy", "a,finished,now,,,32,0.9"]
    rows += ["b,crashed,now,a,quantize,4,0.1", "c,finished,now,a,quantize,8,0.8"]
    project, report = imported(tmp_path, "\n".join(rows))
    assert values(project, "eval/accuracy") == {"a": 0.9, "c": 0.8}
    assert project.model("c").operation == cc.Operation("quantize", bits=8)
    assert report.warnings == ["Row 3 is 'crashed', not finished; it is left out."]


def test_results_of_shrinkbench_hang_below_their_model(tmp_path):
    rows = ["dataset,model,strategy,compression,seed,size,size_nz,post_acc1"]
    rows += ["CIFAR10,resnet20,GlobalMagWeight,2,0,100,50,0.9", "CIFAR10,resnet20,GlobalMagWeight,4,0,100,25,0.8"]
    project, _ = imported(tmp_path, "\n".join(rows))
    id = "CIFAR10-resnet20-GlobalMagWeight-4-0"
    assert project.model(id).base == "resnet20" and not project.model("resnet20").metrics
    assert project.model(id).operation.parameters["compression"] == 4
    assert project.model(id).metrics["post_acc1"][0].dataset == "CIFAR10"


SHARED_FILES = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared files of other tools are not on this machine")


def shared(tmp_path, name):
    project = cc.open(tmp_path / "p")
    return project, importers.write(importers.load("csv", SHARED / name), project)


@SHARED_FILES
def test_timms_results(tmp_path):
    project, report = shared(tmp_path, "timm/results-imagenet.csv")
    giant = project.model("eva_giant_patch14_560.m30m_ft_in22k_in1k").metrics
    assert giant["top1"][0].value == 89.79 and giant["number of parameters"][0].value == 1_014_450_000
    assert giant["top1"][0].protocol == {"img_size": 560}
    units = {metric.name: (metric.unit, metric.higher_is_better) for metric in project.metrics()}
    assert units["top1"] == ("%", True) and units["top1_err"] == ("%", False)
    assert sum(len(project.model(row["id"]).metrics["top1"]) for row in project.models().to_pylist()) == 59
    assert report.warnings == []


@SHARED_FILES
def test_timms_benchmarks_keep_the_image_size_beside_the_value(tmp_path):
    project, report = shared(tmp_path, "timm/benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv")
    speeds = project.model("resnet50").metrics["infer_samples_per_sec"]
    assert {one.protocol["infer_img_size"]: one.value for one in speeds} == {
        160: 8139.65,
        176: 6703.95,
        224: 4217.6,
        288: 2592.09,
    }
    assert {one.device for one in speeds} == {"amp nchw pt240 cu124 rtx4090"}
    assert [one.value for one in project.model("resnet50").metrics["number of parameters"]] == [25_560_000]
    assert sum(len(project.model(row["id"]).metrics["infer_step_time"]) for row in project.models().to_pylist()) == 57
    assert report.warnings == []


@SHARED_FILES
def test_ultralytics_says_which_epoch_was_taken(tmp_path):
    project, report = shared(tmp_path, "ultralytics/results.csv")
    assert values(project, "metrics/mAP50-95(B)") == {"ultralytics": 0.333}
    assert "row 2 of 3 is taken, the best by metrics/mAP50-95(B) (0.333); the last has 0.329" in " ".join(
        report.notices
    )


def test_a_metric_that_is_called_like_a_column_of_the_models_gets_another_name(tmp_path):
    mapping = {"id": ["name"], "metrics": {"step": {}, "parameters": {}}}
    project, _ = imported(tmp_path, "name,step,parameters\na,3,100\n", mapping=mapping)
    assert [metric.name for metric in project.metrics()] == ["step (metric)", "parameters (metric)"]


ANSWERS = """model,dataset,example_id,label,prediction,loss
cnn,digits,a,3,3,0.25
cnn,digits,b,5,6,1.5
w4,digits,b,5,5,nan
w4,digits,a,3,3,
w4,digits,a,3,4,9
w4,digits,,3,4,9
"""


def test_a_table_of_answers_is_a_dataset_with_outputs(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(ANSWERS)
    with cc.open(tmp_path / "p") as project:
        report = importers.write(importers.load("csv", path), project)
        assert project.models()["id"].to_pylist() == ["cnn", "w4"] and not project.model("cnn").metrics
        assert project.instances("digits")["label"].to_pylist() == [3, 5]
        (row,) = project.behaviors("cnn", "w4", "digits").summary.to_pylist()
        assert (row["base_value"], row["value"], row["wrong_to_right"], row["right_to_wrong"]) == (0.5, 1.0, 1, 0)
        found = {one["id"]: one["loss"] for one in project.outputs("w4", "digits").to_pylist()}
        assert found["a"] is None and math.isnan(found["b"])
        assert "Model 'w4': 2 rows name no instance or one twice" in report.warnings[0]
        again = importers.write(importers.load("csv", path), project)
        assert (again.num_new_models, again.num_new_values) == (0, 0)


def test_answers_on_other_data_under_the_name_go_to_a_new_version_if_it_is_asked_for(tmp_path):
    path = tmp_path / "answers.csv"
    with cc.open(tmp_path / "p") as project:
        for content in (ANSWERS, ANSWERS.replace("b,5,", "b,6,")):
            path.write_text(content)
            read = importers.load("csv", path)
            said = [one for one in importers.preview(read, project).warnings if "new versions" in one]
            if said:
                assert said == ["Dataset 'digits' is there with other content: ask for new versions, or it is refused."]
                with pytest.raises(Conflict, match="already logged with other content"):
                    importers.write(read, project)
            importers.write(read, project, new_versions=True)
        for _ in range(2):
            assert project.model("cnn").datasets == ("digits", "digits@2")
            labels = [project.instances(name)["label"].to_pylist() for name in ("digits", "digits@2")]
            assert labels == [[3, 5], [3, 6]]
            (row,) = project.behaviors("cnn", "w4", "digits@2").summary.to_pylist()
            assert (row["base_value"], row["value"]) == (1.0, 0.5)
            importers.write(importers.load("csv", path), project, new_versions=True)


def test_a_mapping_says_which_columns_are_answers(tmp_path):
    path = tmp_path / "test-set.csv"
    path.write_text("who,nr,truth,said\nm,1,cat,cat\nm,2,dog,cat\n")
    mapping = {"id": "who", "instance": "nr", "label": "truth", "prediction": "said", "metrics": {}}
    read = importers.load("csv", path, options={"mapping": mapping})
    assert read.datasets == [{"name": "test-set", "ids": ["1", "2"], "labels": ["cat", "dog"]}]
    assert read.outputs == [{"model": "m", "dataset": "test-set", "ids": ["1", "2"], "predictions": ["cat", "cat"]}]
