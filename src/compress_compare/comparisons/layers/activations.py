"""What the layers of models put out on a sample of inputs, compared with the base's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ...analysis.layers import activations, diagnosis, table
from ...errors import InvalidValue
from .compare import Layers

MOST = 0.5
"""Share of a layer's error from which on few channels make it."""


@dataclass(frozen=True)
class Sample:
    """What activations are compared on.

    Args:
        network: the module that the checkpoints are of, or a function from a model's id to one.
        data: batches of inputs, or of pairs of inputs and targets.
    """

    network: Any
    data: Any

    def __post_init__(self) -> None:
        if self.network is None or self.data is None:
            raise InvalidValue(
                "layers.sample",
                "Comparing activations needs a network and data to run it on.",
                hint="Pass network=, a module or a function from an id to one, and data=, batches of inputs.",
            )

    def loaded(self, id: str, tensors: Mapping[str, Any]) -> Any:
        """The network with a model's weights.

        Raises:
            InvalidValue: ``layers.network`` if they do not fit.
        """
        network = deepcopy(self.network) if hasattr(self.network, "load_state_dict") else self.network(id)
        try:
            network.load_state_dict(tensors)
        except (RuntimeError, AttributeError) as error:
            raise InvalidValue(
                "layers.network",
                f"The weights of {id!r} do not fit the network.",
                detail=f"{error}"[:500],
                hint="Pass network= a function from the id of a model to a module of its structure.",
            ) from error
        return network


def compare_activations(base: str, networks: Mapping[str, Any], *, data: Iterable[Any]) -> Layers:
    """Compare what modules put out.

    Args:
        base: id of the base.
        networks: modules by id, the base's among them.
        data: see ``Sample``.
    """
    from .hooks import activations as run
    from .spectra import ResponseSpectra

    models = {id: network for id, network in networks.items() if id != base} or dict(networks)
    spectra = ResponseSpectra({base: networks[base], **models})
    found = run(
        networks[base], models, data=data, note=lambda network, name, output: spectra.add(network, name, output=output)
    )
    rows, findings = [], []
    for name in dict.fromkeys(name for id in models for name in found[id]):
        for id, network in models.items():
            if name not in found[id]:
                continue
            module, columns = network.get_submodule(name), found[id][name].columns()
            count = sum(parameter.numel() for parameter in module.parameters())
            rows.append({"module": name, "model": id, "num_parameters": count, **columns})
            if not any(True for _ in module.children()):
                findings.append(_output_finding(name, id, found[id][name].count, columns))
    schema = pa.schema([*table.KEYS, *activations.SCHEMA])
    rows_found = pa.Table.from_pylist(rows, schema)
    return Layers(base, "activations", rows=rows_found, findings=findings, spectra=spectra.eigenvalues())


def _output_finding(module: str, model: str, count: int, columns: Mapping[str, Any]) -> diagnosis.TensorFinding:
    shares = dict(zip(columns["worst_channels"] or (), columns["worst_channel_shares"] or (), strict=True))
    loud = [channel for channel in columns["outlier_channels"] or () if channel in shares]
    loud_share = sum(shares[channel] for channel in loud)
    return diagnosis.TensorFinding(
        module,
        "local output",
        model,
        num_dimensions=2,
        count=count,
        nonfinite=columns["num_nonfinite"],
        new_zeros=None,
        error=columns["local_relative_error"],
        clipped=columns["clipped"] or 0.0,
        base_clipped=columns["base_clipped"] or 0.0,
        loud=loud if loud_share > MOST else (),
        loud_share=loud_share,
        repair=columns["repair"],
    )
