"""What a report says first: claims against what the tensors show."""

import numpy as np

import compress_compare as cc
from compress_compare.report.claims import claims

WEIGHT = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
STATE = {"a.weight": WEIGHT, "b.weight": WEIGHT[::-1].copy(), "norm.weight": np.ones(64, np.float32)}


def rounded(array, bits):
    scale = np.abs(array).max(1, keepdims=True) / (2 ** (bits - 1) - 1)
    return (np.round(array / scale) * scale).astype(np.float32)


def project(tmp_path, **changes):
    opened = cc.open(tmp_path / "p")
    opened.log_model("cnn", checkpoint=STATE)
    opened.log_model("none", base="cnn", operation=cc.Operation("note"))
    four = cc.Operation("quantize", bits=4)
    opened.log_model("w4", base="cnn", operation=four, checkpoint={**STATE, **changes})
    return opened


def test_the_claim_and_its_coverage_come_first(tmp_path):
    with project(tmp_path, **{"a.weight": rounded(WEIGHT, 4)}) as opened:
        rows, answers = claims(opened, ["cnn", "none", "w4"])
    assert [row["model"] for row in rows] == ["cnn", "w4"]
    assert rows[0]["claim"] == ""
    assert rows[1]["claim"] == "4 bits claimed: 1 of 2 layers quantized."
    assert rows[1]["reason"].startswith(rows[1]["claim"])
    # b should have changed and did not; nobody asked for the norm
    assert (rows[1]["counts"], rows[1]["names"]) == ({"changed": 1, "skipped": 1, "unchanged": 1}, ["b.weight"])
    assert answers['POST reality ["w4"]']["models"][0]["claim"] == rows[1]["claim"]
    assert answers["GET model/coverage w4"]["counts"] == rows[1]["counts"]


def test_what_was_not_done_is_said(tmp_path):
    with project(tmp_path, **{"norm.weight": np.zeros(64, np.float32)}) as opened:
        (row,), _ = claims(opened, ["w4"])
        found = opened.reality("w4").to_pylist()[0]
    assert (row["claim"], row["agrees"]) == ("4 bits claimed: 0 of 2 layers quantized.", False)
    assert row["names"] == ["a.weight", "b.weight", "norm.weight"]
    assert found["claim"] == row["claim"]


def test_four_bits_that_a_file_stores_in_bytes_are_found_in_the_values(tmp_path):
    scale = (np.abs(WEIGHT).max(1, keepdims=True) / 7).astype(np.float32)
    codes = np.round(WEIGHT / scale).astype(np.int8)
    state = {"a.weight": codes, "a.weight_scale": scale, "b.weight": rounded(WEIGHT, 4)}
    with cc.open(tmp_path / "p") as opened:
        opened.log_model("cnn", checkpoint=STATE)
        opened.log_model("w4", base="cnn", operation=cc.Operation("quantize", bits=4), checkpoint=state)
        (found,) = opened.reality("w4").to_pylist()
    assert found["claim"] == "4 bits claimed: 2 of 2 layers quantized."
