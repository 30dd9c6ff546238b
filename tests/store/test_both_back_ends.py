"""Every file of tests here runs in a directory and on PostgreSQL, or this says why it does not."""

from pathlib import Path

TWICE = ("each_backend", "each_backend_of_module", "each_database")
ONCE = {
    "test_access": "who may read the files of a directory; on a server its own users decide",
    "test_artifacts": "how files are put into a folder; test_bucket does it in an object store",
    "test_streaming": "files of the object store that are read",
    "test_multipart": "large uploads to the object store",
    "test_bucket": "the object store, with records on PostgreSQL",
    "test_both_back_ends": "this file",
    "test_clocks": "locks and tokens that lie in folders; on a server the order comes from its own sequences",
    "test_database": "the file of SQLite, its locks and its damage; test_server has the same for PostgreSQL",
    "test_finished": "files in a folder, without a project",
    "test_location": "the locks that SQLite has on its file",
    "test_many_processes": "the log of SQLite; test_server has many threads and clients, benchmarks/team.py 32 writers",
    "test_migration": "databases that version 0.1 wrote; test_server brings up an older schema of PostgreSQL",
    "test_power_loss": "what is written to a disk and in which order; PostgreSQL answers for its own",
    "test_server": "PostgreSQL",
    "test_torch_parts": "files that a worker converts as those of test_conversion, before a store is asked",
}


def test_each_file_runs_on_both_or_says_why_not() -> None:
    folder = Path(__file__).parent
    once = {path.stem for path in folder.glob("test_*.py") if not any(name in path.read_text() for name in TWICE)}
    assert once | {"test_both_back_ends"} == set(ONCE)
