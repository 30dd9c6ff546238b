"""Files of the field's tools with random damage, given to every reader: none may answer with a raw exception.

Claim: whatever bytes a checkpoint has, ``compress-compare diff`` of the file and itself ends within 20 s and 2 GB with
numbers or with a sentence that has a code. The corpus is written here by safetensors, torch, ONNX, gguf and NumPy;
files and folders that are named are added to it, e.g. those that other tools have written. Run from the repository
root: ``python benchmarks/fuzz.py [MINUTES] [SEED] [FILE OR FOLDER ...]`` (default: 30 minutes, seed 1). Ends with exit
code 1 if there was a raw exception, an end by a signal, or none in time; what did it is kept, and its place is printed.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import onnx
import safetensors.numpy
import torch

from compress_compare.comparisons.files import differences
from compress_compare.errors import UserError

SECONDS, MEMORY = 20, 2 << 30
BIGGEST = 2_000_000
"""Bytes of a file of the corpus."""
NUMBERS = [0, 1, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
WORDS = [b"0", b"-1", b"1e999", b"9" * 40, b"null", b'""', b"[]", b"{}", b"NaN", b'"F8_E4M3"', b"../x", b"\0", b"\xff"]


def corpus(folder: Path) -> list[Path]:
    """Small files of each kind that tools of the development environment write."""
    draw = np.random.default_rng(0)
    weights = {f"block.{i}.weight": draw.normal(size=(16, 32)).astype(np.float32) for i in range(3)}
    weights["block.bias"] = draw.normal(size=16).astype(np.float32)
    tensors = {name: torch.from_numpy(tensor) for name, tensor in weights.items()}
    safetensors.numpy.save_file(weights, folder / "plain.safetensors", metadata={"format": "pt"})
    torch.save({"state_dict": tensors, "epoch": 3}, folder / "training.pt")
    torch.save(tensors, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    np.savez(folder / "arrays.npz", **weights)
    np.save(folder / "one.npy", weights["block.0.weight"])
    _gguf(folder / "model.gguf", weights)
    _onnx(folder / "model.onnx", weights)
    sharded = folder / "sharded"
    sharded.mkdir()
    (sharded / "config.json").write_text('{"architectures": ["X"], "quantization_config": {"quant_method": "gptq"}}')
    safetensors.numpy.save_file({"block.0.weight": weights["block.0.weight"]}, sharded / "model-1.safetensors")
    safetensors.numpy.save_file({"block.bias": weights["block.bias"]}, sharded / "model-2.safetensors")
    (sharded / "model.safetensors.index.json").write_text(
        '{"weight_map": {"block.0.weight": "model-1.safetensors", "block.bias": "model-2.safetensors"}}'
    )
    return sorted(folder.iterdir())


def _gguf(path: Path, weights: dict[str, np.ndarray]) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    for number, (name, tensor) in enumerate(weights.items()):
        kind = gguf.GGMLQuantizationType.Q8_0 if number == 1 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quantize(tensor, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _onnx(path: Path, weights: dict[str, np.ndarray]) -> None:
    initializers = [onnx.numpy_helper.from_array(tensor, name) for name, tensor in weights.items()]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "block.0.weight"], ["y"])],
        "graph",
        [value("x", onnx.TensorProto.FLOAT, [1, 16])],
        [value("y", onnx.TensorProto.FLOAT, [1, 32])],
        initializers,
    )
    onnx.save(onnx.helper.make_model(graph), path)


def flip(content: bytearray, draw: random.Random, near: int) -> None:
    """Flip some bits."""
    for _ in range(draw.choice([1, 1, 4, 30])):
        content[draw.randrange(near)] ^= 1 << draw.randrange(8)


def cut(content: bytearray, draw: random.Random, near: int) -> None:
    """Take away an end or a middle."""
    start = draw.randrange(near)
    del content[start : draw.choice([len(content), start + draw.randrange(1, 64)])]


def repeat(content: bytearray, draw: random.Random, near: int) -> None:
    """Have a piece stand twice."""
    start = draw.randrange(near)
    content[start:start] = content[start : start + draw.choice([1, 8, 64, 4096])]


def number(content: bytearray, draw: random.Random, near: int) -> None:
    """Write a number at the edge of its type."""
    size, start = draw.choice([1, 2, 4, 8]), draw.randrange(near)
    value = draw.choice(NUMBERS) & (256**size - 1)
    content[start : start + size] = value.to_bytes(size, draw.choice(["little", "little", "big"]))


def word(content: bytearray, draw: random.Random, near: int) -> None:
    """Put a word in the place of as many letters, or push the rest away."""
    text, start = draw.choice(WORDS), draw.randrange(near)
    content[start : start + draw.choice([0, len(text)])] = text


DAMAGE: list[Callable[[bytearray, random.Random, int], None]] = [flip, cut, repeat, number, word]


def damaged(source: Path, target: Path, draw: random.Random) -> None:
    """Copy a file or a folder, and damage one file of it once or a few times, mostly near its start or its end."""
    if source.is_dir():
        shutil.copytree(source, target)
        path = draw.choice(sorted(one for one in target.rglob("*") if one.is_file()))
    else:
        path = Path(shutil.copyfile(source, target))
    content = bytearray(path.read_bytes())
    for _ in range(draw.choice([1, 1, 2, 4])):
        if content:
            near = min(len(content), draw.choice([64, 512, 4096, len(content)]))
            draw.choice(DAMAGE)(content, draw, near)
    path.write_bytes(content)


def outcome(path: Path, scratch: Path) -> str:
    """What becomes of one file, found out in a process of its own."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY + _mapped(), MEMORY + _mapped()))
        signal.alarm(SECONDS)
        os.write(writing, _read(path, scratch).encode()[:60_000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    _, status = os.waitpid(child, 0)
    return text or f"RAW ended by {'the limit of time' if status & 127 == signal.SIGALRM else f'status {status}'}"


def _mapped() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _read(path: Path, scratch: Path) -> str:
    warnings.simplefilter("ignore")
    try:
        differences([path, path], scratch)
    except UserError as error:
        return error.code
    except BaseException:
        return f"RAW {traceback.format_exc()}"
    return "read"


def main() -> None:
    """Damage and read until the time is over."""
    minutes, seed = (float(given) for given in [*sys.argv[1:3], *("30", "1")[len(sys.argv[1:3]) :]])
    draw, outcomes, kept = random.Random(int(seed)), Counter[str](), Path(tempfile.mkdtemp(prefix="fuzz-"))
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as work:
        sources = corpus(Path(made))
        for given in map(Path, sys.argv[3:]):
            files = [given] if given.is_file() else [one for one in given.rglob("*") if one.is_file()]
            sources += [one for one in files if 0 < one.stat().st_size <= BIGGEST]
        end, times = time.monotonic() + 60 * minutes, 0
        while time.monotonic() < end:
            source, times = draw.choice(sources), times + 1
            folder = Path(work) / "case"
            (folder / "scratch").mkdir(parents=True)
            damaged(source, folder / source.name, draw)
            found = outcome(folder / source.name, folder / "scratch")
            outcomes[found if not found.startswith("RAW") else "RAW"] += 1
            if found.startswith("RAW"):
                target = kept / f"{times}-{source.name}"
                (folder / source.name).rename(target)
                print(f"{target}: {found[-2000:]}", flush=True)
            shutil.rmtree(folder)
    print(f"{times} files of {len(sources)}: {outcomes['read']} read, {outcomes['RAW']} raw; refused as:")
    for code, count in outcomes.most_common():
        print(f"  {count:7d} {code}")
    sys.exit(outcomes["RAW"] > 0)


if __name__ == "__main__":
    main()
