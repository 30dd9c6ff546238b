"""``compress-compare sync``."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..errors import InvalidValue
from .output import echo_json, json_option

if TYPE_CHECKING:
    from ..remote import spool


@click.command()
@click.argument("address", required=False)
@click.option("--refused", "what", flag_value="list", help="List the calls that a server refused; nothing is sent.")
@click.option("--retry", "what", flag_value="retry", help="Send the calls that a server refused once more, too.")
@click.option("--drop", "what", flag_value="drop", help="Forget the calls that a server refused; nothing is sent.")
@json_option
def sync(address: str | None, what: str | None, *, as_json: bool) -> None:
    """Send what was logged to projects on servers that could not be reached.

    The token is that of the environment variable COMPRESS_COMPARE_TOKEN. Exit code 1 if a server refused something.
    """
    from ..remote import spool

    spools = [spool.Spool(one) for one in ([address.rstrip("/")] if address else spool.addresses())]
    if what == "list":
        _list(spools, as_json=as_json)
    elif what == "drop":
        dropped = [{"address": one.address, "dropped": one.drop()} for one in spools]
        if as_json:
            echo_json({"projects": dropped})
        for each in () if as_json else dropped:
            click.echo(f"{each['address']}: {each['dropped']} refused calls dropped")
    else:
        _send(spools, again=what == "retry", as_json=as_json)


def _list(spools: list[spool.Spool], *, as_json: bool) -> None:
    found = [(one.address, one.refused()) for one in spools]
    if as_json:
        projects = [{"address": address, "refused": [asdict(one) for one in listed]} for address, listed in found]
        echo_json({"projects": projects})
        return
    if not any(listed for _, listed in found):
        click.echo("No call was refused.")
    for address, listed in found:
        for one in listed:
            click.echo(f"{address}: {' '.join((one.method, *one.about))}: {one.reason}")


def _send(spools: list[spool.Spool], *, again: bool, as_json: bool) -> None:
    from ..remote.connection import Connection
    from ..remote.project import TOKEN

    kept = {one.address: 0 if again else len(one.refused()) for one in spools}
    waiting = [one for one in spools if len(one) or (again and one.refused())]
    given = os.environ.get(TOKEN, "")
    if waiting and not given:
        raise InvalidValue("remote.token", "A project on a server needs a token.", hint=f"Set {TOKEN}.")
    done = []
    for one in waiting:
        if again:
            one.retry()
        connection = Connection(one.address, given)
        try:
            done.append(one.sync(connection))
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
    if any(kept.values()):
        count = sum(kept.values())
        click.echo(f"{count} calls were refused before; see them with: compress-compare sync --refused", err=True)
    sys.exit(1 if any(one.refused for one in done) else 0)
