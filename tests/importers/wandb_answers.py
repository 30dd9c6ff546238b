"""A server that answers what W&B's public client asks for: its runs, their files and artifacts, as GraphQL.

The answers have the fields of the client's queries. It stands in for W&B's own server, which no test can reach.
"""

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROJECT = {"id": "P", "internalId": "7", "name": "digits", "entity": {"name": "team"}}


@dataclass
class Run:
    """A run as the server has it."""

    id: str
    name: str
    config: dict
    summary: dict
    state: str = "finished"
    tags: tuple = ()
    notes: str = ""
    uses: str | None = None
    """Id of the run whose model artifact it took."""
    files: dict = field(default_factory=dict)

    def node(self):
        """Its fields in an answer."""
        return {
            **{"projectId": "7", "id": f"R{self.id}", "name": self.id, "displayName": self.name, "sweepName": None},
            **{"state": self.state, "tags": list(self.tags), "notes": self.notes, "description": "", "group": None},
            **{"jobType": None, "commit": None, "readOnly": False, "systemMetrics": "{}", "historyLineCount": 0},
            **{"createdAt": "2026-01-01T00:00:00Z", "heartbeatAt": "2026-01-01T00:00:00Z", "historyKeys": None},
            "config": json.dumps({name: {"value": value, "desc": None} for name, value in self.config.items()}),
            "summaryMetrics": json.dumps(self.summary),
            "user": {"name": "someone", "username": "someone"},
        }


def _page(nodes):
    edges = [{"node": node, "cursor": str(index)} for index, node in enumerate(nodes, 1)]
    return {"totalCount": len(edges), "edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}


def _artifact(run):
    sequence = {"__typename": "ArtifactSequence", "name": f"model-{run}", "project": PROJECT}
    return {
        **{"__typename": "Artifact", "id": f"A{run}", "artifactSequence": sequence, "versionIndex": 0},
        **{"artifactType": {"name": "model"}, "description": None, "metadata": "{}", "ttlDurationSeconds": -1},
        **{"ttlIsInherited": True, "tags": [], "historyStep": None, "state": "COMMITTED", "size": 1, "digest": "d"},
        **{"commitHash": "c", "fileCount": 1, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": None, "aliases": []},
    }


class Answers:
    """What the server knows: the runs of ``team/digits``, oldest first."""

    def __init__(self, runs, *, page=2):
        self.runs, self.page = list(runs), page
        self.asked = []
        self.address = ""

    def data(self, query, said):
        """The answer to a query with its variables."""
        name = re.search(r"query\s+(\w+)", query)[1]
        self.asked.append(name)
        if name in ("Viewer", "GetDefaultEntity"):
            return {"viewer": {"id": "V", "entity": "team", "username": "someone", "flags": "{}", "teams": _page([])}}
        if name == "ServerFeaturesQuery":
            return {"serverInfo": {"features": []}}
        if name == "ArtifactCreatedBy":
            run = {"__typename": "Run", "id": "R", "name": said["id"][1:], "project": PROJECT}
            return {"artifact": {"createdBy": run}}
        if (said.get("entity"), said.get("project")) != ("team", "digits"):
            return {"project": None}
        if name == "ProjectArtifactTypes":
            types = [{"__typename": "ArtifactType", "id": "T", "name": "model", "description": None, "createdAt": "x"}]
            return {"project": {"artifactTypes": _page(types if any(run.uses for run in self.runs) else [])}}
        if name == "Runs":
            return {"project": self._runs(said)}
        (run,) = (one for one in self.runs if one.id == (said.get("run") or said.get("name")))
        if name == "RunInputArtifacts":
            return {"project": {"run": {"artifacts": _page([_artifact(run.uses)] if run.uses else [])}}}
        if name == "RunFiles":
            wanted = [one for one in said["fileNames"] if one in run.files]
            nodes = [self._file(run, one) for one in wanted]
            return {"project": {"internalId": "7", "run": {"fileCount": len(nodes), "files": _page(nodes)}}}
        return {"project": {"run": run.node()}}

    def _runs(self, said):
        filters = json.loads(said["filters"])
        listed = [run for run in self.runs if filters.get("name") in (None, run.id)]
        start = int(said["cursor"] or 0)
        page = listed[start : start + self.page]
        edges = [{"node": run.node(), "cursor": str(start + index)} for index, run in enumerate(page, 1)]
        more = {"endCursor": str(start + len(page)), "hasNextPage": start + len(page) < len(listed)}
        runs = {"edges": edges, "pageInfo": more}
        return {"internalId": "7", "runCount": len(listed), "readOnly": False, "runs": runs}

    def _file(self, run, name):
        place = f"{self.address}/stored/{run.id}/{name}"
        about = {"mimetype": "application/json", "updatedAt": "2026-01-01T00:00:00Z", "md5": None}
        size = len(run.files[name])
        return {"id": f"F{name}", "name": name, "url": place, "directUrl": place, "sizeBytes": size, **about}


@contextmanager
def serving(answers):
    """The address of the server."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = json.loads(body) if body else {"query": "query Viewer"}
            self.reply(json.dumps({"data": answers.data(asked["query"], asked.get("variables") or {})}).encode())

        def do_GET(self):
            _, _, run, name = self.path.split("/", 3)
            self.reply(next(one.files[name] for one in answers.runs if one.id == run))

        def reply(self, content):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    answers.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield answers.address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
