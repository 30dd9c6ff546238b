"""``compress-compare serve``."""

from __future__ import annotations

import click


@click.command()
@click.argument("project")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: 8787 or the next free one. 0 takes any free one.")
@click.option("--no-browser", is_flag=True, help="Print the address without opening a browser.")
def serve(project: str, port: int | None, no_browser: bool) -> None:
    """Show PROJECT in the browser, on this machine only, until Ctrl-C.

    Prints one line with the address that opens the page. The address holds a token: whoever has it can see and change
    the project while the server runs.
    """
    from ..server.serving import serve as run

    run(project, port=port, open_browser=not no_browser, announce=click.echo)
