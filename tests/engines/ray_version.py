"""A cluster of another version of Ray; run by `test_ray` in a process that is not connected to one yet."""

import pytest
import ray

from compress_compare.engines.ray import RayEngine
from compress_compare.errors import UserError

from .conftest import CLUSTER, drive, misbehaving


def test_f19_both_versions_are_named_and_the_right_one_is_let_in(tmp_path, monkeypatch):
    own = ray.__version__
    with monkeypatch.context() as patched:
        patched.setattr(ray, "__version__", "2.0.0")
        with pytest.raises(UserError) as caught:
            RayEngine(2, address=CLUSTER)
    assert caught.value.code == "engine.no_cluster" and "same version" in caught.value.hint
    assert f"Ray: {own}" in caught.value.detail and "Ray: 2.0.0" in caught.value.detail
    engine = RayEngine(2, address=CLUSTER)
    work = misbehaving(tmp_path, "exit 3")
    engine.submit(work)
    assert drive(engine, work.id).reason == "exit_code(3)"
    engine.close()
    assert not ray.is_initialized()
