"""Projects on PostgreSQL with their files in an object store: what is theirs alone."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import sqlalchemy as sa

import compress_compare as cc
from compress_compare.errors import Conflict, InvalidValue, MissingExtra, NotFound, StoreError
from compress_compare.store import address, postgres_projects, schema
from tests import servers

FILES = "s3://tests/server"

HOLD = """
import sys, compress_compare as cc
with cc.open(sys.argv[1]) as project, project.batch():
    project.log_model("held")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def url(team, request, tmp_path):
    """The address of a project that is not there yet."""
    return f"{team}?project=p{abs(hash(str(tmp_path)))}"


@pytest.fixture
def project(url):
    with cc.open(url, artifacts=FILES) as opened:
        opened.log_model("root", metrics={"Accuracy": 0.5})
        yield opened


@pytest.fixture
def holder(project, url):
    """Another process inside ``batch()``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def refused(kind, open_, *arguments, **named):
    with pytest.raises(kind) as caught:
        open_(*arguments, **named)
    return caught.value


def test_a_project_is_made_filled_and_found_again(url):
    with cc.open(url, artifacts=f"{FILES}/") as project:
        project.log_model("cnn", metrics={"Accuracy": 0.5}, checkpoint={"w": np.arange(6, dtype="f4").reshape(2, 3)})
        directory = project.path
    for place in (url, directory):
        with cc.open(place, create=False) as project:
            assert project.models()["id"].to_pylist() == ["cnn"]
            np.testing.assert_array_equal(np.asarray(project.load_checkpoint("cnn")["w"]), [[0, 1, 2], [3, 4, 5]])
            assert project.damage() == []
            assert project.garbage().count == 0


def test_projects_of_one_database_are_apart(team, tmp_path):
    with (
        cc.open(f"{team}?project=one", artifacts=FILES) as one,
        cc.open(f"{team}?project=two", artifacts=tmp_path / "shared") as two,
    ):
        for project in (one, two):
            project.log_model("same id", checkpoint={"w": np.ones(3, "f4")})
        one.delete("same id")
        assert one.purge().count == 1
        assert (len(one), len(two)) == (0, 1)
        assert two.damage() == []
        assert len(list((tmp_path / "shared" / "two" / "objects").glob("*/*"))) == 1
        assert {"one", "two"} <= set(postgres_projects.names(one.address))
        with one.batch():  # writers of different projects do not meet
            two._database.wait = 0.1
            two.log_model("at the same time")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("tester@", "tester:wrong@"), "store.denied"),
        (("tester@", "nobody@"), "store.denied"),
        (("/tests", "/none"), "store.no_database"),
        (("127.0.0.1:", "127.0.0.1:1"), "store.unreachable"),
        (("project=", "project=Not a name "), "project.name"),
        (("/tests", "/"), "project.url"),
        (("postgresql+psycopg", "mysql"), "project.url"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(url, change, code, capfd):
    if code == "store.unreachable":
        url = f"postgresql://tester@127.0.0.1:{servers.free_ports(1)[0]}/tests"
        change = ("", "")
    error = refused(Exception, cc.open, url.replace(*change), artifacts=FILES)
    assert error.code == code
    assert "wrong" not in str(error).replace(" is wrong", "")


def test_a_missing_password_is_asked_for(url, monkeypatch):
    monkeypatch.delenv("PGPASSWORD")
    error = refused(StoreError, cc.open, url, artifacts=FILES)
    assert error.code == "store.denied"
    assert "PGPASSWORD" in error.hint


@pytest.mark.parametrize(("library", "extra"), [("psycopg", "postgres"), ("obstore", "s3")])
def test_a_missing_library_is_named(url, monkeypatch, library, extra):
    monkeypatch.setitem(sys.modules, library, None)
    error = refused(MissingExtra, cc.open, url, artifacts=FILES)
    assert f"compress-compare[{extra}]" in error.hint


def test_where_files_go_is_said_once(url):
    assert refused(NotFound, cc.open, url, create=False).code == "project.unknown"
    assert refused(NotFound, cc.open, url, read_only=True).code == "project.unknown"
    assert refused(InvalidValue, cc.open, url).code == "project.artifacts"
    assert refused(InvalidValue, cc.open, url, artifacts="ftp://host/x").code == "project.artifacts"
    cc.open(url, artifacts=FILES).close()
    cc.open(url, artifacts=FILES).close()
    assert refused(Conflict, cc.open, url, artifacts="s3://other").code == "project.other_artifacts"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("AWS_SECRET_ACCESS_KEY", "another", "objects.denied"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "objects.unreachable"),
    ],
)
def test_an_object_store_that_does_not_serve_is_said_and_no_row_is_there(url, monkeypatch, name, value, code):
    monkeypatch.setenv(name, value)
    with cc.open(url, artifacts=FILES) as project:
        error = refused(StoreError, project.log_model, "m", checkpoint={"w": np.ones(3)})
        assert error.code == code
        assert len(project) == 0


def test_a_prefix_with_the_number_of_a_status_is_not_denied(url, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with cc.open(url, artifacts="s3://tests/runs-403-401") as project:
        error = refused(StoreError, project.log_model, "m", checkpoint={"w": np.ones(3)})
    assert error.code == "objects.unreachable"


def test_a_newer_or_damaged_schema_is_refused(url, project, postgres):
    name = project.address.schema
    postgres.execute(f"UPDATE \"{name}\".meta SET value = '99' WHERE name = 'schema_version'")
    assert refused(StoreError, cc.open, url).code == "store.too_new"
    postgres.execute(f'DROP TABLE "{name}".tags')
    assert refused(StoreError, project.overview).code == "store.corrupt"


def test_an_older_schema_is_brought_up_unless_it_is_only_read(url, project, postgres):
    """The tables of schema 1 are those of today without what the migration adds."""
    name = project.address.schema
    for table in ("kept_files", "deleted", "history_models", "history"):
        postgres.execute(f'DROP TABLE "{name}".{table}')
    dropped = {"models": ("replicate", "archived_at", "origin_key"), "notes": ("origin_key",), "jobs": ("origin_key",)}
    for table, columns in {**dropped, "datasets": ("family", "version")}.items():
        for column in columns:
            postgres.execute(f'ALTER TABLE "{name}".{table} DROP COLUMN {column}')
    for column in ("dataset", "protocol"):
        postgres.execute(f'ALTER TABLE "{name}".metric_values DROP COLUMN {column} CASCADE')
    postgres.execute(f'DROP INDEX IF EXISTS "{name}".metric_values_by_metric')
    postgres.execute(f'CREATE INDEX metric_values_by_metric ON "{name}".metric_values (metric_key)')
    postgres.execute(f'DROP TABLE "{name}".origins')
    postgres.execute(f"UPDATE \"{name}\".meta SET value = '1' WHERE name = 'schema_version'")
    assert refused(StoreError, cc.open, url, read_only=True).code == "store.too_old"
    with cc.open(url) as again:
        assert again.model("root").metrics["Accuracy"][0].value == 0.5
        again.log_model("new", base="root", operation=cc.Operation("prune"), metrics={"Accuracy": 0.4})
        again.delete("new")
        again.restore_deleted("new")


def test_a_shared_folder_that_is_not_mounted_is_never_made_anew(url, tmp_path):
    with cc.open(url, artifacts=tmp_path / "shared") as project:
        project.log_model("m", checkpoint={"w": np.ones(3)})
    (tmp_path / "shared").rename(tmp_path / "elsewhere")
    assert refused(StoreError, cc.open, url).code == "objects.no_folder"
    assert not (tmp_path / "shared").exists()


def test_the_password_is_written_nowhere(url, tmp_path):
    with cc.open(url.replace("tester@", f"tester:{servers.PASSWORD.replace(' ', '%20')}@"), artifacts=FILES) as project:
        project.log_model("m")
        shown = [repr(project), project.shown_place]
        assert address.environment(project.path, {"HOME": "/", "PGUSER": "x"}) == {
            "PGUSER": "x",
            "PGPASSWORD": servers.PASSWORD,
        }
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not [text for text in (*shown, *kept) if "password" in str(text)]


def test_a_file_that_names_a_server_is_believed_in_the_users_own_folder_alone(project, tmp_path):
    copied = tmp_path / "from somebody"
    copied.mkdir()
    (copied / "project.json").write_bytes((project.path / "project.json").read_bytes())
    assert refused(NotFound, cc.open, copied, create=False).code == "project.unknown"


def test_reading_alone_changes_nothing(url, project):
    with cc.open(url, read_only=True) as reader:
        before = reader.revision()
        assert refused(StoreError, reader.log_model, "x").code == "store.read_only"
        with pytest.raises(sa.exc.DBAPIError), reader._database._readers.connect() as connection:
            connection.execute(schema.revisions.update().values(number=7))
        project.log_model("second")
        assert (len(reader), reader.revision()) == (2, before + 1)


@pytest.mark.parametrize("stopped", [False, True])
def test_readers_do_not_wait_for_a_writer_and_a_writer_is_told_who_it_waits_for(project, holder, stopped):
    if stopped:
        holder.send_signal(signal.SIGSTOP)
    assert project.models()["id"].to_pylist() == ["root"]
    project._database.wait = 0.2
    error = refused(StoreError, project.log_model, "mine")
    assert error.code == "store.busy"
    assert f"process {holder.pid}" in error.title
    assert refused(StoreError, project.purge, wait=0.0).code == "store.busy"
    holder.kill()
    holder.wait()
    project._database.wait = 10
    project.log_model("mine")
    assert project.models()["id"].to_pylist() == ["root", "mine"]


def test_who_waits_for_news_gets_them_at_once(url, project):
    project.wait_for_change(30)  # begins to listen
    with cc.open(url) as other:
        logging = threading.Timer(0.2, lambda: other.log_model("news"))
        logging.start()
        started = time.monotonic()
        while "news" not in project:
            project.wait_for_change(60)
        assert time.monotonic() - started < 50  # the limit of the wait, not a measure of speed
        logging.join()
        with other._database.write(counter="jobs"):
            pass
    project.wait_for_change(60)


def test_many_threads_and_clients_lose_nothing(url, project):
    clients = [cc.open(url) for _ in range(2)]
    errors = []

    def log(client, worker):
        try:
            for number in range(5):
                client.log_model(f"{worker}-{number}", base="root", operation=cc.Operation("prune", amount=number))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=log, args=(clients[worker % 2], worker)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(project) == 41
    revision = project.revision()
    assert revision == 1 + 40
    for client in clients:
        client.close()


WRITE = """
import sys, compress_compare as cc
with cc.open(sys.argv[1]) as project:
    for number in range(10_000):
        project.log_model(f"{sys.argv[2]}-{number}", metrics={"Accuracy": number / 10_000})
        print(f"{sys.argv[2]}-{number}", flush=True)
"""


def test_what_was_acknowledged_survives_the_death_of_writer_and_server(monkeypatch, tmp_path):
    """Both are killed at random moments; the server syncs as it would in production."""
    monkeypatch.setenv("PGPASSWORD", servers.PASSWORD)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    acknowledged = []
    with servers.postgres(durable=True) as server, cc.open(server.url, artifacts=tmp_path / "files") as project:
        for attempt, victim in enumerate(["writer", "server"]):
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITE, server.url, str(attempt)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            found = [writer.stdout.readline().strip() for _ in range(5 + 3 * attempt)]
            if victim == "server":
                server.kill()
            else:
                writer.kill()
            rest, error = writer.communicate()
            acknowledged += [*found, *rest.split()]
            if victim == "server":
                assert "was lost" in error or "cannot be reached" in error, error[-500:]
                server.start()
            there = project.models()["id"].to_pylist()
            assert set(acknowledged) <= set(there)
            assert len(there) <= len(acknowledged) + attempt + 1  # at most one each whose answer was lost
            assert len(set(there)) == len(there)
            project.log_model(f"after {attempt}")
            acknowledged.append(f"after {attempt}")
        assert project.damage() == []


def test_jobs_of_a_project_on_a_server_find_it_by_its_folder(project):
    found = address.of_directory(project.path)
    assert found is not None
    assert found.shown == project.shown_place
    content = json.loads((project.path / "project.json").read_bytes())
    assert content == {"url": project.shown_place}
    assert (project.path / "project.json").stat().st_mode & 0o077 == 0
    assert os.environ["PGPASSWORD"] not in content["url"]
