"""A small project with every kind of thing in it, and a server for it."""

import math
from pathlib import Path

import numpy as np
import pytest

import compress_compare as cc

from .running import running


def fill(project) -> None:
    """Four models: a root, two children, and one with values that are no numbers."""
    project.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
    project.define_metric("Size", unit="B", format=".3s", higher_is_better=False, primary=True)
    with project.batch():
        project.log_model("root", operation=cc.Operation("train", epochs=3), metrics={"Accuracy": 0.98, "Size": 4000})
        for amount in (0.5, 0.9):
            project.log_model(
                f"pruned {amount}",
                base="root",
                operation=cc.Operation("magnitude prune", amount=amount),
                metrics={"Accuracy": 0.98 - amount / 10, "Size": 4000 * (1 - amount)},
                references={"teacher": "root"},
                tags=("pruned", f"at {amount}"),
                note="A note.",
            )
        project.log_model(
            "broken",
            base="root",
            operation=cc.Operation("quantize", bits=2),
            metrics={"Accuracy": math.nan, "Size": math.inf},
        )
    project.log_dataset("digits", ids=[1, 2, 3], labels=[0, 1, 2])
    project.log_outputs("root", "digits", ids=[3, 1], predictions=np.array([2, 0]))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with cc.open(tmp_path_factory.mktemp("projects") / "small") as opened:
        fill(opened)
        yield opened


@pytest.fixture(scope="module")
def static(tmp_path_factory) -> Path:
    """A built interface in small, beside files that must never be served."""
    root = tmp_path_factory.mktemp("interface")
    directory = root / "static"
    (directory / "assets").mkdir(parents=True)
    head = '<!doctype html><title>The page</title><link rel="icon" href="/icon.svg">'
    script = '<script type="module" src="/assets/index-B1d3kQ9x.js"></script>'
    (directory / "index.html").write_text(head + script)
    (directory / "assets" / "index-B1d3kQ9x.js").write_text("export {};")
    (directory / "assets" / "index-Ck39dkAd.css").write_text("body{}")
    (directory / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (root / "canary.txt").write_text("CANARY")
    (root / "static-sibling").mkdir()
    (root / "static-sibling" / "canary.txt").write_text("CANARY")
    (directory / "link.txt").symlink_to(root / "canary.txt")
    return directory


@pytest.fixture(scope="module")
def server(project, static):
    with running(project, static=static) as started:
        yield started


@pytest.fixture
def client(server):
    """Has the token."""
    with server.client(headers=server.bearer) as opened:
        yield opened


@pytest.fixture
def stranger(server):
    """Has no token."""
    with server.client() as opened:
        yield opened
