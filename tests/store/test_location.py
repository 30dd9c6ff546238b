import subprocess
import sys

import compress_compare as cc

WRITER = """
import sys
import compress_compare as cc
with cc.open(sys.argv[1]) as project:
    for index in range(40):
        project.log_model(f"{sys.argv[2]} {index}", metrics={"x": index})
"""


def test_opening_a_project_twice_does_not_release_the_locks_of_the_first(tmp_path):
    """A process that closes the database file loses SQLite's locks on it, and then others delete the log in use."""
    with cc.open(tmp_path / "p") as first:
        first.log_model("root")
        cc.open(tmp_path / "p").close()
        for name in ("a", "b", "c"):
            assert len(first) > 0
            subprocess.run([sys.executable, "-c", WRITER, str(tmp_path / "p"), name], check=True)
            first.log_model(name)
        assert len(first) == 4 + 3 * 40
        assert first.models()["x"].null_count == 4
    with cc.open(tmp_path / "p") as again, again._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
