"""Large uploads to an S3-compatible store in parts, of which those that are there already are not sent again.

The key of an object is the hash of its content, so that whoever uploads to it sends the same parts: an upload that was
cut off is gone on with, also by another client, and two clients may do so at once. obstore shows no upload that is not
finished; these few calls go through botocore, and everything else does not.
"""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from .objects import StoredObject

LARGE = 32 << 20
"""Bytes from which an upload is worth going on with."""

PART = 8 << 20
MOST_PARTS = 10_000
"""S3 takes no more."""

PARALLEL = 4
RETRIES = 5
CONNECT_S = 5
REQUEST_S = 60
BEGIN_ANEW = ("NoSuchUpload", "InvalidPart", "InvalidPartOrder")
"""What is said to one of two clients when the other one has finished, or when an old upload was removed."""


class PartUploads:
    """The uploads to one bucket that are not finished.

    Args:
        bucket: its name.
        prefix: of the keys.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def send(self, key: str, staged: Path, *, sentence: Callable[[str], Exception]) -> bool | None:
        """Upload a file in parts, but for those that are there.

        Args:
            key: below the prefix.
            staged: the file.
            sentence: makes the error of what the store says.

        Returns:
            Whether it was finished; if not, somebody else has ended the upload meanwhile. None if the store does not
            say what is there, and nothing was sent.
        """
        library = _library()
        if library is None:
            return None
        from botocore.exceptions import BotoCoreError, ClientError

        where = {"Bucket": self._bucket, "Key": self._prefix + key}
        try:
            client = _client(library)
        except BotoCoreError:
            return None
        with closing(client):
            try:
                where["UploadId"], there = _begun(client, where)
            except (BotoCoreError, ClientError):
                return None
            try:
                _finish(client, where, staged=staged, there=there)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in BEGIN_ANEW:
                    return False
                raise sentence(str(error)) from error
            except BotoCoreError as error:
                raise sentence(str(error)) from error
        return True

    def unfinished(self) -> Iterator[StoredObject]:
        """Uploads that were begun below the prefix; nothing where the store does not tell."""
        library = _library()
        if library is None:
            return
        from botocore.exceptions import BotoCoreError, ClientError

        now = datetime.datetime.now(datetime.UTC)
        with suppress(BotoCoreError, ClientError), closing(_client(library)) as client:
            for one in _pages(client, "list_multipart_uploads", "Uploads", Bucket=self._bucket, Prefix=self._prefix):
                where = {"Bucket": self._bucket, "Key": one["Key"], "UploadId": one["UploadId"]}
                parts = list(_pages(client, "list_parts", "Parts", **where))
                last = max([one["Initiated"], *(part["LastModified"] for part in parts)])
                age = max((now - last).total_seconds(), 0.0)
                yield StoredObject(f"{one['Key']}?{one['UploadId']}", sum(part["Size"] for part in parts), age)

    def abandon(self, name: str) -> None:
        """End one of those that ``unfinished`` has named, with its parts.

        Raises:
            OSError: if the store does not do so, or it is not there any more.
        """
        library = _library()
        if library is None:
            return
        from botocore.exceptions import BotoCoreError, ClientError

        key, _, upload = name.rpartition("?")
        try:
            with closing(_client(library)) as client:
                client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
        except (BotoCoreError, ClientError) as error:
            raise OSError(str(error)) from error


def endpoint() -> str:
    """The address of the store, as obstore reads it; empty for that of Amazon."""
    return os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or ""


def _library() -> Any:
    """The module ``botocore.session``; without it, large uploads begin anew like small ones."""
    try:
        import botocore.session
    except ImportError:
        return None
    return botocore.session


def _client(library: Any) -> Any:
    from botocore.config import Config

    session = library.Session()
    for name in ("config_file", "credentials_file"):  # obstore reads the environment alone; both must be the same user
        session.set_config_variable(name, os.devnull)
    hosted = os.environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() in ("1", "true")
    return session.create_client(
        "s3",
        endpoint_url=endpoint() or None,
        region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        verify=os.environ.get("AWS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE"),
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "virtual" if hosted else "path"},
            connect_timeout=CONNECT_S,
            read_timeout=REQUEST_S,
            retries={"total_max_attempts": RETRIES, "mode": "standard"},
            max_pool_connections=PARALLEL,
            request_checksum_calculation="when_required",  # others than Amazon do not know the newer ones
            response_checksum_validation="when_required",
        ),
    )


def _pages(client: Any, call: str, name: str, **where: str) -> Iterator[Any]:
    for page in client.get_paginator(call).paginate(**where):
        yield from page.get(name) or ()


def _begun(client: Any, where: dict[str, str]) -> tuple[str, dict[int, Any]]:
    """The oldest upload to a key that is not finished and its parts by their numbers, or a new one."""
    found = _pages(client, "list_multipart_uploads", "Uploads", Bucket=where["Bucket"], Prefix=where["Key"])
    uploads = [one for one in found if one["Key"] == where["Key"]]
    if not uploads:
        return client.create_multipart_upload(**where)["UploadId"], {}
    upload = min(uploads, key=lambda one: (one["Initiated"], one["UploadId"]))["UploadId"]
    parts = _pages(client, "list_parts", "Parts", **where, UploadId=upload)
    return upload, {part["PartNumber"]: part for part in parts}


def _finish(client: Any, where: dict[str, str], *, staged: Path, there: dict[int, Any]) -> None:
    num_bytes = staged.stat().st_size
    length = _part_size(num_bytes)

    def send(number: int) -> dict[str, Any]:
        with staged.open("rb") as file:
            file.seek((number - 1) * length)
            content = file.read(length)
        known = there.get(number)
        if known is None or known["Size"] != len(content) or known["ETag"].strip('"') != _sum(content):
            # what is signed is its SHA-256, so that the store refuses what has changed on its way
            known = client.upload_part(**where, PartNumber=number, Body=content)
        return {"PartNumber": number, "ETag": known["ETag"]}

    senders = ThreadPoolExecutor(PARALLEL)
    try:
        parts = list(senders.map(send, range(1, -(-num_bytes // length) + 1)))
    finally:
        senders.shutdown(cancel_futures=True)
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


def _sum(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _part_size(num_bytes: int) -> int:
    """The same for all who upload a file of this length."""
    least = -(-num_bytes // MOST_PARTS)
    return PART * -(-max(least, 1) // PART)
