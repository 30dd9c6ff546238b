"""``compress-compare token``."""

from __future__ import annotations

import datetime

import click

from .output import echo_json, echo_table, json_option


@click.group()
def token() -> None:
    """Make, list and revoke the tokens by which others use your servers."""


@token.command()
@click.argument("name")
@click.option(
    "--role",
    required=True,
    metavar="ROLE",
    help="What it may do: read, log, run or admin; each includes those before it.",
)
@click.option("--expires", metavar="TIME", help="After how long it ends: 12h, 30d, 8w, 1y. Default: never.")
@click.option(
    "--user", metavar="USER", default="", help="Who has it; shown beside what is done with it. Default: NAME."
)
def create(name: str, role: str, expires: str | None, user: str) -> None:
    """Make the token NAME and print it, this once.

    Only its hash is kept, in your settings. It opens every server that you run.
    """
    from ..server.tokens import Tokens

    click.echo(Tokens().create(name, role, user=user, expires=expires))


@token.command(name="list")
@json_option
def listed(as_json: bool) -> None:
    """List the tokens: name, user, role, and until when they are valid."""
    from ..server.tokens import Tokens

    now = datetime.datetime.now(datetime.UTC)
    rows = [
        {
            "name": one.name,
            "user": one.user,
            "role": one.role,
            "state": one.state(now),
            "created": one.created,
            "expires": one.expires,
            "revoked": one.revoked,
        }
        for one in Tokens().listed()
    ]
    if as_json:
        echo_json({"tokens": rows})
    elif rows:
        columns = ("name", "user", "role", "state", "expires")
        echo_table(columns, [tuple(_shown(row[name]) for name in columns) for row in rows])
    else:
        click.echo("There are no tokens. Make one with: compress-compare token create NAME --role read --expires 30d")


@token.command()
@click.argument("name")
def revoke(name: str) -> None:
    """End the token NAME now, also for servers that are running."""
    from ..server.tokens import Tokens

    ended = Tokens().revoke(name)
    click.echo(f"The token {ended.name!r} of {ended.user!r} is revoked.")


def _shown(value: str | None) -> str:
    return "never" if value is None else value[:16].replace("T", " ")
