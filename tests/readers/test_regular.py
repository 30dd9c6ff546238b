"""What is no file is refused, and not waited for."""

import os
import socket

import pytest

from compress_compare.errors import InvalidValue
from compress_compare.readers.regular import open_regular


def refused(path):
    with pytest.raises(InvalidValue) as caught, open_regular(path):
        pass
    return caught.value.code


def test_a_file_opens(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for name in ("a", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"abc"


def test_b20_a_directory_a_pipe_a_device_a_socket_and_a_loop(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for path in (tmp_path, tmp_path / "pipe", tmp_path / "loop", tmp_path / "socket", tmp_path / "/dev/zero"):
            assert refused(path) == "input.not_regular_file"


def test_what_is_not_there(tmp_path):
    assert refused(tmp_path / "gone") == "input.not_found"
    assert refused(tmp_path / "a\0b") == "input.not_found"


def test_b20_what_may_not_be_read(tmp_path):
    locked = tmp_path / "locked"
    locked.write_bytes(b"abc")
    locked.chmod(0)
    if os.geteuid() == 0:
        for parent in (tmp_path, *tmp_path.parents[:2]):
            parent.chmod(0o755)
        os.seteuid(65534)
        try:
            assert refused(locked) == "input.permission"
        finally:
            os.seteuid(0)
    else:
        assert refused(locked) == "input.permission"


def test_b20_a_pipe_as_a_checkpoint_does_not_block(tmp_path):
    import compress_compare as cc

    os.mkfifo(tmp_path / "w.safetensors")
    with cc.open(tmp_path / "p") as project, pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=tmp_path / "w.safetensors")
    assert caught.value.code == "input.not_regular_file"
