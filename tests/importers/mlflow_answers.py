"""A server that answers what MLflow's client asks a tracking server for, by the documents of its REST interface."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EXPERIMENTS = [
    {"experiment_id": "1", "name": "digits", "artifact_location": "s3://x", "lifecycle_stage": "active"},
    {"experiment_id": "2", "name": "letters", "artifact_location": "s3://x", "lifecycle_stage": "active"},
]


def run(id, name, *, experiment="1", parent=None, accuracy=0.5):
    """A finished run as the server gives it."""
    info = {
        **{"run_id": id, "run_uuid": id, "run_name": name, "experiment_id": experiment, "status": "FINISHED"},
        **{"start_time": 1, "end_time": 2, "lifecycle_stage": "active", "artifact_uri": "s3://x"},
    }
    tags = [{"key": "mlflow.parentRunId", "value": parent}] if parent else []
    metrics = [{"key": "accuracy", "value": accuracy, "timestamp": 1, "step": 0}]
    params = [{"key": "operation", "value": "quantize" if parent else "train"}]
    return {"info": info, "data": {"metrics": metrics, "params": params, "tags": tags}, "inputs": {}}


RUNS = [
    run("a" * 32, "cnn"),
    run("b" * 32, "cnn-w4", parent="a" * 32, accuracy=0.25),
    run("c" * 32, "other", experiment="2"),
]


def answer(path, asked):
    """The document for a request, or None."""
    if path.endswith("experiments/search"):
        return {"experiments": EXPERIMENTS}
    if path.endswith("experiments/get"):
        return {"experiment": next(one for one in EXPERIMENTS if one["experiment_id"] == asked["experiment_id"])}
    if path.endswith("runs/search"):
        return {"runs": [one for one in RUNS if one["info"]["experiment_id"] in asked["experiment_ids"]]}
    return None


class Heard(list):
    """The paths that a server was asked for, and ``keys``, what came as Authorization."""

    def __init__(self):
        super().__init__()
        self.keys = set()


class Handler(BaseHTTPRequestHandler):
    """Keeps what it was asked for in ``server.heard``; a server with ``moved`` sends everybody there."""

    def do_GET(self):
        self._answer({})

    def do_POST(self):
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}"))

    def _answer(self, asked):
        path, _, query = self.path.partition("?")
        self.server.heard.append(self.path)
        self.server.heard.keys.add(self.headers["Authorization"])
        asked = {**asked, **dict(one.split("=", 1) for one in query.split("&") if "=" in one)}
        if self.server.moved:
            self.send_response(302)
            self.send_header("Location", self.server.moved + path)
            self.end_headers()
            return
        plain = {"/health": b"OK", "/version": b"3.17.2"}.get(path)
        document = answer(path, asked)
        self.send_response(200 if plain or document else 404)
        self.end_headers()
        self.wfile.write(plain or json.dumps(document or {}).encode())

    def log_message(self, *_):
        pass


@contextmanager
def serving(moved=None):
    """A running server: its address, and what it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.heard, server.moved = Heard(), moved
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
