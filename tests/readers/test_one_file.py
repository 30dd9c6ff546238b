"""Which file of a folder has the weights."""

import pytest

from compress_compare.errors import InvalidValue
from compress_compare.readers import one_file


def folder(tmp_path, *names):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def code_of(place):
    with pytest.raises(InvalidValue) as caught:
        one_file.of(place)
    return caught.value.code


@pytest.mark.parametrize("name", [one_file.TORCH, *one_file.ONNX])
def test_a_file_of_a_usual_name_comes_before_others(tmp_path, name):
    place = folder(tmp_path, name, "other.pt", "another.gguf", "config.json")
    assert one_file.of(place) == place / name


def test_a_single_file_is_taken_whatever_its_name(tmp_path):
    place = folder(tmp_path, "mine.gguf", "config.json")
    assert one_file.of(place) == place / "mine.gguf"


def test_where_there_are_safetensors_files_all_are_meant(tmp_path):
    assert one_file.of(folder(tmp_path, "model.safetensors", "mine.gguf")) is None
    twice = folder(tmp_path / "twice", "model.safetensors", "model.fp16.safetensors")
    assert code_of(twice) == "model.several_networks"
    assert one_file.of(folder(tmp_path / "other", "model.safetensors", "encoder.fp16.safetensors")) is None
    assert one_file.of(folder(tmp_path / "index", "model.safetensors.index.json")) is None


def test_what_is_not_clear_is_refused(tmp_path):
    assert code_of(folder(tmp_path / "two", "a.gguf", "b.gguf")) == "model.several_networks"
    assert code_of(folder(tmp_path / "none", "config.json")) == "model.not_a_checkpoint"
    with pytest.raises(InvalidValue, match="one folder below") as caught:
        one_file.of(folder(tmp_path / "below", "config.json", "unet/x.safetensors"))
    assert caught.value.hint == "Name one of them: below/unet."
    for name in ("b.mlmodelc",):
        assert code_of(folder(tmp_path / name, "x")) == "model.unsupported_format"


def test_kinds_that_are_not_read_are_refused_with_what_to_do(tmp_path):
    for suffix, hint in one_file.OTHERS.items():
        found = one_file.refusal(tmp_path / f"model{suffix.upper()}", (".gguf",))
        assert (found.code, found.hint) == ("model.unsupported_format", hint)
    other = one_file.refusal(tmp_path / "model.xyz", (".gguf", ".pt"))
    assert other.code == "model.unsupported_format"
    assert other.hint == "Supported are .gguf, .pt and Hugging Face folders."


def test_parts_of_one_model_are_no_models(tmp_path):
    place = folder(tmp_path / "70b", "consolidated.00.pth", "consolidated.01.pth", "params.json")
    with pytest.raises(InvalidValue, match="in 2 parts") as caught:
        one_file.of(place)
    assert caught.value.code == "model.unsupported_format"
    alone = folder(tmp_path / "7b", "consolidated.00.pth", "params.json")
    assert one_file.of(alone) == alone / "consolidated.00.pth"
