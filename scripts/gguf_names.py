"""Writes ``readers/gguf_names.json``: for each tensor name of GGUF, the names that other tools have for it.

They are those of the ``gguf`` package (``gguf.tensor_mapping``, MIT license), so that reading needs no further package.
Run it after a new version of that package: ``python scripts/gguf_names.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

from gguf.constants import TENSOR_NAMES
from gguf.tensor_mapping import TensorNameMap

TARGET = Path(__file__).parents[1] / "src/compress_compare/readers/gguf_names.json"
OTHER_MEDIA = ("v.", "a.", "mm.", "resampler")


def main() -> None:
    """Write the file."""
    names: dict[str, list[str]] = {}
    maps = TensorNameMap.arch_block_mappings_cfg.values()
    for mapping in (TensorNameMap.mappings_cfg, TensorNameMap.block_mappings_cfg, *maps):
        for tensor, others in mapping.items():
            name = _pattern(TENSOR_NAMES[tensor])
            if not name.startswith(OTHER_MEDIA):
                names.setdefault(name, []).extend(map(_pattern, others))
    listed = {name: sorted(set(others)) for name, others in sorted(names.items())}
    TARGET.write_text(json.dumps(listed, indent=1) + "\n")


def _pattern(name: str) -> str:
    return name.replace("{bid}", "{}").replace("{xid}", "{}")


if __name__ == "__main__":
    main()
