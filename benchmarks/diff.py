"""`compress-compare diff` on two folders of 1 GB: a model in bfloat16 and the same with nearest values of 4 bits.

The limit is 10 seconds from the command to the answer. Beside it stand the time of `--help`, which is what a command
costs before it does anything, and that of reading all bytes once.

Run: python benchmarks/diff.py [MILLIONS OF PARAMETERS, default 500]
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LIMIT_S = 10
WIDTH = 2048
SHARDS = 4
CHUNK = 1 << 20


def write(folder, count, *, rounded):
    """A folder of shards with an index; matrices of 4.2 M numbers each."""
    folder.mkdir()
    rng, names = np.random.default_rng(0), {}
    matrices = [f"model.layers.{at}.mlp.up_proj.weight" for at in range(count)]
    for shard in range(SHARDS):
        held = matrices[shard::SHARDS]
        file_name, size = f"model-{shard + 1:05}-of-{SHARDS:05}.safetensors", 2 * WIDTH**2
        header = {
            name: {"dtype": "BF16", "shape": [WIDTH, WIDTH], "data_offsets": [at * size, (at + 1) * size]}
            for at, name in enumerate(held)
        }
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with (folder / file_name).open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for _ in held:
                numbers = rng.standard_normal((WIDTH, WIDTH), np.float32)
                if rounded:
                    scales = np.abs(numbers).max(axis=1, keepdims=True) / 7
                    numbers = np.rint(numbers / scales) * scales
                file.write((numbers.view(np.uint32) >> 16).astype("<u2"))
        names |= dict.fromkeys(held, file_name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "quantization_config": {"bits": 4}}))
    return sum(path.stat().st_size for path in folder.iterdir())


def plain(folders):
    """Read every byte once."""
    for folder in folders:
        for path in folder.iterdir():
            with path.open("rb") as file:
                while file.read(CHUNK):
                    pass


def command(*arguments):
    """The seconds that a command takes, the processor time that it takes, its memory, and what it prints."""
    code = "import sys; from compress_compare.cli.main import main; sys.argv[0] = 'compress-compare'; main()"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    took = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, worked, after.ru_maxrss / 1000, done.stdout


def main():
    count = max(int(float(sys.argv[1] if len(sys.argv) > 1 else 500) * 1e6 / WIDTH**2), SHARDS)
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / name for name in ("base", "w4")]
        sizes = [write(folder, count, rounded=folder.name == "w4") for folder in folders]
        print(f"two folders of {sizes[0] / 1e9:.2f} and {sizes[1] / 1e9:.2f} GB")
        plain(folders)
        start = time.perf_counter()
        plain(folders)
        read = time.perf_counter() - start
        helped, _, _, _ = command("--help")
        took, worked, memory, said = command("diff", *folders, "--top", 1)
    print(said.splitlines()[0])
    print(f"--help: {helped:.2f} s; reading all bytes: {read:.2f} s")
    print(f"diff: {took:.1f} s (limit {LIMIT_S} s), {took / read:.1f} times a plain read")
    print(f"of which {worked:.1f} s of processor time on all cores together; memory at its peak {memory:.0f} MB")


if __name__ == "__main__":
    main()
