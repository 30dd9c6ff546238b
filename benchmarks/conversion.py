"""Files of PyTorch that are converted one after the other, beside a script of one's own for each: a process that loads
with ``torch.load`` and saves with safetensors.

Run: python benchmarks/conversion.py
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

from compress_compare.store import conversion

FILES = 6
OWN = """
import sys, torch
from safetensors.torch import save_file
save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        file, target = Path(folder, "w.pt"), Path(folder, "w.safetensors")
        torch.save({"w": torch.randn(1000, 1000)}, file)
        ours, theirs = [], []
        for _ in range(FILES):
            start = time.perf_counter()
            conversion.convert(file, target)
            ours.append(time.perf_counter() - start)
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", OWN, str(file), str(target)], check=True)
            theirs.append(time.perf_counter() - start)
    later, own = median(ours[1:]), median(theirs)
    print(
        f"first file of 4 MB: {ours[0]:.2f} s; each after it: {later:.3f} s, {later / own:.2f} × a script's {own:.2f} s"
    )


if __name__ == "__main__":
    main()
