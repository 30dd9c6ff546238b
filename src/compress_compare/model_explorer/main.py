"""Layers of a project over a graph in Model Explorer: a provider of node data, which its page offers under that name.

Model Explorer loads this module itself; see ``docs/layers.md``.
"""

from __future__ import annotations

from typing import Any

from model_explorer import node_data_provider as provider
from model_explorer.config_editor import DropDownConfigEditor, OptionItem, TextInputConfigEditor
from model_explorer.node_data_builder import GradientItem, GraphNodeData, NodeDataResult

from ..analysis.layers.measures import MEASURES
from ..comparisons.layers import activation_answers
from ..comparisons.layers.compare import LayerComparisons, Layers
from ..errors import UserError
from ..exporters.model_explorer import node_data
from ..store.store import Store

PROJECT, BASE, MODEL, WHAT = "project", "base", "model", "what"


class CompressCompare(provider.NodeDataProvider):  # type: ignore[misc]
    """All measures of one mode of Layers for one model, each as node data of its own."""

    metadata = provider.NodeDataProviderMetadata(
        id="compress_compare",
        name="Compress and Compare",
        description="What happened inside the layers of a compressed model.",
        icon="compress",
    )

    def get_config_editors(self, provider_id: str) -> Any:  # noqa: ARG002 -- there is one provider
        """Ask for the project, the base, the model and the mode."""
        texts = [
            (PROJECT, "Project", "The folder of the project."),
            (BASE, "Base", "The id of the model that the other is compared with."),
            (MODEL, "Model", "The id of the model whose numbers are shown."),
        ]
        editors: list[Any] = [
            TextInputConfigEditor(id=id, label=label, description=said, required=True) for id, label, said in texts
        ]
        options = [OptionItem(value=what, label=what) for what in MEASURES]
        editors.append(DropDownConfigEditor(id=WHAT, label="What", options=options, defaultValue="weights"))
        return provider.GetConfigEditorsResult(configEditors=editors)

    def run(  # the names are those of Model Explorer, which gives them by name
        self,
        provider_id: str,  # noqa: ARG002 -- there is one provider
        *,
        model_path: str,  # noqa: ARG002 -- the numbers belong to the tensors, whatever file draws them
        graph_id: str,  # noqa: ARG002
        config_values: dict[str, Any],
        graph: Any,  # noqa: ARG002
    ) -> Any:
        """The node data, or what is wrong in a sentence."""
        said = {name: str(config_values.get(name) or "") for name in (PROJECT, BASE, MODEL)}
        try:
            with Store.open(said[PROJECT], create=False, read_only=True) as store:
                found = _compared(store, said, str(config_values.get(WHAT) or "weights"))
        except UserError as error:
            return provider.NodeDataProviderResult(error=str(error))
        return provider.NodeDataProviderResult(result=_measures(found, said[MODEL]))


def _compared(store: Store, said: dict[str, str], what: str) -> Layers:
    if what == "activations":
        return activation_answers.kept(store, said[BASE], models=[said[MODEL]], examples=activation_answers.EXAMPLES)
    return LayerComparisons(store).layers(said[BASE], [said[MODEL]], what=what)


def _measures(found: Layers, model: str) -> list[Any]:
    """Node data of every measure that has a number anywhere."""
    listed = []
    names = [measure.id if measure.share_of else measure.read_from for measure in MEASURES[found.what]]
    for name in dict.fromkeys(names):
        data = node_data(found.table.arrow, model=model, measure=name)
        if data["results"]:
            results = {key: NodeDataResult(value=one["value"]) for key, one in data["results"].items()}
            gradient = [GradientItem(**stop) for stop in data["gradient"]]
            listed.append(GraphNodeData(results=results, name=data["name"], gradient=gradient))
    return listed
