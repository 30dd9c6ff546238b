"""``compress-compare sync``."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict

import click

from ..errors import InvalidValue
from .output import echo_json, json_option


@click.command()
@click.argument("address", required=False)
@json_option
def sync(address: str | None, *, as_json: bool) -> None:
    """Send what was logged to projects on servers that could not be reached.

    The token is that of the environment variable COMPRESS_COMPARE_TOKEN. Exit code 1 if a server refused something.
    """
    from ..remote import spool
    from ..remote.connection import Connection
    from ..remote.project import TOKEN

    given = os.environ.get(TOKEN, "")
    waiting = [address.rstrip("/")] if address else spool.addresses()
    if waiting and not given:
        raise InvalidValue("remote.token", "A project on a server needs a token.", hint=f"Set {TOKEN}.")
    done = []
    for one in waiting:
        connection = Connection(one, given)
        try:
            done.append(spool.Spool(one).sync(connection))
        finally:
            connection.close()
    if as_json:
        echo_json({"projects": [asdict(one) for one in done]})
    elif not done:
        click.echo("Nothing waits.")
    for found in () if as_json else done:
        click.echo(f"{found.address}: {found.sent} sent, {len(found.refused)} refused, {found.left} left")
        for refusal in found.refused:
            click.echo(f"  refused: {refusal}", err=True)
    sys.exit(1 if any(one.refused for one in done) else 0)
