"""Core ML packages: lookup tables, integers with scales and sparse weights, converted by coremltools.

Core ML itself runs on Apple's systems only. The file is read back as the MIL program that it holds, whose operators
coremltools evaluates; the numbers run in the network of the source.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...analysis.layers.values import Array
from ...errors import MissingExtra, UserError
from ...records.own_key import KEY
from ..base import Format, Source, Written, cannot_hold
from ..codes import coded, palette
from ..origin import text
from .coreml_weights import Sparse, constants, put, sparse

if TYPE_CHECKING:
    from ..codes import Coded, LookupTables

PACKAGE = "model.mlpackage"
DEBUG = "executorch_debug_handle_mapping.json"
LOUD = ("coremltools", "torch.export", "torchao", "torch.utils._pytree")


class CoremlFormat(Format):
    """Holds floats, integers of 2 to 8 bits with scales, palettes of 1 to 8 bits, and zeros as a bit map.

    Codes take 4 or 8 bits, labels 1, 2, 3, 4, 6 or 8. The zeros of quantized and palettized weights are stored like
    other numbers. Weights are stored in 32 bits where they are floats.
    """

    name = "coreml"
    summary = "a Core ML package for iOS 18 and macOS 15, with lookup tables, linear quantization and sparse weights"
    extra = "coreml"
    needs_network = True

    def refusal(self, source: Source) -> UserError | None:
        """Refuse networks of integers, and models without a network."""
        try:
            import coremltools  # noqa: F401
        except ImportError as error:
            raise MissingExtra(error.name or "coremltools", purpose="Shipping as coreml", extra=self.extra) from error
        if source.runs_integers:
            why = "coremltools converts networks that round their inputs only as it makes them itself."
            return cannot_hold(self, "layers that round their inputs", nearest="onnx", why=why)
        source.needs_network(self.name)
        return None

    def write(self, source: Source, folder: Path) -> Written:
        """Convert the network, put codes in place of its weights, and save the package."""
        import coremltools

        program, names = self._converted(source)
        known = constants(program)
        weights, notes = _encoded(source)
        for name, weight in weights.items():
            if known.get(names.get(name, "")) is None or not put(program, known[names[name]], weight=weight):
                notes.append(f"{name}: its scales or tables are laid out in another way; it is stored as floats.")
        with _quiet():
            model = coremltools.convert(program, convert_to="mlprogram", skip_model_load=True, **_settings())
            model.user_defined_metadata[KEY] = text({"origin": source.origin})
            model.save(str(folder / PACKAGE))
        (folder / PACKAGE / DEBUG).unlink(missing_ok=True)
        try:
            _program(folder)
        except (AssertionError, ValueError, NotImplementedError) as error:
            what = "this network: coremltools cannot read back the program that it makes of it"
            raise cannot_hold(self, what, nearest="onnx", why=f"{type(error).__name__}: {error}"[:300]) from error
        left = [name for name in source.logical.tensors if names.get(name) not in known]
        buffers = source.weights.extra.get("buffers", [])
        missing = [name for name in left if name in buffers or _unused(source, name)]
        return Written(notes, {name: other for name, other in names.items() if other in known}, missing)

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The constants of the program, and those that its operators make of codes, as coremltools evaluates them."""
        return {name: operation_value(one) for name, one in constants(_program(folder)).items()}

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the metadata of the package."""
        from coremltools.models.utils import load_spec

        with _quiet():
            said = load_spec(str(folder / PACKAGE)).description.metadata.userDefined.get(KEY, "{}")
        found = json.loads(said).get("origin", {})
        return found if isinstance(found, Mapping) else {}

    def _converted(self, source: Source) -> tuple[Any, dict[str, str]]:
        """The network as a MIL program, and what it calls the tensors of the source.

        Raises:
            InvalidValue: ``ship.cannot_hold`` where coremltools cannot translate it.
        """
        import coremltools

        network = source.needs_network(self.name)
        try:
            with _quiet():
                exported = _exported(network, source.example)
                names = dict(exported.graph_signature.inputs_to_parameters | exported.graph_signature.inputs_to_buffers)
                program = coremltools.convert(exported, convert_to="milinternal", **_settings())
        except Exception as error:  # it reports what it cannot translate by dozens of exception types
            why = str(error).strip().splitlines()
            detail = f"{type(error).__name__}: {why[0] if why else ''}"[:300]
            what = "this network: coremltools cannot convert it"
            raise cannot_hold(self, what, nearest="onnx", why=detail) from error
        return program, {str(name): placeholder for placeholder, name in names.items()}


def _program(folder: Path) -> Any:
    """The MIL program of a package."""
    from coremltools.converters.mil.frontend.milproto import load
    from coremltools.models.utils import load_spec

    with _quiet():
        spec = load_spec(str(folder / PACKAGE))
        weights = folder / PACKAGE / "Data" / "com.apple.CoreML" / "weights"
        return load.load(spec, spec.specificationVersion, str(weights))


def operation_value(operation: Any) -> Array:
    """The numbers of a constant, or of an operator that makes them of constants."""
    if operation.op_type == "const":
        return np.asarray(operation.outputs[0].val)
    return np.asarray(operation.materialized_val_inference())


def _exported(network: Any, example: Any) -> Any:
    """The network as PyTorch exports it, without operators that coremltools does not know but PyTorch can replace."""
    import torch

    named = dict(example) if isinstance(example, Mapping) else {}
    args = () if named else tuple(example) if isinstance(example, tuple | list) else (example,)
    exported = torch.export.export(network, args, kwargs=named)
    aten, table = torch.ops.aten, torch.export.default_decompositions()
    replaced = {one: table[one] for one in (aten.diff.default, aten.new_ones.default) if one in table}
    replaced |= {aten.__and__.Tensor: torch.bitwise_and, aten.alias.default: lambda same: same}
    return exported.run_decompositions(replaced)


def _settings() -> dict[str, Any]:
    import coremltools

    return {
        "minimum_deployment_target": coremltools.target.iOS18,
        "compute_precision": coremltools.precision.FLOAT32,
        "pass_pipeline": coremltools.PassPipeline.EMPTY,
    }


def _encoded(source: Source) -> tuple[dict[str, Coded | LookupTables | Sparse], list[str]]:
    """The codes, labels or bit maps of weights, and what is stored otherwise than its scheme says."""
    weights, notes = dict[str, "Coded | LookupTables | Sparse"](), list[str]()
    for name, scheme in source.schemes.items():
        values = np.asarray(source.logical.tensors[name].values.whole(), np.float32)  # type: ignore[union-attr]
        if scheme.kind == "dense":
            found: Any = sparse(values) if scheme.pruned else None
        else:
            found = coded(values, scheme) if scheme.kind == "quantized" else palette(values, scheme)
            if scheme.pruned:
                notes.append(f"{name}: its zeros are stored like other numbers.")
        if isinstance(found, str):
            notes.append(f"{name}: {found}; it is stored as floats.")
        elif found is not None:
            weights[name] = found
    return weights, notes


def _unused(source: Source, name: str) -> bool:
    """Whether a tensor is a buffer of the network."""
    return source.network is not None and name in dict(source.network.named_buffers())


@contextlib.contextmanager
def _quiet() -> Any:
    """Without the progress bars and warnings of coremltools."""
    from ...operations.parts.quiet import quiet

    with quiet(LOUD), contextlib.redirect_stderr(io.StringIO()):
        yield
