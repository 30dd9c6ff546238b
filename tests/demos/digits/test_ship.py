"""The demo ends with one shipped model and its card."""

from compress_compare import shipping
from compress_compare.demos.digits import run_digits, ship_digits
from compress_compare.demos.digits.experiments import experiments
from compress_compare.demos.digits.run import SHIPPED


def test_one_model_is_shipped_once_with_its_card(tmp_path):
    nodes = [node for node in experiments(0) if node.id in ("cnn", SHIPPED)]
    with run_digits(tmp_path / "digits", nodes=nodes) as project:
        shipped = ship_digits(project, tmp_path / "out")
        assert shipped is not None and shipped.proof.examples == 746
        assert (shipped.proof.agreement, shipped.proof.max_difference) == (1, 0)
        assert shipped.num_bytes < project.model(SHIPPED).checkpoint.num_bytes
        assert ship_digits(project, tmp_path / "out") is None
        accuracy = project.behaviors(SHIPPED, shipped.child, "digits-test").summary.to_pylist()[0]
        assert (accuracy["difference"], accuracy["agreement"]) == (0, 1)
    shipping.check(tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "base_model: cnn" in card and "746 of 746 predictions agree" in card
