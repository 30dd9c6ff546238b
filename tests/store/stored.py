"""The stored files of a project, wherever they lie."""

from __future__ import annotations

import os
from pathlib import Path

import compress_compare as cc
from compress_compare.store.bucket import BucketObjects


def sizes(project: cc.Project) -> list[int]:
    """The bytes of every object."""
    return [one.num_bytes for one in project._artifacts.listed()]


def contents(project: cc.Project) -> dict[str, bytes]:
    """Every object by its name, the hash of its content."""
    names = sorted(one.name.rpartition("/")[2] for one in project._artifacts.listed())
    return {name: project._artifacts._objects.path(name).read_bytes() for name in names}


def change(project: cc.Project, digest: str) -> None:
    """Flip the last bit of an object behind the project's back."""
    content = bytearray(project._artifacts._objects.path(digest).read_bytes())
    content[-1] ^= 1
    replace(project, digest, bytes(content))


def replace(project: cc.Project, digest: str, content: bytes) -> None:
    """Put other content in the place of an object behind the project's back."""
    objects = project._artifacts._objects
    if isinstance(objects, BucketObjects):
        put(digest, content, prefix=objects.url.split("/", 3)[3])
        objects._cache.forget(digest)
    else:
        objects.path(digest).write_bytes(content)


def put(digest: str, content: bytes, *, prefix: str) -> None:
    """Write an object as another program would."""
    import obstore
    from obstore.store import S3Store

    assert os.environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    store = S3Store("tests", prefix=prefix, client_options={"allow_http": True})
    obstore.put(store, str(Path("objects") / digest[:2] / digest), content)
