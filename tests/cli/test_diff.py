"""``compress-compare diff``: files beside each other, without a project."""

import base64
import json
import re
import signal
import subprocess
import sys
import urllib.request

import gguf
import numpy as np
import pyarrow as pa
import pytest
import torch
from click.testing import CliRunner
from safetensors.numpy import save_file

from compress_compare.cli.main import cli
from compress_compare.page.built import STATIC

RNG = np.random.default_rng(0)
BASE = {"fc.weight": RNG.normal(size=(64, 32)).astype(np.float32), "norm.weight": np.ones(32, np.float32)}


def run(*arguments, code=0):
    result = CliRunner().invoke(cli, ["diff", *map(str, arguments)], catch_exceptions=code != 0)
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def base(tmp_path):
    save_file(BASE, tmp_path / "base.safetensors")
    return tmp_path / "base.safetensors"


def test_the_numbers_of_another_format(tmp_path, base):
    kind = gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    for name, array in BASE.items():
        packed = array.ndim > 1
        data = gguf.quants.quantize(array, kind) if packed else array
        writer.add_tensor(name, data, raw_dtype=kind if packed else None)
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
    near = gguf.quants.dequantize(gguf.quants.quantize(BASE["fc.weight"], kind), kind)
    noise, signal = ((near - BASE["fc.weight"]).astype(float) ** 2).sum(), (BASE["fc.weight"].astype(float) ** 2).sum()
    (model,) = json.loads(run(base, tmp_path / "m.gguf", "--json"))["models"]
    rows = {(row["module"], row["parameter"]): row for row in model["rows"]}
    assert rows["fc", "weight"]["sqnr_db"] == pytest.approx(10 * np.log10(signal / noise), rel=1e-6)
    assert (rows["fc", "weight"]["bits"], rows["fc", "weight"]["file_bytes"]) == (8, 64 * 34)
    assert (rows["", None]["num_tensors"], rows["", None]["share_compared"]) == (2, 1.0)
    assert model["notes"] == []


def test_several_models_and_what_is_missing(tmp_path, base):
    torch.save(
        {"state_dict": {"fc.weight": torch.from_numpy(BASE["fc.weight"]), "norm.weight": torch.ones(32)}},
        tmp_path / "same.pt",
    )
    save_file({"fc.weight": BASE["fc.weight"]}, tmp_path / "part.safetensors")
    shown = run(base, tmp_path / "same.pt", tmp_path / "part.safetensors").splitlines()
    assert shown[0].startswith("same.pt: 2 of 2 tensors compared, no number that was compared differs")
    part = next(at for at, line in enumerate(shown) if line.startswith("part.safetensors: 1 of 2 tensors compared"))
    assert shown[part + 1] == "  1 of 2 tensors, 98.5% of the weights compared."


def test_what_cannot_be_compared_is_told(tmp_path, base):
    from compress_compare.errors import InvalidValue

    for paths, code in (
        ([base], "diff.paths"),
        ([base, tmp_path / "none.safetensors"], "input.not_found"),
        ([base, tmp_path], ""),
    ):
        result = CliRunner().invoke(cli, ["diff", *map(str, paths)])
        if code:
            assert isinstance(result.exception, InvalidValue) and result.exception.code == code
        else:
            assert result.exit_code == 0


@pytest.mark.filterwarnings("ignore::compress_compare.store.conversion.LeftOutWarning")
def test_a_network_of_several_is_chosen(tmp_path, base):
    content = {name: torch.from_numpy(array) for name, array in BASE.items()}
    torch.save({"state_dict": {name: 2 * one for name, one in content.items()}, "ema": content}, tmp_path / "m.pt")
    (model,) = json.loads(run(base, tmp_path / "m.pt", "--key", "ema", "--json"))["models"]
    assert model["rows"][0]["relative_error"] == 0
    (model,) = json.loads(run(base, tmp_path / "m.pt", "--json"))["models"]
    assert model["rows"][0]["relative_error"] == pytest.approx(1)


def test_the_claim_is_what_is_said_first(tmp_path, base):
    (tmp_path / "claims").mkdir()
    save_file(BASE, tmp_path / "claims" / "model.safetensors")
    (tmp_path / "claims" / "config.json").write_text(json.dumps({"quantization_config": {"bits": 4}}))
    first, second, *_ = run(base, tmp_path / "claims").splitlines()
    assert first == "claims: 4 bits claimed: 0 of 1 layers quantized."
    assert second.strip().startswith("2 of 2 tensors compared, no number that was compared differs")


built = pytest.mark.skipif(not (STATIC / "report").is_dir(), reason="the page is not built: make ui")


@built
def test_one_file_holds_the_page_of_layers(tmp_path, base):
    half = {**BASE, "fc.weight": np.where(np.arange(32) < 16, 0, BASE["fc.weight"]).astype(np.float32)}
    save_file(half, tmp_path / "half.safetensors")
    run(base, base, tmp_path / "half.safetensors", "--html", tmp_path / "layers.html")
    text = (tmp_path / "layers.html").read_text(encoding="utf-8")
    told, kept = (json.loads(re.search(f'id="{id}">(.*?)</script>', text)[1]) for id in ("document", "answers"))
    assert (told["kind"], told["base"]) == ("layers", told["models"][0])
    assert told["said"][1]["sentences"][0].startswith("2 of 2 tensors compared")
    models = json.dumps(sorted(told["models"]), separators=(",", ":"))
    name = f"POST layers sparsity {json.dumps(told['base'])} {models}"
    with pa.ipc.open_stream(base64.b64decode(kept[name]["arrow"])) as stream:
        rows = stream.read_all().to_pylist()
    zeros = {row["model"]: row["zero_model_only"] for row in rows if row["parameter"] == "weight"}
    assert zeros[told["models"][2]] == 0 and any(row["zero_model_only"] == 64 * 16 for row in rows)


def test_a_page_has_room_for_so_many(tmp_path, base):
    from compress_compare.errors import InvalidValue

    result = CliRunner().invoke(cli, ["diff", *[str(base)] * 26, "--html", str(tmp_path / "x.html")])
    assert isinstance(result.exception, InvalidValue) and result.exception.code == "diff.paths"
    assert not (tmp_path / "x.html").exists()


@built
def test_the_page_is_served_and_nothing_is_left(tmp_path, base):
    """A name with a line break in it is no name of a model; the page shows it without."""
    twin = tmp_path / "a\nb.safetensors"
    twin.write_bytes(base.read_bytes())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code = "import sys; from compress_compare.cli.main import main; main()"
    command = [sys.executable, "-c", code, "diff", base, twin, "--serve", "--no-browser", "--port", "0"]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(scratch), "PATH": ""}
    ) as server:
        try:
            address = server.stdout.readline().strip()
            with urllib.request.urlopen(f"{address.partition('?')[0]}healthz", timeout=60) as page:
                assert page.status == 200
            there = list(scratch.iterdir())
        finally:
            server.send_signal(signal.SIGINT)
            code = server.wait(60)
    assert address.endswith("#/layers?sel=base.safetensors&sel=1%3A%20ab.safetensors")
    assert there and code == 0 and list(scratch.iterdir()) == []


def test_numbers_that_are_not_finite_are_said_in_words(tmp_path, base):
    weight = BASE["fc.weight"].copy()
    weight[0, 0] = np.nan
    save_file(BASE | {"fc.weight": weight}, tmp_path / "m.safetensors")
    first = run(base, tmp_path / "m.safetensors").splitlines()[0]
    assert "some of the weights are NaN or infinite" in first
    assert "nan dB" not in first


def test_zeros_that_a_configuration_claims_are_looked_for(tmp_path, base):
    (tmp_path / "m").mkdir()
    save_file(BASE, tmp_path / "m" / "model.safetensors")
    config = {"quantization_config": {"sparsity_config": {"format": "dense", "global_sparsity": 0.9}}}
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    assert run(base, tmp_path / "m").splitlines()[0].startswith("m: 90% zeros claimed, 0% found")
